import { describe, expect, test } from 'vitest'
import { field } from '../../metrics/slab.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { simulate, startMs } from './testing/simulate.ts'

const nothing = { send: 'x', expect: 'nothing', think: 0 } as const
const answered = { send: 'y', expect: 'echo', think: 0 } as const
const constant = { mode: 'rate', pipeline: 1, arrivals: 'constant' } as const

/** A connection is read for so long. */
const lifeMs = 1100

interface Received {
  readonly link: number
  readonly text: string
  readonly atMs: number
}

/** A server that takes what is queued on each connection every millisecond, and answers what does not begin with x. */
function reader(): MemoryServer & { readonly lines: Received[] } {
  const lines: Received[] = []
  return {
    lines,
    accepted(connection) {
      connection.stopReading()
      for (let ms = 1; ms < lifeMs; ms++) connection.readQueued(ms)
    },
    received(connection, bytes, now) {
      for (const text of Buffer.from(bytes).toString().split('\n').slice(0, -1)) {
        lines.push({ link: connection.link, text, atMs: now - startMs })
        if (!text.startsWith('x')) connection.send(Buffer.from(`${text}\n`), 2)
      }
    },
  }
}

/** Runs against a server; what it counts has to be what the client has sent. */
async function runOneWay(settings: Partial<Scenario>, server = reader()) {
  const run = await simulate(server, { loop: [nothing], ...settings })
  expect(run.sent).toBe(run.completed + run.failed + run.inFlightAtEnd)
  return { ...run, lines: server.lines, oneWay: run.slab.oneWayByStep.reduce((sum, count) => sum + count, 0) }
}

describe('a request that expects no reply', () => {
  test('is completed once it is taken: the load is as fast as the server reads', async () => {
    const { sent, completed, lines, measured, inFlightAtEnd, oneWay } = await runOneWay({ connections: 3 })
    // One of each connection is read in a millisecond, and one waits.
    expect(completed).toBeGreaterThanOrEqual(3 * 999)
    expect(completed).toBeLessThanOrEqual(3 * 1001)
    expect(inFlightAtEnd).toBe(3)
    // What waits at the end is waited for, so that the server has seen all.
    expect(lines).toHaveLength(sent)
    expect(oneWay).toBe(sent)
    expect(measured.completed).toBe(completed)
    expect(measured.response.quantiles.count).toBe(0)
  })

  test('goes out with others in one write where the pipeline has room', async () => {
    const { lines, sent } = await runOneWay({ load: { mode: 'loop', pipeline: 16 } })
    expect(sent).toBeGreaterThanOrEqual(16 * 999)
    expect(lines).toHaveLength(sent)
    expect(lines.filter(({ atMs }) => atMs === lines[0]!.atMs)).toHaveLength(16)
  })

  test('is followed at once by the next step, which has a reply of its own', async () => {
    const { lines, completed, measured, oneWay } = await runOneWay({ loop: [nothing, answered] })
    expect(lines.map(({ text }) => text)).toEqual(lines.map((_, at) => (at % 2 === 0 ? 'x' : 'y')))
    expect(completed).toBeGreaterThanOrEqual(498)
    // One of them may be in flight at the end.
    expect(Math.abs(measured.response.quantiles.count - (completed - oneWay))).toBeLessThanOrEqual(1)
    expect(measured.response.quantiles.p50).toBeGreaterThanOrEqual(2)
  })

  test.each([1, 4])('pauses as its step says, with %i in flight', async pipeline => {
    const loop = [
      { ...nothing, think: 100 },
      { ...nothing, send: 'xx' },
    ]
    const { lines } = await runOneWay({ loop, load: { mode: 'loop', pipeline } })
    const firsts = lines.filter(({ text }) => text === 'x')
    expect(firsts).toHaveLength(10)
    firsts.slice(1).forEach(({ atMs }, at) => {
      expect(atMs - firsts[at]!.atMs).toBeGreaterThan(99.9)
      expect(atMs - firsts[at]!.atMs).toBeLessThan(103)
    })
    expect(lines.map(({ text }) => text)).toEqual(lines.map((_, at) => (at % 2 === 0 ? 'x' : 'xx')))
  })

  test('comes at the times of a plan', async () => {
    const { completed, lines } = await runOneWay({ connections: 4, load: { ...constant, rate: 1000 } })
    expect(completed).toBe(1000)
    const latenessMs = lines.map(({ atMs }, at) => atMs - at)
    expect(Math.min(...latenessMs)).toBeGreaterThan(-0.01)
    expect(Math.max(...latenessMs)).toBeLessThan(1.01)
  })

  test('waits for a connection in a plan that is faster than the server reads', async () => {
    const { completed, lines, sent, measured } = await runOneWay({ load: { ...constant, rate: 5000 } })
    expect(completed).toBeGreaterThanOrEqual(999)
    expect(completed).toBeLessThanOrEqual(1001)
    expect(lines).toHaveLength(sent)
    expect(measured.admissionWait.quantiles.max).toBeGreaterThan(700)
  })

  test('ends a run by number, and a single pass', async () => {
    const byNumber = await runOneWay({ connections: 2, requests: 100 })
    expect(byNumber).toMatchObject({ sent: 100, completed: 100, inFlightAtEnd: 0 })
    expect(byNumber.lines).toHaveLength(100)
    const load = { mode: 'once', pipeline: 1 } as const
    const pass = await runOneWay({ connections: 3, load, loop: [nothing, answered, { ...nothing, send: 'xx' }] })
    expect(pass).toMatchObject({ sent: 9, completed: 9, failed: 0 })
    expect(pass.lines.filter(({ link }) => link === 1).map(({ text }) => text)).toEqual(['x', 'y', 'xx'])
  })

  test('has a connection of its own where each request does', async () => {
    const { lines, connects, completed, sent } = await runOneWay({
      duration: 200,
      reconnect: { when: 'every-request', backoff: { min: 10, max: 80 } },
    })
    expect(completed).toBeGreaterThan(100)
    expect(lines).toHaveLength(sent)
    expect(Math.abs(connects - completed)).toBeLessThanOrEqual(1)
  })

  test('of the handshake is followed at once by the next', async () => {
    const connect = [
      { ...nothing, send: 'xhello' },
      { ...answered, send: 'login' },
      { ...nothing, send: 'xready' },
    ]
    const { lines, handshakes } = await runOneWay({ connect, loop: [answered], duration: 100 })
    expect(lines.slice(0, 4).map(({ text }) => text)).toEqual(['xhello', 'login', 'xready', 'y'])
    expect(handshakes).toBe(3)
  })
})

