import { describe, expect, test } from 'vitest'
import { field } from '../../metrics/slab.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { lineServer, type Simulated, simulate, startMs } from './testing/simulate.ts'

const never = { when: 'never', backoff: { min: 10, max: 80 } } as const
const slowly = { mode: 'rate', pipeline: 1, arrivals: 'constant', rate: 5 } as const

/** Answers each line after a millisecond, and closes each connection `lifeMs` after it was opened. */
function closingAfter(lifeMs: number, how: 'close' | 'reset' = 'close'): MemoryServer {
  return { ...lineServer(1), accepted: connection => connection[how](lifeMs) }
}

/** Answers a line, and adds these bytes to the reply. */
function adding(extra: string): MemoryServer {
  return { received: (connection, bytes) => connection.send(Buffer.from(`${Buffer.from(bytes)}${extra}`), 1) }
}

function idleCloses({ collector }: Simulated): number {
  return collector.total(field.idleCloses)
}

describe('Client whose idle connections the server closes', () => {
  test.each(['close', 'reset'] as const)('keeps the pause of a step over the next connections (%s)', async how => {
    const loop = [{ send: 'x', think: 500 }]
    const run = await simulate(closingAfter(120, how), { loop, duration: 2000, connections: 2 })
    // At 0, 501, 1002 and 1503 ms.
    expect(run).toMatchObject({ completed: 8, failed: 0, failures: {} })
    expect(idleCloses(run)).toBeGreaterThan(20)
    expect(run.measured.availability).toBe(1)
  })

  test('opens them again at once, and counts no failure', async () => {
    const run = await simulate(closingAfter(150), { load: slowly, connections: 4, duration: 2000 })
    expect(run).toMatchObject({ sent: 10, completed: 10, failures: {} })
    expect(idleCloses(run)).toBeGreaterThanOrEqual(4 * 12)
    expect(run.connects).toBe(idleCloses(run) + 4)
    expect(run.measured.availability).toBe(1)
  })

  test('counts a failure, with a backoff, where a connection is closed as soon as it is open', async () => {
    const run = await simulate(closingAfter(50), { load: slowly, connections: 4, duration: 2000 })
    // One connection at a time has served the request before it is closed.
    expect(idleCloses(run)).toBeLessThanOrEqual(run.completed)
    expect(run.failures['closed-early']).toBeGreaterThan(20)
    expect(run.measured.availability).toBeLessThan(0.9)
  })

  test('counts a failure in mode once, whose pass cannot be finished', async () => {
    const loop = ['a', 'b'].map(send => ({ send, think: 500 }))
    const run = await simulate(closingAfter(150), { loop, load: { mode: 'once', pipeline: 1 } })
    expect(run).toMatchObject({ sent: 1, completed: 1, failures: { 'closed-early': 1 } })
    expect(idleCloses(run)).toBe(0)
  })

  test('does not replace them where it never reconnects', async () => {
    const run = await simulate(closingAfter(500), { load: slowly, connections: 2, reconnect: never })
    expect(run.failures).toEqual({})
    expect(run.connects).toBe(2)
    expect(idleCloses(run)).toBe(2)
    expect(run.endedAtMs).toBeLessThan(startMs + 510)
  })

  test('counts a failure where the server leaves a frame unfinished', async () => {
    const server: MemoryServer = {
      received(connection, bytes) {
        connection.send(bytes, 1)
        connection.send(Buffer.from('half a line'), 150)
        connection.close(200)
      },
    }
    const run = await simulate(server, { loop: [{ send: 'x', think: 400 }] })
    expect(run.completed).toBe(3)
    // At 200, 601 and, as the run ends after 1000 ms, not again.
    expect(run.failures).toEqual({ 'closed-early': 2 })
    expect(idleCloses(run)).toBe(0)
  })
})

describe('Client that receives bytes which belong to no reply', () => {
  test('counts them, and goes on after the shortest backoff', async () => {
    const run = await simulate(adding('a'.repeat(2000)), { connections: 2, duration: 2000 })
    expect(run.failed).toBe(0)
    expect(run.failures).toEqual({ 'too-large': run.completed })
    // A backoff of 5 to 10 ms for each; grown to its bound it would be 40 to 80.
    expect(run.completed).toBeGreaterThan((2 * 2000) / 12)
  })

  test('counts them on a connection that waits for its pause to end', async () => {
    const run = await simulate(adding('a'.repeat(2000)), { loop: [{ send: 'x', think: 300 }] })
    expect(run).toMatchObject({ completed: 4, failures: { 'too-large': 4 } })
  })
})

