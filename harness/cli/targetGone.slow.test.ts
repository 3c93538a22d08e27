import { describe, expect, test } from 'vitest'
import { createPrng } from '../prng.ts'
import type { Report } from '../report/record.ts'
import type { Scenario } from '../scenario/scenario.ts'
import type { MemoryServer } from '../transports/memory.ts'
import { echoAfter, simulated } from './testing/simulated.ts'

const prng = createPrng(5)
const never = Number.POSITIVE_INFINITY
const slowly = { when: 'failure', backoff: { min: 100, max: 5000 } } as const
const everyRequest = { when: 'every-request', backoff: { min: 100, max: 5000 } } as const
const constant = { mode: 'rate', pipeline: 1, arrivals: 'constant' } as const

/** Times of the simulated server are 10 ms later than those since the start of the run. */
const startMs = 10
function since(now: number): number {
  return now - startMs
}

/** Answers after `delayMs`, except that it answers nothing in some parts of the run. */
function hanging(delayMs: number, ...parts: [from: number, to: number][]): MemoryServer {
  return echoAfter((_, now) => {
    const part = parts.find(([from, to]) => since(now) >= from && since(now) < to)
    return part === undefined ? delayMs : part[1] === never ? never : part[1] - since(now) + delayMs
  })
}

/** What the finding says: windows of a tenth of a second and the times of replies blur its dates. */
interface Gone {
  readonly severity: string
  readonly what: string
  readonly from: number
  readonly to: number
}

function goneOf({ findings }: Report): Gone | undefined {
  const found = findings.find(({ code }) => code === 'target-gone')
  if (found === undefined) return undefined
  const [, what, from, end] = /^the server (.*) from second ([\d.]+) to (the end|[\d.]+)/.exec(found.message)!
  expect(end === 'the end').toBe(found.severity === 'invalid')
  return { severity: found.severity, what: what!, from: Number(from), to: Number(from) + found.value }
}

async function goneIn(server: MemoryServer, settings: Partial<Scenario>, interruptedAtMs?: number) {
  const circumstances = interruptedAtMs === undefined ? {} : { interruptedAtMs }
  return goneOf((await simulated(server, settings, circumstances)).report)
}

function expectGone(gone: Gone | undefined, severity: string, what: string | RegExp, from: number, to: number): void {
  expect(gone).toMatchObject({ severity, what: expect.stringMatching(what) })
  expect(Math.abs(gone!.from - from)).toBeLessThan(0.15)
  expect(Math.abs(gone!.to - to)).toBeLessThan(0.15)
}

/** Of a run of 8 s, unless it says something else. */
function expectHang(gone: Gone | undefined, from = 5, to = 8): void {
  expectGone(gone, 'invalid', 'answered nothing', from, to)
}

describe('a server that answers what it is asked is not gone', () => {
  test.each<[string, MemoryServer, Partial<Scenario>]>([
    ['connections that think for long', hanging(1), { loop: [{ send: 'ping', think: 3000 }], connections: 100 }],
    ['replies that take three seconds', hanging(3000), { connections: 40 }],
    ['few planned requests', hanging(1), { connections: 40, load: { ...constant, rate: 0.4 } }],
    [
      'replies of which some take three seconds',
      echoAfter(() => (prng.next32() % 10 === 0 ? 3000 : 5)),
      { connections: 20 },
    ],
    [
      'one connection that sends a hundred together, and thinks',
      hanging(1),
      { loop: [{ send: 'ping', think: 3000 }], load: { mode: 'loop', pipeline: 100 } },
    ],
  ])('%s', async (_, server, settings) => {
    const ran = await simulated(server, { duration: 13_000, ...settings })
    expect(ran.report.totals.completed).toBeGreaterThan(4)
    expect(goneOf(ran.report)).toBeUndefined()
    const interrupted = await simulated(server, { duration: 13_000, ...settings }, { interruptedAtMs: 8500 })
    expect(interrupted.report.interrupted).toBe(true)
    expect(goneOf(interrupted.report)).toBeUndefined()
  })

  test('connections that think for long, until it hangs', async () => {
    const settings = { loop: [{ send: 'ping', think: 3000 }], connections: 100, duration: 13_000 }
    expectHang(await goneIn(hanging(1, [8000, never]), settings), 8, 13)
    // All are answered in second 3, and ask again in seconds 6 and 9.
    expectHang(await goneIn(hanging(1, [0, 3000], [8000, never]), settings), 9, 13)
  })

  test('it answers with errors for a while', async () => {
    const server: MemoryServer = {
      received(connection, bytes, now) {
        const isBusy = since(now) >= 4000 && since(now) < 8000
        connection.send(isBusy ? Buffer.from('busy\n') : bytes, 10)
      },
    }
    const loop = [{ send: 'ping', expect: 'echo', think: 0 }] as const
    const { report } = await simulated(server, { connections: 10, duration: 10_000, loop: [...loop] })
    expect(report.totals.failures.unexpected).toBeGreaterThan(3000)
    expect(goneOf(report)).toBeUndefined()
  })

  test('it closes its connections, most of which are just being opened again', async () => {
    // A handshake of 20 ms, a reply, and the server closes.
    const closing: MemoryServer = {
      received(connection, bytes) {
        const isHello = Buffer.from(bytes).toString() === 'hello\n'
        connection.send(bytes, isHello ? 20 : 1)
        if (!isHello) connection.close(1.5)
      },
      accepted(connection, now) {
        if (connection.link === 0 && since(now) > 9800) connection.reset(5)
      },
    }
    const loop = [{ send: 'ping', think: 5 }]
    const settings = { connect: [{ send: 'hello', think: 0 }], loop, connections: 10, duration: 10_000 }
    const { report, collector } = await simulated(closing, settings)
    expect(report.intervals.at(-1)!.failures).toEqual({ 'handshake-closed': expect.any(Number) })
    expect(collector.intervals.at(-1)!.connections).toBeLessThan(5)
    expect(goneOf(report)).toBeUndefined()
  })
})

