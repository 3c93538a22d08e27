import { describe, expect, test } from 'vitest'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { exponentialTimesMax } from './pauses.ts'
import { simulate, startMs } from './testing/simulate.ts'

const binMs = 10

/** A run of an echo server that answers after a millisecond, and when requests came, in milliseconds since the start. */
async function arrivalsOf(settings: Partial<Scenario>) {
  const arrivals: { readonly link: number; readonly atMs: number; readonly text: string }[] = []
  const server: MemoryServer = {
    received(connection, bytes, now) {
      const text = Buffer.from(bytes).toString().trim()
      arrivals.push({ link: connection.link, atMs: now - startMs, text })
      connection.send(bytes, 1)
    },
  }
  const steps = settings.mix ? {} : { loop: [{ send: 'x', think: 1000 }] }
  const run = await simulate(server, { ...steps, ...settings })
  expect(run.sent).toBe(arrivals.filter(({ text }) => text !== 'hi' && text !== 'beat').length)
  expect(run.failures).toEqual({})
  return { ...run, arrivals, times: arrivals.map(({ atMs }) => atMs) }
}

/** A server that works on one request at a time. */
function echoOneAtATime(serviceMs: number): MemoryServer {
  let freeAt = 0
  return {
    received(connection, bytes, now) {
      freeAt = Math.max(freeAt, now) + serviceMs
      connection.send(bytes, freeAt - now)
    },
  }
}

function countBetween(times: readonly number[], fromMs: number, toMs: number): number {
  return times.filter(time => time >= fromMs && time < toMs).length
}

/** The largest number of arrivals in 10 ms. */
function largestBin(times: readonly number[]): number {
  const bins = new Map<number, number>()
  for (const time of times) bins.set(Math.floor(time / binMs), (bins.get(Math.floor(time / binMs)) ?? 0) + 1)
  return Math.max(...bins.values())
}

/** By link: the times between its requests, less the millisecond that a reply takes. */
function pausesOf(arrivals: readonly { readonly link: number; readonly atMs: number }[]): number[] {
  const before = new Map<number, number>()
  return arrivals.flatMap(({ link, atMs }) => {
    const last = before.get(link)
    before.set(link, atMs)
    return last === undefined ? [] : [atMs - last - 1]
  })
}

describe('Client spreads its first requests', () => {
  test('over the pause, and so all later ones', async () => {
    const { times, completed } = await arrivalsOf({ connections: 500, duration: 3000 })
    expect(times[0]).toBeLessThan(1)
    // An even share is 5; each connection has a part of the pause of its own, which may touch that of the next.
    expect(largestBin(times)).toBeLessThanOrEqual(7)
    for (const second of [0, 1, 2]) {
      expect(Math.abs(countBetween(times, second * 1000, second * 1000 + 1000) - 500)).toBeLessThanOrEqual(5)
    }
    expect(completed).toBeGreaterThanOrEqual(500 * 3 - 5)
  })

  test('so that they wait no longer for the server than the same rate by a plan does', async () => {
    const p90 = async (settings: Partial<Scenario>) => {
      const { measured } = await simulate(echoOneAtATime(0.2), { connections: 500, duration: 3000, ...settings })
      return measured.response.quantiles.p90!
    }
    const load = { mode: 'rate', pipeline: 1, arrivals: 'poisson', rate: 500 } as const
    // In step 500 requests would queue at once, and nine of ten wait for less than 90 ms.
    expect(await p90({ loop: [{ send: 'x', think: 1000 }], timeout: 1000 })).toBeLessThan(2 * (await p90({ load })))
  })

  test('over the longest pause of several steps, however short the first', async () => {
    const loop = [
      { send: 'a', think: 0 },
      { send: 'b', think: 5 },
      { send: 'c', think: 1000 },
    ]
    const { arrivals } = await arrivalsOf({ connections: 300, duration: 3000, loop })
    for (const step of ['a', 'b', 'c']) {
      const times = arrivals.filter(({ text }) => text === step).map(({ atMs }) => atMs)
      expect(times.length).toBeGreaterThan(870)
      expect(largestBin(times)).toBeLessThanOrEqual(5)
    }
  })

  test('over the longest pause of a mix', async () => {
    const mix = [
      { send: 'a', think: 0, weight: 1 },
      { send: 'b', think: 1000, weight: 1 },
    ]
    const { times } = await arrivalsOf({ connections: 500, duration: 1000, mix })
    // Ten requests in 10 ms on average: each connection sends two a second.
    expect(largestBin(times)).toBeLessThanOrEqual(40)
  })

  test.each([
    ['exponential', 1000],
    ['uniform', 1000],
  ] as const)('as if the load had been going on before, where pauses are %s', async (spread, mean) => {
    const loop = [{ send: 'x', think: { mean, spread } }]
    const { times } = await arrivalsOf({ connections: 1000, duration: 3000, loop })
    for (let fromMs = 0; fromMs < 3000; fromMs += 500) {
      // 500 on average; four standard deviations of independent arrivals are 89.
      expect(Math.abs(countBetween(times, fromMs, fromMs + 500) - 500)).toBeLessThan(89)
    }
  })

  test('from the moment on at which a ramp lets a connection send', async () => {
    const stages = [
      { duration: 1, connections: 0 },
      { duration: 1000, connections: 0 },
      { duration: 1, connections: 500 },
      { duration: 2000, connections: 500 },
    ]
    const load = { mode: 'loop', pipeline: 1, stages } as const
    const { times, connects } = await arrivalsOf({ connections: 500, duration: 3002, load })
    expect(connects).toBe(500)
    expect(countBetween(times, 0, 1000)).toBe(0)
    expect(Math.abs(countBetween(times, 1011, 2011) - 500)).toBeLessThanOrEqual(10)
    expect(largestBin(times)).toBeLessThanOrEqual(8)
  })

  test('over new connections for every request', async () => {
    const reconnect = { when: 'every-request', backoff: { min: 10, max: 80 } } as const
    const { times } = await arrivalsOf({ connections: 500, duration: 2500, reconnect })
    expect(largestBin(times)).toBeLessThanOrEqual(7)
  })

  test('in the same way for the same seed', async () => {
    const settings = { connections: 50, duration: 3000, loop: [{ send: 'x', think: { mean: 200, spread: 'uniform' } }] }
    const [first, second] = [await arrivalsOf(settings as object), await arrivalsOf(settings as object)]
    expect(first.times).toEqual(second.times)
  })
})

