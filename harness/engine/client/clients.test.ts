import { describe, expect, test } from 'vitest'
import { field, roleIndex } from '../../metrics/slab.ts'
import { parseScenario } from '../../scenario/load.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { type Simulated, simulate, startMs } from './testing/simulate.ts'

/** The settings of a scenario with these groups, for a server of rooms. */
function settingsOf(groups: string, more = ''): Partial<Scenario> {
  const protocol = '{ line: {}, replies: { deliver: "MSG ", answer: [ { to: PING, send: "PONG{{rest}}" } ] } }'
  const text = `name: s\ntarget: { address: "tcp://h:1" }\nprotocol: ${protocol}\nclients:\n${groups}\n${more}`
  const { scenario } = parseScenario(text, 's.yaml', [], {})
  const { clients, connections, heartbeat, load, data } = scenario
  return {
    ...{ protocol: scenario.protocol, clients: clients!, connections, connect: [], load },
    ...(heartbeat && { heartbeat }),
    ...(data && { data }),
  }
}

const subscribers = '  - { name: subscribers, connections: 4, connect: [ { send: SUB, expect: { equals: "+OK" } } ] }'
const publishers =
  '  - { name: publishers, connections: 2, loop: [ { send: "PUB {{stamp}}", expect: { equals: "+OK" } } ] }'

/** Sends each message to all who have subscribed. */
class RoomServer implements MemoryServer {
  readonly subscribed = new Set<MemoryConnection>()
  readonly openLinks = new Set<number>()
  readonly heard: { readonly link: number; readonly line: string; readonly at: number }[] = []
  readonly #partial = new Map<MemoryConnection, string>()
  readonly #replyTo: (line: string) => string | null

  /** What a line is answered with; null for nothing. */
  constructor(replyTo: (line: string) => string | null = () => '+OK') {
    this.#replyTo = replyTo
  }

  accepted(connection: MemoryConnection): void {
    this.openLinks.add(connection.link)
  }

  closed(connection: MemoryConnection): void {
    this.forget(connection)
  }

