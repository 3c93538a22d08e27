import { afterEach, expect, test } from 'vitest'
import { describeProtocol } from '../protocols/describeProtocol.ts'
import { exampleOf } from '../scenario/testing/descriptionExamples.ts'
import { startPymodbus, startRabbit, startSmtp } from './testing/namedServers.ts'
import { memcachedCounts, startDnsmasq, startMemcached, startMosquitto, startNats } from './testing/otherServers.ts'
import { until } from './testing/programs.ts'
import { countsOf, startPython } from './testing/python.ts'
import { balances, cleanUp, type RunEnded, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

const login = { user: 'robot', password: 'geheim7' }

/** Every request of a run was answered as it should be. */
function expectWhole({ code, report }: RunEnded, requests = 2000) {
  expectAnswered(report, requests)
  expect(code).toBe(0)
  return report
}

/** The same for a run at a rate, which other programs may make late and so invalid. */
function expectAnswered(report: RunEnded['report'], requests = 2000) {
  expect(report.totals.failures).toEqual({})
  expect(report.totals).toMatchObject({ sent: requests, completed: requests })
  expect(balances(report)).toBe(true)
}

/** Runs 2,000 requests on one connection as the first lines of a description tell. */
const runExample = (name: string, address: string) =>
  run(scenarioFile(`name: e\ntarget: { address: "${address}" }\nconnections: 1\nrequests: 2000\n${exampleOf(name)}`))

/** Runs 2,000 requests to a URL without a file. */
const runUrl = (url: string, ...flags: string[]) => run(url, '-n', '2000', '-c', '2', ...flags)

test('memcached:// gets, and a name in a file brings the rest', async ({ skip }) => {
  const port = await startMemcached(skip)
  const report = expectWhole(await runUrl(`memcached://127.0.0.1:${port}`))
  expect(describeProtocol(report.scenario.protocol)).toBe('memcached')
  const first = await memcachedCounts(port)
  expect(first['cmd_get']).toBe(2000)
  const text = `name: m
target: { address: "tcp://127.0.0.1:${port}" }
protocol: memcached
connections: 1
load: { pipeline: 4 }
requests: 2000
loop:
  - send: [ "set k{{random 0..9}} 0 0 ", { length: decimal, ends: "\\r\\n", of: "{{random 100}}" } ]
    expect: { equals: STORED }
  - send: "get k{{random 0..9}} k{{random 0..9}}"
  - send: "mg k{{random 0..9}} v"
  - send: stats
    expect: { contains: "STAT pid" }
`
  expectWhole(await run(scenarioFile(text)))
  const second = await memcachedCounts(port)
  expect(second['cmd_set']).toBe(500)
  // Two keys of a get, one of a meta command.
  expect(second['cmd_get']! - first['cmd_get']!).toBe(1500)
})

test('mqtt:// logs in and pings; the password is in no report', async ({ skip }) => {
  const { port, received } = await startMosquitto(skip, login)
  const ended = await runUrl(`mqtt://${login.user}:${login.password}@127.0.0.1:${port}`)
  const report = expectWhole(ended)
  expect(describeProtocol(report.scenario.protocol)).toBe('mqtt')
  expect(JSON.stringify(ended)).not.toContain(login.password)
  await until('the log of 2,000 pings', async () => (await received('PINGREQ')) >= 2000)
  expect(await received('PINGREQ')).toBe(2000)
})

test('mqtt:// with a wrong password, or without one, fails in its handshake and says so', async ({ skip }) => {
  const { port } = await startMosquitto(skip, login)
  for (const user of [`${login.user}:falsch@`, '']) {
    const { code, report } = await run(`mqtt://${user}127.0.0.1:${port}`, '--once')
    expect(code).toBe(1)
    expect(report.totals.completed).toBe(0)
    // CONNACK with code 5.
    expect(report.samples).toContainEqual(
      expect.objectContaining({ kind: 'unexpected', step: 'connect[0]', hex: '0000: 00 05' }),
    )
  }
})

test('mqtt in a file publishes and subscribes', async ({ skip }) => {
  const { port, received, sent } = await startMosquitto(skip)
  const report = expectWhole(await runExample('mqtt', `tcp://127.0.0.1:${port}`))
  await until('the log of 2,000 publishes', async () => (await received()) >= 2000)
  expect(await received()).toBe(2000)
  expect(sent('PUBACK')).toBe(1000)
  // Each comes back, those of the end perhaps behind it.
  expect(report.deliveries!.count).toBeGreaterThan(1900)
  expect(report.deliveries!.count).toBeLessThanOrEqual(sent('PUBLISH'))
})

test('nats:// logs in and publishes, and its pings are answered', async ({ skip }) => {
  const { port, counts } = await startNats(skip, login)
  const url = `nats://${login.user}:${login.password}@127.0.0.1:${port}`
  // The server pings each client, once in so short a run.
  const { report } = await run(url, '-R', '1000', '-n', '2000', '-c', '2', '-d', '10s')
  expectAnswered(report)
  expect(describeProtocol(report.scenario.protocol)).toBe('nats')
  expect((await counts())['in_msgs']).toBe(2000)
  expect(report.totals.answers).toBeGreaterThanOrEqual(2)
})

test('dns:// asks for a name over UDP, and dns over TCP the same', async ({ skip }) => {
  const { port, queries } = await startDnsmasq(skip)
  const report = expectWhole(await runUrl(`dns://127.0.0.1:${port}/www.volley.test`, '--set', 'load.pipeline=8'))
  expect(describeProtocol(report.scenario.protocol)).toBe('dns')
  await until('the log of 2,000 queries', async () => queries() >= 2000)
  expect(queries()).toBe(2000)
  // dnsmasq closes a connection after 100 queries.
  const text = `name: d
target: { address: "tcp://127.0.0.1:${port}" }
protocol: dns
connections: 2
requests: 2000
reconnect: { after: 100 }
loop:
  - send: [ { domain: "w{{random 0..999}}.volley.test" }, { u16: 1 }, { u16: 1 } ]
    expect: { answers: 1 }
`
  expectWhole(await run(scenarioFile(text)))
  await until('the log of 4,000 queries', async () => queries() >= 4000)
  expect(queries()).toBe(4000)
})

test('dns:// takes a refusal for a failure, and a name that is not there for an answer', async ({ skip }) => {
  const { port } = await startDnsmasq(skip)
  // It knows nobody to ask for other names.
  const { report } = await run(`dns://127.0.0.1:${port}/www.example.org`, '-n', '50', '-c', '1')
  expect(report.totals.failures).toEqual({ unexpected: 50 })
})

test('smtp:// sends mails, and one that is refused is not followed by its text', async ({ skip }) => {
  const { server, port } = await startSmtp(skip)
  const report = expectWhole(await runUrl(`smtp://127.0.0.1:${port}/{{random 0..9999}}@volley.test`, '-c', '1'))
  expect(describeProtocol(report.scenario.protocol)).toBe('smtp')
  const refused = await run(`smtp://127.0.0.1:${port}/a@example.org`, '-n', '30', '-c', '1')
  // MAIL is answered; RCPT and DATA are refused, and each next mail within the same session is too.
  expect(refused.report.totals).toMatchObject({ completed: 1, failures: { unexpected: 29 } })
  expect(await countsOf(server)).toMatchObject({ mails: 500, recipients: 500, subjects: 500 })
})

test('modbus:// reads registers, in turn with writes', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'framed_server.py', 'modbus')
  const report = expectWhole(await runUrl(address.replace('tcp:', 'modbus:'), '--set', 'load.pipeline=4'))
  expect(describeProtocol(report.scenario.protocol)).toBe('modbus')
  const text = `name: m
target: { address: "${address}" }
protocol: modbus
connections: 1
requests: 2000
load: { pipeline: 4 }
loop:
  - send: { function: 3, body: [ { u16: "{{random 0..9}}" }, { u16: 5 } ] }
    expect: { function: 3 }
  - send: { function: 16, body: [ { u16: 0 }, { u16: 2 }, { length: u8, of: [ { u16: 7 }, { i16: -1 } ] } ] }
    expect: { function: 16, equals: { hex: "00000002" } }
`
  expectWhole(await run(scenarioFile(text)))
  // Registers that are not there: an exception of the device.
  const beyond = await run(
    address.replace('tcp:', 'modbus:'),
    '-n',
    '10',
    '-c',
    '1',
    '--set',
    'protocol.modbus.registers=99',
  )
  expect(beyond.report.totals.failures['unexpected']).toBeGreaterThan(0)
  const { reads, writes, bad } = await countsOf(server)
  expect({ reads: reads! - beyond.report.totals.completed, writes, bad }).toEqual({ reads: 3000, writes: 1000, bad: 0 })
})

