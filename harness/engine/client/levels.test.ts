import { describe, expect, test } from 'vitest'
import { field } from '../../metrics/slab.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { lineServer, type Simulated, simulate, startMs } from './testing/simulate.ts'

const everyRequest = { when: 'every-request', backoff: { min: 10, max: 80 } } as const
const goneMs = startMs + 500

/** The levels of the slab at the end of the run. */
function levelsOf({ collector }: Simulated): Record<string, number> {
  const { wanted, down, opening, waiting } = field
  const names = { wanted, down, opening, waiting }
  return Object.fromEntries(Object.entries(names).map(([name, index]) => [name, collector.level(index)]))
}

const nothing = { down: 0, opening: 0, waiting: 0 }

/** Answers until it is gone; from then on it treats connects as `then` says. */
function goneAfter(then: Pick<MemoryServer, 'refuses' | 'ignores'>): MemoryServer {
  return {
    ...lineServer(1),
    accepted: (connection, now) => connection.reset(Math.max(0, goneMs - now)),
    ...then,
  }
}

describe('the levels of a worker', () => {
  test('say that nothing is missing in a healthy run, however often connections are opened again', async () => {
    expect(levelsOf(await simulate(lineServer(1), { connections: 3 }))).toEqual({ ...nothing, wanted: 3 })
    const churn = await simulate(lineServer(1), { connections: 3, reconnect: everyRequest })
    expect(churn.connects).toBeGreaterThan(1000)
    expect(levelsOf(churn)).toMatchObject({ wanted: 3, down: 0, waiting: 0 })
    const closing: MemoryServer = {
      received(connection, bytes) {
        connection.send(bytes, 1)
        connection.close(2)
      },
    }
    const replaced = await simulate(closing, { connections: 3, loop: [{ send: 'x', think: 5 }] })
    expect(levelsOf(replaced)).toEqual({ ...nothing, wanted: 3 })
  })

  test('count connections that are down, and not those that are open again', async () => {
    const refused = await simulate(
      goneAfter({ refuses: (_, now) => (now >= goneMs ? 'connect-refused' : undefined) }),
      { connections: 4 },
    )
    expect(levelsOf(refused)).toEqual({ ...nothing, wanted: 4, down: 4 })
    const back = await simulate(
      goneAfter({ refuses: (_, now) => (now >= goneMs && now < goneMs + 200 ? 'connect-refused' : undefined) }),
      { connections: 4 },
    )
    expect(back.failures['connect-refused']).toBeGreaterThan(0)
    // From then on each connection is reset as soon as it is open.
    expect(levelsOf(back)).toMatchObject({ wanted: 4, opening: 0 })
    const half = await simulate(
      { ...lineServer(1), refuses: link => (link < 2 ? 'connect-refused' : undefined) },
      { connections: 4 },
    )
    expect(levelsOf(half)).toEqual({ ...nothing, wanted: 4, down: 2 })
  })

  test('count connections that are being opened', async () => {
    const ignoring = { ...lineServer(1), ignores: (_: number, now: number) => now >= goneMs }
    const connecting = await simulate(ignoring, { connections: 3, reconnect: everyRequest, timeout: 5000 })
    expect(levelsOf(connecting)).toEqual({ ...nothing, wanted: 3, opening: 3 })
    // One that timed out is down, and opened again.
    const timedOut = await simulate(ignoring, { connections: 3, reconnect: everyRequest, timeout: 300 })
    expect(timedOut.failures).toEqual({ 'connect-timeout': 3 })
    expect(levelsOf(timedOut)).toEqual({ ...nothing, wanted: 3, down: 3, opening: 3 })
    const shaking = await simulate(
      lineServer(1, line => (line === 'hello' ? null : line)),
      { connections: 3, connect: [{ send: 'hello', think: 0 }], timeout: 5000 },
    )
    expect(levelsOf(shaking)).toEqual({ ...nothing, wanted: 3, opening: 3 })
  })

  test('count planned requests that wait for a connection', async () => {
    const load = { mode: 'rate', pipeline: 1, arrivals: 'constant', rate: 100 } as const
    let requests = 0
    const hangs = lineServer(1, line => (++requests > 20 ? null : line))
    // Of 100 requests 20 are answered, and two are in flight.
    const hung = await simulate(hangs, { connections: 2, load, timeout: 5000 })
    expect(levelsOf(hung)).toEqual({ ...nothing, wanted: 2, waiting: 78 })
    expect(levelsOf(await simulate(lineServer(1), { connections: 2, load }))).toEqual({ ...nothing, wanted: 2 })
    // Late replies take up all that waits.
    const late = await simulate(lineServer(25), { connections: 2, load: { ...load, rate: 60 } })
    expect(levelsOf(late)).toEqual({ ...nothing, wanted: 2 })
  })

  test('follow a ramp', async () => {
    const stages = [
      { duration: 400, connections: 4 },
      { duration: 300, connections: 1 },
      { duration: 300, connections: 1 },
    ]
    const load = { mode: 'loop', pipeline: 1, stages } as const
    expect(levelsOf(await simulate(lineServer(1), { connections: 4, load }))).toEqual({ ...nothing, wanted: 1 })
    const refused = await simulate({ refuses: () => 'connect-refused' }, { connections: 4, load })
    expect(levelsOf(refused)).toEqual({ ...nothing, wanted: 1, down: 1 })
  })
})
