import { expect, test } from 'vitest'
import { field, roleIndex } from '../../metrics/slab.ts'
import { createPrng } from '../../prng.ts'
import { createProtocol } from '../../protocols/catalog.ts'
import { parseScenario } from '../../scenario/load.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { Patcher } from './patches.ts'
import { lineServer, simulate } from './testing/simulate.ts'

/** The settings of a scenario's text that a simulation takes. */
function settingsOf(lines: string): Partial<Scenario> {
  const text = `name: s\ntarget: { address: "tcp://h:1" }\n${lines}`
  const { protocol, connect, loop, heartbeat, reconnect } = parseScenario(text, 's.yaml', [], {}).scenario
  return { protocol, connect, reconnect, ...(loop && { loop }), ...(heartbeat && { heartbeat }) }
}

const answersOf = ({ collector }: Awaited<ReturnType<typeof simulate>>) =>
  collector.total(field.sent + roleIndex.answer)

/** A server that echoes lines, and asks before each `every`-th reply, which it holds back until it has its answer. */
function askingServer(every: number, ask: (asked: number) => string, isRight: (answer: string) => boolean) {
  const state = { asked: 0, right: 0, wrong: [] as string[] }
  const held: string[] = []
  let lines = 0
  const server = lineServer(1, line => {
    if (line.startsWith('PONG')) {
      if (isRight(line)) state.right++
      else state.wrong.push(line)
      return held.shift() ?? null
    }
    if (++lines % every !== 0) return line
    held.push(line)
    return ask(state.asked++)
  })
  return { server, state }
}

test('answers messages of the server, with what stands in them', async () => {
  const { server, state } = askingServer(
    5,
    asked => `PING ${asked}`,
    answer => answer === `PONG ${state.right}`,
  )
  const settings = settingsOf(
    `protocol: { line: {}, replies: { answer: [ { to: PING, send: "PONG{{rest}}" } ] } }\nloop: [ { send: "m {{seq}}", expect: echo } ]`,
  )
  const run = await simulate(server, { ...settings, requests: 100 })
  expect(run).toMatchObject({ sent: 100, completed: 100, failures: {} })
  expect(state).toMatchObject({ asked: 20, right: 20, wrong: [] })
  expect(answersOf(run)).toBe(20)
})

test('takes values of a message for its answer, by a capture', async () => {
  const { server, state } = askingServer(
    4,
    asked => `ASK id=${asked};x`,
    answer => answer === `PONG <${state.right}>`,
  )
  const settings = settingsOf(
    `protocol: { line: {}, replies: { answer: [ { to: "ASK ", capture: { id: "regex:id=(\\\\d+)" }, send: "PONG <{{id}}>" } ] } }\nloop: [ { send: ping } ]`,
  )
  const run = await simulate(server, { ...settings, requests: 40 })
  expect(run).toMatchObject({ completed: 40, failures: {} })
  expect(state).toMatchObject({ right: 10, wrong: [] })
})

test('a message without the value that its answer needs is counted as unexpected, and fails no request', async () => {
  const server = lineServer(1, line => (line.startsWith('PONG') ? null : `ASK nothing\n${line}`))
  const settings = settingsOf(
    `protocol: { line: {}, replies: { answer: [ { to: "ASK ", capture: { id: "regex:id=(\\\\d+)" }, send: "PONG {{id}}" } ] } }\nloop: [ { send: ping } ]`,
  )
  const run = await simulate(server, { ...settings, requests: 10 })
  expect(run).toMatchObject({ completed: 10, failed: 0, failures: { unexpected: 10 } })
  expect(answersOf(run)).toBe(0)
})

