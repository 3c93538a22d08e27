import { describe, expect, test } from 'vitest'
import { field } from '../../metrics/slab.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { lineServer, type Simulated, simulate, startMs } from './testing/simulate.ts'

const reconnect = { when: 'failure', backoff: { min: 10, max: 80 }, attempts: 4 } as const
const connect = [{ send: 'key', expect: { equals: 'welcome' }, think: 0 }]

function givenUp({ collector }: Simulated): number {
  return collector.total(field.givenUp)
}

describe('Client gives up a connection', () => {
  test('that was refused so often in a row, and ends with the last of them', async () => {
    const run = await simulate({ refuses: () => 'connect-refused' }, { reconnect, connections: 3, duration: 60_000 })
    expect(run.failures).toEqual({ 'connect-refused': 3 * 4 })
    expect(givenUp(run)).toBe(3)
    // Three waits of at most 10, 20 and 40 ms.
    expect(run.endedAtMs).toBeLessThan(startMs + 80)
    expect(run.measured.availability).toBe(0)
    expect(run.collector.total(field.ready)).toBe(0)
  })

  test.each([
    ['refuses it', lineServer(1, () => 'go away'), 'unexpected'],
    ['closes the connection', { received: connection => connection.close(1) } as MemoryServer, 'handshake-closed'],
    ['does not answer it', lineServer(1, () => null), 'connect-timeout'],
  ])('whose handshake failed so often in a row, as the server %s', async (_, server, kind) => {
    const run = await simulate(server, { reconnect, connect, connections: 2, requests: 10, duration: 60_000 })
    expect(run).toMatchObject({ sent: 0, connects: 2 * 4, failures: { [kind]: 2 * 4 } })
    expect(givenUp(run)).toBe(2)
    expect(run.endedAtMs).toBeLessThan(startMs + 800)
  })

  test('at its first failure where that is all it may have', async () => {
    const once = { ...reconnect, attempts: 1 }
    const run = await simulate({ refuses: () => 'connect-refused' }, { reconnect: once, connections: 5 })
    expect(run.failures).toEqual({ 'connect-refused': 5 })
    expect(givenUp(run)).toBe(5)
  })

  test('while the others go on, with all requests', async () => {
    const server: MemoryServer = {
      ...lineServer(1),
      refuses: link => (link === 1 ? 'connect-refused' : undefined),
    }
    const run = await simulate(server, { reconnect, connections: 3, requests: 500, duration: 60_000 })
    expect(run).toMatchObject({ sent: 500, completed: 500, failures: { 'connect-refused': 4 } })
    expect(givenUp(run)).toBe(1)
    expect(run.collector.level(field.linksInService)).toBe(2)
  })

  test('at a planned rate, whose requests are then without any', async () => {
    const load = { mode: 'rate', pipeline: 1, arrivals: 'constant', rate: 1000 } as const
    const run = await simulate({ refuses: () => 'connect-timeout' }, { reconnect, load, connections: 2 })
    expect(run.endedAtMs).toBeLessThan(startMs + 80)
    expect(givenUp(run)).toBe(2)
  })

  test('over UDP, where a handshake is without a reply', async () => {
    const target = { address: 'udp://127.0.0.1:1' }
    const run = await simulate({}, { target, reconnect, connect, connections: 2, duration: 60_000 })
    expect(run).toMatchObject({ handshakes: 0, sent: 0 })
    expect(givenUp(run)).toBe(2)
    expect(run.endedAtMs).toBeLessThan(startMs + 800)
  })

  test('while those that a ramp wants later still have their attempts', async () => {
    const stages = [
      { duration: 10, connections: 2 },
      { duration: 490, connections: 2 },
      { duration: 10, connections: 4 },
      { duration: 490, connections: 4 },
    ]
    const load = { mode: 'loop', pipeline: 1, stages } as const
    const run = await simulate({ refuses: () => 'connect-refused' }, { reconnect, load, connections: 4 })
    expect(run.failures).toEqual({ 'connect-refused': 4 * 4 })
    expect(givenUp(run)).toBe(4)
    expect(run.endedAtMs).toBeGreaterThan(startMs + 500)
    expect(run.endedAtMs).toBeLessThan(startMs + 600)
  })
})

describe('Client counts attempts anew', () => {
  test('after a connection was ready', async () => {
    // Three attempts of each connection are refused, the fourth is accepted, and broken after 20 ms.
    const attempts = new Map<number, number>()
    const server: MemoryServer = {
      ...lineServer(1, line => (line === 'key' ? 'welcome' : line)),
      refuses(link) {
        const attempt = (attempts.get(link) ?? 0) + 1
        attempts.set(link, attempt)
        return attempt % 4 === 0 ? undefined : 'connect-refused'
      },
      accepted: connection => connection.reset(20),
    }
    const run = await simulate(server, { reconnect, connect, connections: 2, duration: 2000 })
    expect(givenUp(run)).toBe(0)
    expect(run.endedAtMs).toBe(startMs + 2000)
    expect(run.connects).toBeGreaterThan(10)
    expect(run.collector.total(field.ready)).toBe(run.handshakes)
  })

  test('and has no end of them where none is set', async () => {
    const { attempts: _, ...always } = reconnect
    const run = await simulate({ refuses: () => 'connect-refused' }, { reconnect: always, duration: 1000 })
    expect(run.failures['connect-refused']).toBeGreaterThan(10)
    expect(givenUp(run)).toBe(0)
    expect(run.endedAtMs).toBe(startMs + 1000)
  })
})