function resetting() {
  const server = reader()
  return {
    ...server,
    accepted(connection: MemoryConnection, now: number) {
      server.accepted!(connection, now)
      connection.reset(10.5)
    },
  }
}

describe('a request without a reply fails', () => {
  test('with the connection in whose queue it waits', async () => {
    const server = resetting()
    const { failures, failed, connects } = await runOneWay({ duration: 100 }, server)
    expect(failures).toEqual({ reset: failed })
    expect(failed).toBeGreaterThan(3)
    expect(failed).toBeLessThanOrEqual(connects)
  })

  test('where the server does not read for longer than the timeout', async () => {
    const server = { ...reader(), accepted: (connection: MemoryConnection) => connection.stopReading() }
    const { failures, completed } = await runOneWay({ timeout: 50, duration: 400 }, server)
    expect(completed).toBe(0)
    expect(failures['timeout']).toBeGreaterThan(3)
  })
})

test('a reply to a request that expects none is unexpected', async () => {
  const server = reader()
  const { failures, completed } = await runOneWay({ loop: [{ ...nothing, send: 'y' }], duration: 100 }, server)
  expect(completed).toBeGreaterThan(3)
  expect(failures['unexpected']).toBeGreaterThan(1)
})

test('a connection that the server closes while requests without a reply are sent is a failure, and one in a long pause is not', async () => {
  const closing = (lifeMs: number): MemoryServer => ({ accepted: connection => connection.close(lifeMs) })
  const busy = await simulate(closing(200), { loop: [nothing], load: { mode: 'loop', pipeline: 1 } })
  expect(busy.failures).toMatchObject({ 'closed-early': expect.any(Number) })
  expect(busy.collector.total(field.idleCloses)).toBe(0)
  const idle = await simulate(closing(650), { loop: [{ ...nothing, think: 500 }] })
  expect(idle.failures).toEqual({})
  expect(idle.collector.total(field.idleCloses)).toBeGreaterThan(0)
})

test('a stall of the client that keeps requests without a reply from being sent is recorded', async () => {
  const run = await simulate(reader(), { loop: [nothing], connections: 3 }, { standStill: { atMs: 300, forMs: 200 } })
  expect(run.slab.fields[field.stalls]).toBe(1)
})