  received(connection: MemoryConnection, bytes: Uint8Array, at: number): void {
    const lines = ((this.#partial.get(connection) ?? '') + Buffer.from(bytes).toString()).split('\n')
    this.#partial.set(connection, lines.pop()!)
    for (const line of lines) {
      this.heard.push({ link: connection.link, line, at })
      const reply = this.#replyTo(line)
      if (line === 'SUB' && reply?.startsWith('+OK')) this.subscribed.add(connection)
      if (line.startsWith('PUB')) for (const other of this.subscribed) other.send(Buffer.from(`MSG ${line}\n`), 2)
      if (reply !== null) connection.send(Buffer.from(`${reply}\n`), 1)
    }
  }

  forget(connection: MemoryConnection): void {
    this.subscribed.delete(connection)
    this.openLinks.delete(connection.link)
  }

  /** How many lines begin so, by link. */
  linesOf(beginning: string): Record<number, number> {
    const counts: Record<number, number> = {}
    for (const { link, line } of this.heard) {
      if (line.startsWith(beginning)) counts[link] = (counts[link] ?? 0) + 1
    }
    return counts
  }
}

const deliveriesOf = ({ collector }: Simulated) =>
  collector.total(field.deliveries) + collector.total(field.deliveriesAfter)

describe('connections that only listen', () => {
  test('get what the others send, and send nothing but their handshake', async () => {
    const server = new RoomServer()
    const run = await simulate(server, { ...settingsOf(`${subscribers}\n${publishers}`), requests: 100 })
    expect(run).toMatchObject({ sent: 100, completed: 100, failed: 0, connects: 6, handshakes: 4, failures: {} })
    expect(deliveriesOf(run)).toBe(400)
    expect(run.measured.delivery.histogram.totalCount).toBe(400)
    // Those that send come first, whatever their place in the file.
    expect(server.linesOf('SUB')).toEqual({ 2: 1, 3: 1, 4: 1, 5: 1 })
    expect(server.linesOf('PUB')).toEqual({ 0: 50, 1: 50 })
    expect(run.measured.availability).toBe(1)
  })

  test('stay open until the end, with heartbeats, and answer what they are asked', async () => {
    const server = new RoomServer(line => (line.startsWith('PONG') ? null : line === 'SUB' ? '+OK\nPING 7' : '+OK'))
    const beat = 'heartbeat: { every: 100ms, send: BEAT }'
    const settings = settingsOf(`${publishers}\n${subscribers}`, beat)
    const run = await simulate(server, settings)
    expect(run).toMatchObject({ connects: 6, handshakes: 4, failures: {} })
    // None was closed before the last moment of the run.
    expect(server.openLinks.size).toBe(6)
    expect(run.heartbeats).toBeGreaterThan(6 * 8)
    expect(Object.keys(server.linesOf('BEAT'))).toHaveLength(6)
    expect(run.collector.total(field.sent + roleIndex.answer)).toBe(4)
    expect(server.heard.filter(({ line }) => line === 'PONG 7')).toHaveLength(4)
    expect(deliveriesOf(run)).toBe((run.completed + run.inFlightAtEnd) * 4)
  })

  test('do their own handshake again when their connection is lost', async () => {
    const server = new RoomServer()
    let published = 0
    const run = await simulate(
      {
        ...bound(server),
        received(connection, bytes, now) {
          server.received(connection, bytes, now)
          if (!Buffer.from(bytes).toString().startsWith('PUB') || ++published !== 50) return
          const [first] = server.subscribed
          first!.close()
          server.forget(first!)
        },
      },
      { ...settingsOf(`${subscribers}\n${publishers}`), requests: 400 },
    )
    expect(run).toMatchObject({ completed: 400, connects: 7, handshakes: 5, failures: { 'closed-early': 1 } })
    expect(Object.values(server.linesOf('SUB')).sort()).toEqual([1, 1, 1, 2])
    expect(Object.values(server.linesOf('PUB'))).toEqual([200, 200])
  })

  test('are replaced without a failure when the server finds them idle', async () => {
    const server = new RoomServer()
    const run = await simulate(
      {
        ...bound(server),
        received(connection, bytes, now) {
          server.received(connection, bytes, now)
          if (Buffer.from(bytes).toString() === 'SUB\n') connection.close(200)
        },
      },
      {
        ...settingsOf(
          '  - { connections: 2, connect: [ { send: SUB } ] }\n  - { connections: 1, loop: [ { send: hi } ] }',
        ),
        duration: 950,
      },
    )
    expect(run.failures).toEqual({})
    expect(run.collector.total(field.idleCloses)).toBe(2 * 4)
    expect(run.connects).toBe(3 + 2 * 4)
  })

  test('wait for the shortest backoff again once their connection has lasted as long as a reply may take', async () => {
    const server = new RoomServer()
    const waits: number[] = []
    let lostAt = Number.NaN
    let subscribedAt = Number.NaN
    const run = await simulate(
      {
        ...bound(server),
        received(connection, bytes, now) {
          server.received(connection, bytes, now)
          if (Buffer.from(bytes).toString() === 'SUB\n') {
            if (!Number.isNaN(lostAt)) waits.push(now - lostAt)
            lostAt = Number.POSITIVE_INFINITY
            subscribedAt = now
          }
          if (now - subscribedAt < 120 || lostAt <= now) return
          lostAt = now
          for (const other of server.subscribed) {
            other.reset()
            server.forget(other)
          }
        },
      },
      settingsOf('  - { connections: 1, connect: [ { send: SUB } ] }\n  - { connections: 1, loop: [ { send: PUB } ] }'),
    )
    expect(run.failures).toEqual({ reset: waits.length })
    expect(waits.length).toBeGreaterThan(5)
    // The wait and the connect.
    expect(Math.max(...waits)).toBeLessThan(10.5)
  })

  test('are no connections that a planned rate could use', async () => {
    const server = new RoomServer()
    const load = { mode: 'rate', pipeline: 1, arrivals: 'constant', rate: 1000 } as const
    const run = await simulate(server, { ...settingsOf(`${subscribers}\n${publishers}`), load })
    expect(run).toMatchObject({ sent: 1000, failures: {} })
    expect(server.linesOf('PUB')).toEqual({ 0: 500, 1: 500 })
    expect(deliveriesOf(run)).toBe(4000)
  })

  test('have no pass to make, and do not end a single one', async () => {
    const server = new RoomServer()
    const loop = '[ { send: "PUB 1" }, { send: "PUB 2" }, { send: "PUB 3" } ]'
    const settings = settingsOf(`${subscribers}\n  - { connections: 2, loop: ${loop} }`)
    const run = await simulate(server, { ...settings, load: { mode: 'once', pipeline: 1 } })
    expect(run).toMatchObject({ sent: 6, completed: 6, failures: {} })
    expect(deliveriesOf(run)).toBe(24)
    expect(run.endedAtMs).toBeLessThan(startMs + 20)
    expect(run.collector.total(field.ready)).toBe(6)
  })

  test('get what is sent without a reply', async () => {
    const server = new RoomServer(line => (line.startsWith('PUB') ? null : '+OK'))
    const speakers = '  - { connections: 2, loop: [ { send: "PUB x", expect: nothing } ] }'
    for (const pipeline of [1, 8]) {
      const run = await simulate(server, {
        ...settingsOf(`${subscribers}\n${speakers}`),
        load: { mode: 'loop', pipeline },
        requests: 300,
      })
      expect(run).toMatchObject({ sent: 300, completed: 300, failures: {} })
      expect(deliveriesOf(run)).toBe(1200)
    }
  })

  test('do not keep a run going when the others are given up', async () => {
    const server = new RoomServer(line => (line === 'LOGIN' ? 'no' : '+OK'))
    const speakers =
      '  - { connections: 2, connect: [ { send: LOGIN, expect: { equals: "+OK" } } ], loop: [ { send: PUB } ] }'
    const reconnect = { when: 'failure', backoff: { min: 10, max: 80 }, attempts: 3 } as const
    const settings = { ...settingsOf(`${subscribers}\n${speakers}`), reconnect, duration: 60_000 }
    const run = await simulate(server, settings)
    expect(run).toMatchObject({ sent: 0, handshakes: 4, failures: { unexpected: 2 * 3 } })
    expect(run.endedAtMs).toBeLessThan(startMs + 200)
    expect(run.collector.level(field.linksInService)).toBe(0)
  })

  test('may fail in their handshake, and the others go on', async () => {
    const server = new RoomServer(line => (line === 'SUB' ? '-ERR' : '+OK'))
    const reconnect = { when: 'failure', backoff: { min: 10, max: 80 }, attempts: 3 } as const
    const run = await simulate(server, { ...settingsOf(`${subscribers}\n${publishers}`), reconnect, requests: 500 })
    expect(run).toMatchObject({ completed: 500, handshakes: 0, failures: { unexpected: 4 * 3 } })
    expect(run.collector.total(field.givenUp)).toBe(4)
    expect(deliveriesOf(run)).toBe(0)
    expect(run.collector.level(field.linksInService)).toBe(2)
  })

  test('take no row of the data from those that use it, and leave pauses spread over the others', async () => {
    const server = new RoomServer()
    const speakers = '  - { connections: 5, loop: [ { send: "PUB {{data.user}}", think: 100ms } ] }'
    const settings = settingsOf(`${subscribers}\n${speakers}`, 'data: { file: users.csv }')
    const rows = Array.from({ length: 10 }, (_, row) => ({ user: `u${row}` }))
    const run = await simulate(server, settings, { rows })
    const sent = server.heard.filter(({ line }) => line.startsWith('PUB'))
    expect(sent.slice(0, 12).map(({ line }) => line)).toEqual(
      Array.from({ length: 12 }, (_, index) => `PUB u${index % 10}`),
    )
    // Each of the five begins in its own fifth of the pause.
    expect(sent.slice(0, 5).map(({ at }) => Math.floor((at - startMs) / 20))).toEqual([0, 1, 2, 3, 4])
    expect(run.failures).toEqual({})
  })
})

describe('groups that all send', () => {
  const groups = `  - { name: a, connections: 2, connect: [ { send: "A0", capture: { t: body } } ], loop: [ { send: "A1 {{t}}" }, { send: A2 } ] }
  - { name: b, connections: 3, connect: [ { send: B0 }, { send: B1 } ], loop: [ { send: B2 }, { send: B3 }, { send: B4 } ] }
  - { name: c, connections: 1, mix: [ { send: C1, weight: 3 }, { send: C2 } ] }`

  test.each([1, 4])('have each their own handshake and loop, or mix, with %d in flight', async pipeline => {
    const server = new RoomServer(line => line)
    const settings = { ...settingsOf(groups), load: { mode: 'loop', pipeline } as const, requests: 3000 }
    const run = await simulate(server, settings)
    expect(run).toMatchObject({ completed: 3000, connects: 6, handshakes: 2 + 3 * 2, failures: {} })
    const words = new Map<number, string[]>()
    for (const { link, line } of server.heard) words.set(link, [...(words.get(link) ?? []), line])
    for (const link of [0, 1]) {
      const [first, ...loop] = words.get(link)!
      expect(first).toBe('A0')
      expect(loop).toEqual(loop.map((_, index) => (index % 2 === 0 ? 'A1 A0' : 'A2')))
    }
    for (const link of [2, 3, 4]) {
      const [first, second, ...loop] = words.get(link)!
      expect([first, second]).toEqual(['B0', 'B1'])
      expect(loop).toEqual(loop.map((_, index) => `B${2 + (index % 3)}`))
    }
    const [some, others] = ['C1', 'C2'].map(word => words.get(5)!.filter(line => line === word).length)
    expect(some! + others!).toBe(words.get(5)!.length)
    expect(some! / others!).toBeGreaterThan(2)
    expect(some! / others!).toBeLessThan(4.5)
    // By step of all loops, one after the other.
    const counts = run.measured.steps.map(({ histogram }) => histogram.totalCount)
    expect(counts).toHaveLength(7)
    expect(counts[5]).toBe(some)
    expect(counts.slice(2, 5).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(1000)
  })

  test('make one pass each in mode once', async () => {
    const server = new RoomServer(line => line)
    const run = await simulate(server, { ...settingsOf(groups), load: { mode: 'once', pipeline: 1 } })
    expect(run).toMatchObject({ sent: 2 * 2 + 3 * 3 + 1, completed: 2 * 2 + 3 * 3 + 1, failures: {} })
  })

  test('begin again with their own first step after a failure', async () => {
    let losses = 0
    const server = new RoomServer(line => (line === 'B3' && losses++ === 0 ? 'bad' : line))
    const settings = settingsOf(
      '  - { connections: 1, loop: [ { send: A1 } ] }\n  - { connections: 1, connect: [ { send: B0 } ], loop: [ { send: B2 }, { send: B3 } ] }',
    )
    const closing: MemoryServer = {
      ...bound(server),
      received(connection, bytes, now) {
        server.received(connection, bytes, now)
        if (Buffer.from(bytes).toString() === 'B3\n' && losses === 1) {
          losses++
          connection.reset()
        }
      },
    }
    const run = await simulate(closing, { ...settings, requests: 200 })
    expect(run.failures).toEqual({ reset: 1 })
    const words = server.heard.filter(({ link }) => link === 1).map(({ line }) => line)
    expect(words.slice(0, 6)).toEqual(['B0', 'B2', 'B3', 'B0', 'B2', 'B3'])
    expect(server.linesOf('A')[0]).toBeGreaterThan(50)
  })
})

/** The server's methods as a plain object, some of which a test replaces. */
function bound(server: RoomServer): MemoryServer {
  return {
    accepted: connection => server.accepted(connection),
    closed: connection => server.closed(connection),
    received: (connection, bytes, now) => server.received(connection, bytes, now),
  }
}