test('Client spreads its heartbeats over their period, and sends as many', async () => {
  const heartbeat = { every: 1000, send: 'beat', reply: true }
  const settings = { connections: 100, duration: 4000, heartbeat, loop: [{ send: 'x', think: 3_600_000 }] }
  const { arrivals, heartbeats } = await arrivalsOf(settings)
  const beats = arrivals.filter(({ text }) => text === 'beat').map(({ atMs }) => atMs)
  // Heartbeats that are due are looked for every 6.25 ms, and those of a link are at least a period apart.
  expect(largestBin(beats)).toBeLessThanOrEqual(6)
  expect(beats[0]).toBeGreaterThan(0)
  expect(heartbeats).toBeGreaterThanOrEqual(100 * 3)
  expect(heartbeats).toBeLessThanOrEqual(100 * 4)
})

describe('Client does not wait before its first requests', () => {
  test('in mode once', async () => {
    const load = { mode: 'once', pipeline: 1 } as const
    const { completed, times } = await arrivalsOf({ connections: 20, load, duration: 10_000 })
    expect(completed).toBe(20)
    expect(Math.max(...times)).toBeLessThan(1)
  })

  test.each([1, 7, 20])('where no connection has a second one: %s requests over 20 connections', async requests => {
    const { completed, times, endedAtMs } = await arrivalsOf({ connections: 20, requests, duration: 60_000 })
    expect(completed).toBe(requests)
    expect(Math.max(...times)).toBeLessThan(1)
    expect(endedAtMs).toBeLessThan(startMs + 2)
  })

  test('over its only connection, and over the first of several', async () => {
    expect((await arrivalsOf({ connections: 1, requests: 2, duration: 60_000 })).times[0]).toBeLessThan(1)
    expect((await arrivalsOf({ connections: 10 })).times[0]).toBeLessThan(1)
  })

  test('where no step has a pause', async () => {
    const { times } = await arrivalsOf({ connections: 20, duration: 50, loop: [{ send: 'x', think: 0 }] })
    expect(countBetween(times, 0, 1)).toBe(20)
  })
})

test('Client sends a number of requests exactly, however its pauses are spread', async () => {
  for (const think of [300, { mean: 300, spread: 'uniform' }, { mean: 300, spread: 'exponential' }] as const) {
    const run = await arrivalsOf({ connections: 20, requests: 91, duration: 60_000, loop: [{ send: 'x', think }] })
    expect(run).toMatchObject({ sent: 91, completed: 91, inFlightAtEnd: 0 })
  }
})

describe('Client draws each pause anew', () => {
  test('exponentially, up to a multiple of the mean', async () => {
    const loop = [{ send: 'x', think: { mean: 10, spread: 'exponential' } }] as const
    const { arrivals } = await arrivalsOf({ connections: 20, duration: 5000, loop })
    const pauses = pausesOf(arrivals)
    const mean = pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length
    expect(pauses.length).toBeGreaterThan(8000)
    expect(mean).toBeGreaterThan(9.8)
    expect(mean).toBeLessThan(10.2)
    const beyond = (times: number) => pauses.filter(pause => pause > times * 10).length / pauses.length
    for (const times of [0.5, 1, 2, 4]) expect(Math.abs(beyond(times) / Math.exp(-times) - 1)).toBeLessThan(0.15)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(exponentialTimesMax * 10 + 1e-6)
    expect(Math.max(...pauses)).toBeGreaterThan(60)
  })

  test('uniformly, from 0 to twice the mean', async () => {
    const loop = [{ send: 'x', think: { mean: 10, spread: 'uniform' } }] as const
    const { arrivals } = await arrivalsOf({ connections: 20, duration: 5000, loop })
    const pauses = pausesOf(arrivals)
    expect(pauses.length).toBeGreaterThan(8000)
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = countBetween(pauses, tenth * 2, tenth * 2 + 2) / pauses.length
      expect(Math.abs(share - 0.1)).toBeLessThan(0.015)
    }
    expect(Math.max(...pauses)).toBeLessThanOrEqual(20 + 1e-6)
  })

  test('in a handshake too', async () => {
    const connect = [{ send: 'hi', think: { mean: 10, spread: 'uniform' } }] as const
    const loop = [{ send: 'x', think: 0 }]
    const { arrivals, handshakes } = await arrivalsOf({ connections: 200, duration: 30, connect, loop })
    expect(handshakes).toBe(200)
    // Connections that are ready before the start begin together; those whose pause is longer do not.
    const began = new Map(
      arrivals
        .filter(({ text }) => text === 'x')
        .toReversed()
        .map(({ link, atMs }) => [link, atMs]),
    )
    expect(began.size).toBe(200)
    expect(new Set(began.values()).size).toBeGreaterThan(80)
  })
})