describe('what the client does to its connections is not the fault of the server', () => {
  test('replies that are too large, with seconds of backoff', async () => {
    const wrong = (fromMs: number): MemoryServer => ({
      received: (connection, bytes, now) =>
        connection.send(since(now) < fromMs ? bytes : Buffer.from('a'.repeat(2000)), 10),
    })
    for (const duration of [19_000, 20_000, 21_000]) {
      const never = (await simulated(wrong(0), { connections: 2, reconnect: slowly, duration })).report
      expect(goneOf(never)).toBeUndefined()
      expect(never.findings[0]).toMatchObject({ code: 'errors', severity: 'invalid' })
      const later = (await simulated(wrong(5000), { connections: 2, reconnect: slowly, duration })).report
      expect(later.totals.completed).toBeGreaterThan(500)
      expect(goneOf(later)).toBeUndefined()
      expect(later.findings.map(({ code }) => code)).toContain('errors')
    }
  })

  test.each(['no-free-port', 'no-descriptor'] as const)('%s', async kind => {
    const server: MemoryServer = { ...hanging(10), refuses: (_, now) => (since(now) > 5000 ? kind : undefined) }
    for (const load of [
      { mode: 'loop', pipeline: 1 },
      { ...constant, rate: 50 },
    ] as const) {
      const settings = { connections: 2, reconnect: everyRequest, duration: 20_000, load }
      const { report } = await simulated(server, settings)
      expect(report.totals.failures[kind]).toBeGreaterThan(5)
      expect(goneOf(report)).toBeUndefined()
    }
  })
})

describe('a server that hangs', () => {
  test('until the end, while requests time out and connections wait for their next attempt', async () => {
    const settings = { connections: 10, timeout: 1000, reconnect: slowly, duration: 25_000 }
    expectHang(await goneIn(hanging(10, [5000, never]), settings), 5, 25)
    // After a while its queue of connections is full.
    const full = { ...hanging(10, [5000, never]), ignores: (_: number, now: number) => since(now) > 10_000 }
    expectHang(await goneIn(full, settings), 5, 25)
    expectHang(await goneIn(full, { ...settings, load: { ...constant, rate: 100 } }), 5, 25)
  })

  test('at the end, after a longer pause before', async () => {
    const server = hanging(10, [2000, 5000], [7500, never])
    const settings = { connections: 10, duration: 10_000 }
    expectHang(await goneIn(server, settings), 7.5, 10)
    expectGone(await goneIn(hanging(10, [2000, 5000]), settings), 'suspect', 'answered nothing', 2, 5)
  })

  test('until the run is interrupted', async () => {
    const settings = { connections: 10, duration: 20_000 }
    expectHang(await goneIn(hanging(10, [5000, never]), settings, 8000))
    expect(await goneIn(hanging(10), settings, 8000)).toBeUndefined()
  })

  test('in connects, in handshakes, or while planned requests wait for a connection', async () => {
    const ignores = { ...hanging(10), ignores: (_: number, now: number) => since(now) >= 5000 }
    const settings = { connections: 10, reconnect: everyRequest, duration: 8000 }
    expectHang(await goneIn(ignores, settings))
    expectHang(await goneIn(ignores, { ...settings, load: { ...constant, rate: 100 } }))
    expect(await goneIn(ignores, { ...settings, timeout: 1000 })).toMatchObject({ severity: 'invalid' })
    const shaking = hanging(10, [5000, never])
    expectHang(await goneIn(shaking, { ...settings, connect: [{ send: 'hello', think: 0 }] }))
  })

  test('at a planned rate, with all that came due answered at once', async () => {
    const load = { ...constant, rate: 100 }
    for (const connections of [10, 1000]) {
      const gone = await goneIn(hanging(1, [4000, 7000]), { connections, load, duration: 10_000 })
      expectGone(gone, 'suspect', 'answered nothing', 4, 7)
    }
  })
})