test('modbus:// with pymodbus', async ({ skip }) => {
  const { server, port } = await startPymodbus(skip)
  expectWhole(await runUrl(`modbus://127.0.0.1:${port}`))
  expect(await countsOf(server)).toMatchObject({ reads: 2000 })
})

test('amqp:// publishes and is told why a login fails; stomp:// sends to a queue', async ({ skip }) => {
  const { amqp, stomp } = await startRabbit(skip)
  const confirmed = expectWhole(await runUrl(`amqp://127.0.0.1:${amqp}`))
  expect(describeProtocol(confirmed.scenario.protocol)).toBe('amqp')
  const wrong = await run(`amqp://guest:falsch@127.0.0.1:${amqp}`, '-n', '10', '-c', '1', '-d', '1s')
  // Connection.Close, 403.
  expect(wrong.report.samples![0]).toMatchObject({
    step: 'connect[1]',
    hex: expect.stringMatching(/00 0a 00 32 01 93/),
  })
  const consumed = expectWhole(await runExample('amqp', `tcp://127.0.0.1:${amqp}`))
  expect(consumed.deliveries!.count).toBe(2000)
  expect(consumed.deliveries!.latencyMs.count).toBe(2000)
  const queued = expectWhole(await runUrl(`stomp://127.0.0.1:${stomp}/queue/volley`))
  expect(describeProtocol(queued.scenario.protocol)).toBe('stomp')
  // The line end behind the last frame is the beginning of none.
  expect(queued.samples).toEqual([])
  const subscribed = expectWhole(await runExample('stomp', `tcp://127.0.0.1:${stomp}`))
  expect(subscribed.deliveries!.count).toBe(2000)
})