test('answers, ignores and counts what comes within a reply of several frames', async () => {
  const pongs: string[] = []
  const server = lineServer(1, line => {
    if (line.startsWith('PONG')) pongs.push(line)
    return line.startsWith('PONG') ? null : `250-a\nPING 7\n* note\nNEWS x\n250 ${line}`
  })
  const settings = settingsOf(
    `protocol: { line: {}, replies: { until: "### ", ignore: "* ", deliver: "NEWS ", answer: [ { to: PING, send: "PONG{{rest}}" } ] } }\nloop: [ { send: hi, expect: { contains: "250 hi" } } ]`,
  )
  const run = await simulate(server, { ...settings, requests: 10 })
  expect(run).toMatchObject({ completed: 10, failures: {} })
  expect(pongs).toEqual(Array.from({ length: 10 }, () => 'PONG 7'))
  expect([field.ignored, field.deliveries].map(kind => run.collector.total(kind))).toEqual([10, 10])
})

test('a step whose reply ends unlike the others has its own format, in order with the others', async () => {
  const server: MemoryServer = {
    accepted: connection => connection.send(Buffer.from('HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n'), 1),
    received(connection, bytes) {
      for (const line of Buffer.from(bytes).toString().split('\n').filter(Boolean)) {
        if (line === 'many') connection.send(Buffer.from('1\n2\nend\n'), 1)
        else connection.send(Buffer.from(line === 'four' ? 'abc\n' : `${line}\n`), 1)
      }
    },
  }
  const settings = settingsOf(`protocol: line
connect:
  - reply: { line: { delimiter: "\\r\\n\\r\\n" } }
    expect: { begins: "HTTP/1.1 101 " }
loop:
  - { send: one, expect: { equals: one } }
  - { send: many, reply: { until: end }, expect: { equals: "1\\n2\\nend" } }
  - { send: four, reply: { bytes: 4 }, expect: { equals: "abc\\n" } }`)
  for (const pipeline of [1, 7]) {
    const run = await simulate(server, { ...settings, load: { mode: 'loop', pipeline }, connections: 2, requests: 300 })
    expect(run).toMatchObject({ completed: 300, failures: {}, handshakes: 2 })
  }
})

test('numbers the messages of each connection, and writes the time of day', async () => {
  const numbers = new Map<number, string[]>()
  const times: string[] = []
  const server: MemoryServer = {
    received(connection, bytes) {
      for (const line of Buffer.from(bytes).toString().split('\n').filter(Boolean)) {
        const [number, time] = line.split(' ')
        numbers.set(connection.link, [...(numbers.get(connection.link) ?? []), number!])
        times.push(time!)
        connection.send(Buffer.from('ok\n'), 1)
      }
    },
  }
  const settings = settingsOf(
    'protocol: line\nconnect: [ { send: "{{count 3}} {{utc}}" } ]\nloop: [ { send: "{{count 3}} {{utc}}" } ]',
  )
  const epochOffsetMs = Date.UTC(2024, 1, 29, 23, 59, 59, 900)
  await simulate(server, { ...settings, connections: 2, requests: 200 }, { epochOffsetMs })
  for (const list of numbers.values()) {
    expect(list).toEqual(list.map((_, index) => String(index + 1).padStart(3, '0')))
  }
  expect([...numbers.values()].flat()).toHaveLength(202)
  expect(times[0]).toMatch(/^20240229-23:59:59\.9\d\d$/)
  expect(times.at(-1)).toMatch(/^20240301-00:00:00\.\d{3}$/)
})

test('{{utc}} is right on every day of four centuries', () => {
  const patches = [[{ kind: 'utc', offset: 0, length: 21 }]] as const
  const bytes = new Uint8Array(21)
  for (let day = 0; day < 146_097; day++) {
    const epochMs = day * 86_400_000 + ((day * 12_345_677) % 86_400_000)
    const options = { prng: createPrng(1), index: 0, workers: 1, epochOffsetMs: epochMs }
    new Patcher(patches, options).apply(0, bytes, 0, 0, 0)
    const [date, time] = new Date(epochMs).toISOString().slice(0, -1).split('T')
    if (Buffer.from(bytes).toString() !== `${date!.replaceAll('-', '')}-${time}`) {
      expect(Buffer.from(bytes).toString()).toBe(`${date!.replaceAll('-', '')}-${time}`)
    }
  }
})