test('a load in stages may ask for nothing, and a single pass that breaks off is no outage', async () => {
  const stages = [3000, 3000, 3000].map(duration => ({ duration, connections: 4 }))
  const load = { mode: 'loop', pipeline: 1, stages } as const
  const settings = { connections: 4, duration: 9000 }
  expectGone(await goneIn(hanging(10, [3000, 6000]), settings), 'suspect', 'answered nothing', 3, 6)
  expect(await goneIn(hanging(10, [3000, 6000]), { ...settings, load })).toBeUndefined()
  const closing: MemoryServer = { ...hanging(1), accepted: connection => connection.close(150) }
  const loop = ['a', 'b'].map(send => ({ send, think: 500 }))
  const { report } = await simulated(closing, { loop, load: { mode: 'once', pipeline: 1 } })
  expect(report.totals.failures).toEqual({ 'closed-early': 1 })
  expect(goneOf(report)).toBeUndefined()
})

test('a server that closes every idle connection ends a run that never reconnects', async () => {
  const server: MemoryServer = { ...hanging(1), accepted: connection => connection.close(4995) }
  const load = { ...constant, rate: 20 }
  const reconnect = { ...slowly, when: 'never' } as const
  const { report } = await simulated(server, { connections: 4, reconnect, duration: 10_000, load })
  expect(report.totals).toMatchObject({ failures: {}, idleCloses: 4 })
  expectGone(goneOf(report), 'invalid', 'closed its 4 connections', 5, 5)
})

test('a server that dies in the last moment is dated by that, not by a connection that was lost before', async () => {
  const server: MemoryServer = {
    ...hanging(10),
    accepted(connection, now) {
      connection.reset(10_900 - since(now))
      if (connection.link === 3 && since(now) < 9300) connection.reset(9300 - since(now))
    },
    refuses: (_, now) => (since(now) >= 10_900 ? 'connect-refused' : undefined),
  }
  const { report } = await simulated(server, { connections: 10, reconnect: slowly, duration: 11_000 })
  expect(report.intervals[9]!.availability).toBeLessThan(1)
  expectGone(goneOf(report), 'invalid', /(closed|refused) its 10 connections/, 10.9, 11)
})

describe('this process stands still', () => {
  const standStill = { atMs: 4000, forMs: 3000 }

  test.each(['constant', 'poisson'] as const)(
    'at a planned rate: all that came due has waited (%s)',
    async arrivals => {
      const load = { ...constant, arrivals, rate: 1000 }
      const settings = { connections: 20, duration: 10_000, load }
      const { report } = await simulated(hanging(0.2), settings, { standStill })
      const { requests, ms } = report.client.stall!
      expect(ms).toBeGreaterThan(2990)
      expect(Math.abs(requests - 3000)).toBeLessThan(arrivals === 'constant' ? 3 : 50)
      const found = report.findings.find(({ code }) => code === 'client-stalled')!
      expect(found.message).toMatch(/[23],\d{3} requests waited for us/)
      expect(found.hint).toMatch(/^p90, p99.* and max are not/)
      // The server answered all the time.
      expect(goneOf(report)).toBeUndefined()
    },
  )

  test('in a loop: the server is not blamed for it', async () => {
    // Between two replies of each connection, so that not one byte comes from before it to its end.
    const between = { atMs: 4250, forMs: 3000 }
    const settings = { connections: 20, duration: 10_000 }
    const { report } = await simulated(hanging(400), settings, { standStill: between })
    expect(report.client.stall).toMatchObject({ requests: 20 })
    expect(goneOf(report)).toBeUndefined()
  })
})