describe('Client that counts how long its connections were down', () => {
  /** Breaks all connections at `fromMs` since the start, and refuses new ones until `toMs`. */
  function outage(fromMs: number, toMs: number): MemoryServer {
    return {
      ...lineServer(1),
      accepted(connection, now) {
        if (now < startMs + fromMs) connection.reset(startMs + fromMs - now)
      },
      refuses: (_, now) => (now >= startMs + fromMs && now < startMs + toMs ? 'connect-refused' : undefined),
    }
  }

  test('has the share of the time in which they could be used', async () => {
    const { measured, failures, collector } = await simulate(outage(400, 700), { connections: 4 })
    // Down for 300 ms, and then for up to 80 ms of backoff.
    expect(measured.availability).toBeLessThan(0.7)
    expect(measured.availability).toBeGreaterThan(0.7 - 0.081)
    expect(failures).toEqual({ reset: 4, 'connect-refused': expect.any(Number) })
    const second = collector.intervals[0]!
    expect(second.failures).toEqual(failures)
    expect(second.availability).toBeCloseTo(measured.availability!, 3)
  })

  test('has 0 where no connection was ever open, and only the measured part', async () => {
    const refused = await simulate({ refuses: () => 'connect-refused' }, { connections: 2 })
    expect(refused.measured.availability).toBe(0)
    const recovered = await simulate(outage(100, 300), { connections: 2, warmup: 500 })
    expect(recovered.measured.availability).toBe(1)
  })

  test('counts neither a new connection for each request nor one that a ramp does not want yet', async () => {
    const reconnect = { ...never, when: 'every-request' } as const
    const churn = await simulate(lineServer(1), { reconnect, connections: 3 })
    expect(churn.connects).toBeGreaterThan(1000)
    expect(churn.measured.availability).toBe(1)
    const stages = [
      { duration: 500, connections: 4 },
      { duration: 500, connections: 4 },
    ]
    const load = { mode: 'loop', pipeline: 1, stages } as const
    expect((await simulate(lineServer(1), { load, connections: 4 })).measured.availability).toBe(1)
    const refused = await simulate({ refuses: () => 'connect-refused' }, { load, connections: 4 })
    expect(refused.measured.availability).toBeLessThan(0.01)
  })

  test('counts a connection that is never replaced as down, and one that has done its pass not', async () => {
    const lost = await simulate(outage(500, 500), { connections: 2, reconnect: never })
    expect(lost.failures).toEqual({ reset: 2 })
    // The run ends when the last connection is lost.
    expect(lost.measured.availability).toBe(1)
    const once = await simulate(lineServer(1), { connections: 2, load: { mode: 'once', pipeline: 1 } })
    expect(once.measured.availability).toBe(1)
  })
})

describe('Client that stood still', () => {
  test('has for how long, since when, and with how many requests in flight', async () => {
    const standStill = { atMs: 500, forMs: 300 }
    const { measured } = await simulate(lineServer(20), { connections: 3, duration: 2000 }, { standStill })
    // It had asked to be woken within the next 100 ms.
    expect(measured.stall!.ms).toBeGreaterThan(200 - 1e-6)
    expect(measured.stall!.ms).toBeLessThanOrEqual(300)
    expect(measured.stall!.atMs).toBeGreaterThanOrEqual(500)
    expect(measured.stall!.atMs).toBeLessThan(600)
    expect(measured.stall!.requests).toBe(3)
    expect(measured.readingGap!.ms).toBeGreaterThanOrEqual(300)
    const healthy = await simulate(lineServer(20), { connections: 3, duration: 2000 })
    expect(healthy.measured).toMatchObject({ stall: undefined, readingGap: undefined })
  })

  test('leaves out the warm-up, and what happened while nothing was in flight', async () => {
    const standStill = { atMs: 200, forMs: 300 }
    const early = await simulate(lineServer(20), { duration: 2000, warmup: 1000 }, { standStill })
    expect(early.measured.stall).toBeUndefined()
    const idle = await simulate(lineServer(1), { duration: 2000, loop: [{ send: 'x', think: 900 }] }, { standStill })
    expect(idle.measured.stall).toBeUndefined()
  })
})