test('reconnect after a number of requests opens the connection anew, and nothing fails', async () => {
  const requests = new Map<unknown, number>()
  const most: number[] = []
  const server: MemoryServer = {
    received(connection, bytes) {
      for (const line of Buffer.from(bytes).toString().split('\n').filter(Boolean)) {
        requests.set(connection, (requests.get(connection) ?? 0) + 1)
        connection.send(Buffer.from(`${line}\n`), 1)
      }
    },
    closed(connection) {
      most.push(requests.get(connection) ?? 0)
      requests.delete(connection)
    },
  }
  for (const pipeline of [1, 4]) {
    most.length = 0
    const settings = settingsOf('protocol: line\nreconnect: { after: 10 }\nloop: [ { send: hi } ]')
    const run = await simulate(server, { ...settings, load: { mode: 'loop', pipeline }, requests: 100 })
    expect(run).toMatchObject({ completed: 100, failures: {}, connects: 10 })
    // The last connection is open until the run ends.
    expect(most).toEqual(Array.from({ length: 9 }, () => 10))
  }
})

test('reconnect after a number of requests, at a rate', async () => {
  const settings = settingsOf('protocol: line\nreconnect: { after: 3 }\nloop: [ { send: hi } ]')
  const load = { mode: 'rate', rate: 100, arrivals: 'constant', pipeline: 1 } as const
  const run = await simulate(lineServer(1), { ...settings, load, connections: 2, duration: 1000 })
  expect(run.failures).toEqual({})
  expect(run.completed).toBeGreaterThan(90)
  expect(run.connects).toBeGreaterThanOrEqual(run.completed / 3 - 2)
})

test.each([
  ['{ begins: "250" }', 10],
  ['{ contains: "550 no" }', 0],
  ['{ begins: "250", contains: "550" }', 0],
])(
  'a later frame that refuses fails its request, unless the step says what is in it: %s',
  async (expectation, failed) => {
    const server = lineServer(1, () => '250-yes\n550 no')
    const settings = settingsOf(
      `protocol: { line: {}, replies: { until: "### ", refuse: [ "5" ] } }\nloop: [ { send: hi, expect: ${expectation} } ]`,
    )
    const run = await simulate(server, { ...settings, requests: 10 })
    expect(run.failed).toBe(failed)
  },
)

test('a reply of which no frame is the last is told as that, and not as the beginning of a frame', () => {
  const { protocol } = settingsOf('protocol: { line: {}, replies: { until: "### " } }\nloop: [ { send: hi } ]')
  const format = createProtocol(protocol!)
  const bytes = Buffer.from('250-a\n250-b\n')
  expect(format.explain!(bytes, 0, bytes.length)).toBe(
    '2 whole frames, but none that ends the reply: are until or more right?',
  )
  const partial = Buffer.from('250-a\n250')
  expect(format.explain!(partial, 0, partial.length)).toBe(
    '1 whole frame, but none that ends the reply: are until or more right?',
  )
})

test('a list ends with the line that is a dot, not with one that begins so', async () => {
  const server = lineServer(1, line => (line === 'LIST' ? '+OK\n.a\n..b\n.' : '+OK'))
  const settings = settingsOf(
    'protocol: line\nloop: [ { send: LIST, reply: { until: { equals: "." }, single: "-" }, expect: { equals: "+OK\\n.a\\n..b\\n." } }, { send: STAT, expect: { equals: "+OK" } } ]',
  )
  const run = await simulate(server, { ...settings, requests: 20 })
  expect(run).toMatchObject({ completed: 20, failures: {} })
})

test('an answer within a reply that cannot be sent ends the connection that asked for it', async () => {
  // A line cannot have a line end in it.
  const server = lineServer(1, () => `250-a\n${JSON.stringify({ v: 'x\ny' })}\n250 end`)
  const settings = settingsOf(
    'protocol: { line: {}, replies: { until: "### ", answer: [ { to: "{", capture: { w: "json:v" }, send: "PONG {{w}}" } ] } }\nloop: [ { send: hi } ]',
  )
  const run = await simulate(server, { ...settings, requests: 4 })
  expect(run).toMatchObject({ completed: 0, failed: 4, failures: { unexpected: 4 } })
})
