import { afterEach, expect, test } from 'vitest'
import {
  memcachedCounts,
  startDnsmasq,
  startMemcached,
  startMosquitto,
  startNats,
  startPostgres,
} from './testing/otherServers.ts'
import { until } from './testing/programs.ts'
import { balances, cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

/** Runs a scenario on each transport, and expects that every request was answered as it should be. */
async function expectWhole(text: string, transport: string) {
  const { code, report } = await run(scenarioFile(text), '--transport', transport)
  expect(report.totals.failures).toEqual({})
  expect(report.totals).toMatchObject({ sent: 2000, completed: 2000 })
  expect(balances(report)).toBe(true)
  expect(code).toBe(0)
  return report
}

const head = (address: string, transport: string) =>
  `name: drawn-${transport}\ntarget: { address: "${address}" }\nconnections: 2\nrequests: 2000\n`

test.for(['epoll', 'node'])('memcached: get, set and stats in one mix over %s', async (transport, { skip }) => {
  const port = await startMemcached(skip)
  const before = await memcachedCounts(port)
  const text = `${head(`tcp://127.0.0.1:${port}`, transport)}load: { pipeline: 4 }
protocol:
  line: { delimiter: "\\r\\n", data: [ { after: "VALUE ", word: 4, plus: 2 } ] }
  replies: { more: [ "VALUE ", "STAT " ], refuse: [ ERROR, CLIENT_ERROR, SERVER_ERROR ] }
loop:
  - send: [ "set k{{random 0..99}} 0 0 ", { length: decimal, ends: "\\r\\n", of: "hello\\r\\n{{random 32}}" } ]
    expect: { equals: STORED }
  - send: "get k{{random 0..99}} k{{random 0..99}} k{{random 0..99}}"
`
  // Over two connections one of the two steps may have been sent once more than the other.
  await expectWhole(text.replace('connections: 2', 'connections: 1'), transport)
  const after = await memcachedCounts(port)
  expect(after['cmd_set']! - before['cmd_set']!).toBe(1000)
  expect(after['cmd_get']! - before['cmd_get']!).toBe(3000)
})

test.for(['epoll', 'node'])('NATS: messages are published and delivered over %s', async (transport, { skip }) => {
  const { port, counts } = await startNats(skip)
  const text = `${head(`tcp://127.0.0.1:${port}`, transport)}
protocol:
  line: { delimiter: "\\r\\n", data: [ { after: "MSG ", word: -1, plus: 2 } ] }
  replies: { ignore: [ "INFO ", PING ], deliver: "MSG ", refuse: "-ERR" }
connect:
  - expect: { begins: "INFO " }
  - send: 'CONNECT {"verbose":true}'
  - send: SUB room 1
loop:
  - send: [ "PUB room ", { length: decimal, ends: "\\r\\n", of: "{{stamp}} hello" } ]
    expect: { equals: "+OK" }
`
  const report = await expectWhole(text, transport)
  const { in_msgs, out_msgs } = await counts()
  expect(in_msgs).toBe(2000)
  // Both connections get each message; those that came after the end may be missing.
  expect(report.deliveries!.count).toBeGreaterThan(3900)
  expect(report.deliveries!.count).toBeLessThanOrEqual(out_msgs!)
  expect(report.deliveries!.latencyMs.count).toBeGreaterThan(3900)
})

test.for(['epoll', 'node'])(
  'mosquitto: publishes of 400 bytes, and their acknowledgements, over %s',
  async (transport, { skip }) => {
    const { port, received } = await startMosquitto(skip)
    const text = `${head(`tcp://127.0.0.1:${port}`, transport)}
protocol: { frame: [ { type: u8 }, { length: leb128 }, body ] }
connect:
  - send: { type: 0x10, body: [ { length: u16, of: MQTT }, { u8: 4 }, { u8: 2 }, { u16: 60 }, { length: u16, of: "v{{connection}}" } ] }
    expect: { type: 0x20, equals: { hex: "0000" } }
loop:
  - send: { type: 0x32, body: [ { length: u16, of: "t/a" }, { u16: 7 }, "{{random 400}}" ] }
    expect: { type: 0x40, equals: { hex: "0007" } }
heartbeat: { every: 30s, send: { type: 0xc0 } }
`
    await expectWhole(text, transport)
    await until('the log of 2,000 publishes', async () => (await received()) >= 2000)
    expect(await received()).toBe(2000)
  },
)

const dns = (address: string, transport: string, length: string) => `${head(address, transport)}load: { pipeline: 8 }
protocol:
  frame: [ ${length}{ id: u16 }, { flags: u16, value: 0x0100 }, { questions: u16, value: 1 }, { answers: u16 }, { skip: 4 }, body ]
loop:
  - send: [ { length: u8, of: "w{{random 0..999}}" }, { length: u8, of: volley }, { length: u8, of: test }, { u8: 0 }, { u16: 1 }, { u16: 1 } ]
    expect: { answers: 1 }
`

test.for(['epoll', 'node'])('DNS over UDP by ids, 8 in flight, over %s', async (transport, { skip }) => {
  const { port, queries } = await startDnsmasq(skip)
  await expectWhole(dns(`udp://127.0.0.1:${port}`, transport, ''), transport)
  await until('the log of 2,000 queries', async () => queries() >= 2000)
  expect(queries()).toBe(2000)
})

test('DNS over TCP by ids', async ({ skip }) => {
  const { port, queries } = await startDnsmasq(skip)
  // dnsmasq closes a connection after 100 queries.
  const text = dns(`tcp://127.0.0.1:${port}`, 'epoll', '{ length: u16 }, ').replace('requests: 2000', 'requests: 90')
  const { report } = await run(scenarioFile(text))
  expect(report.totals).toMatchObject({ sent: 90, completed: 90 })
  await until('the log of 90 queries', async () => queries() >= 90)
  expect(queries()).toBe(90)
})

test('PostgreSQL: 20 rows a reply, pipelined, on both transports', async ({ skip }) => {
  const { port, query } = await startPostgres(skip)
  const commits = async () =>
    Number(
      await query(
        'SELECT pg_stat_clear_snapshot(), xact_commit FROM pg_stat_database WHERE datname = current_database()',
      ).then(text => text.split('|')[1]),
    )
  for (const transport of ['epoll', 'node']) {
    const before = await commits()
    const text = `${head(`tcp://127.0.0.1:${port}`, transport)}load: { pipeline: 4 }
protocol:
  frame: [ { type: char }, { length: u32, counts: itself }, body ]
  replies: { until: { type: Z }, ignore: { type: A }, refuse: { type: E } }
connect:
  - send: { unframed: { length: u32, counts: itself, of: [ { u32: 196608 }, "user\\0postgres\\0database\\0postgres\\0\\0" ] } }
    expect: { type: R }
loop:
  - send: { type: Q, body: "SELECT generate_series(1, 20), {{random 0..9999}}\\0" }
    expect: { type: T }
`
    await expectWhole(text, transport)
    // Two connections begin with a transaction of their own, and each reading of the counter is one.
    await until('the commits', async () => (await commits()) - before >= 2002)
    expect((await commits()) - before).toBeLessThan(2002 + 20)
  }
})
