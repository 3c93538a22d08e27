import { afterEach, expect, test } from 'vitest'
import { startMosquitto, startNats } from './testing/otherServers.ts'
import { until } from './testing/programs.ts'
import { balances, cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

const cases = [
  { transport: 'epoll', workers: 1, publishers: 4, requests: 2000, think: '0s' },
  // One worker has two publishers and the other has one, which takes a second and a half longer for as many requests.
  { transport: 'node', workers: 2, publishers: 3, requests: 400, think: '15ms' },
]

test.for(cases)(
  'NATS: what publishers send comes to every subscriber, over $transport with $workers workers',
  async ({ transport, workers, publishers, requests, think }, { skip }) => {
    const { port, counts } = await startNats(skip)
    const text = `name: rooms
target: { address: "tcp://127.0.0.1:${port}" }
protocol:
  line: { delimiter: "\\r\\n", data: [ { after: "MSG ", word: -1, plus: 2 } ] }
  replies: { ignore: "INFO ", deliver: "MSG ", answer: [ { to: PING, send: PONG } ], refuse: "-ERR" }
requests: ${requests}
clients:
  - name: subscribers
    connections: 20
    connect:
      - send: 'CONNECT {"verbose":true}'
      - { send: SUB room 1, expect: { equals: "+OK" } }
  - name: publishers
    connections: ${publishers}
    connect: [ { send: 'CONNECT {"verbose":true}' } ]
    loop:
      - send: [ "PUB room ", { length: decimal, ends: "\\r\\n", of: "{{stamp}} hello" } ]
        expect: { equals: "+OK" }
        think: ${think}
`
    const flags = ['--transport', transport, '--workers', String(workers), '--no-ceiling']
    const { code, report, stdout } = await run(scenarioFile(text), ...flags)
    expect(report.totals).toMatchObject({ sent: requests, completed: requests, failures: {} })
    expect(report.totals.handshakes.sent).toBe(20 * 2 + publishers)
    expect(balances(report)).toBe(true)
    expect(code).toBe(0)
    const { in_msgs, out_msgs } = await counts()
    expect(in_msgs).toBe(requests)
    expect(out_msgs).toBe(requests * 20)
    expect(report.deliveries).toMatchObject({ count: out_msgs, latencyMs: { count: out_msgs } })
    expect(report.scenario.connections).toBe(20 + publishers)
    expect(stdout).toContain(`${publishers} connections x 1, 20 that listen`)
  },
)

test('mosquitto: publishes of QoS 1 and without a reply, with two workers', async ({ skip }) => {
  const { port, received, sent } = await startMosquitto(skip)
  const connect = (id: string) =>
    `{ send: { type: 0x10, body: [ { length: u16, of: MQTT }, { u8: 4 }, { u8: 2 }, { u16: 0 }, { length: u16, of: "${id}{{connection}}" } ] }, expect: { type: 0x20 } }`
  const text = `name: topics
target: { address: "tcp://127.0.0.1:${port}" }
protocol: mqtt
requests: 500
clients:
  - name: publishers
    connections: 2
    loop:
      - send: { type: 0x32, body: [ { length: u16, of: "t/a" }, { u16: 7 }, "{{stamp}} hello" ] }
        expect: { type: 0x40 }
      - send: { type: 0x30, body: [ { length: u16, of: "t/b" }, "{{stamp}} hello" ] }
        expect: nothing
  - name: listeners
    connections: 10
    connect:
      - ${connect('l')}
      - send: { type: 0x82, body: [ { u16: 1 }, { length: u16, of: "t/#" }, { u8: 0 } ] }
        expect: { type: 0x90 }
`
  const { code, report } = await run(scenarioFile(text), '--workers', '2', '--no-ceiling')
  expect(report.totals).toMatchObject({ sent: 500, completed: 500, failures: {} })
  expect(report.totals.oneWay).toBeGreaterThan(200)
  expect(report.totals.handshakes.sent).toBe(2 + 10 * 2)
  expect(code).toBe(0)
  await until('the log of all packets', async () => (await sent()) >= 5000)
  expect([await received(), await sent()]).toEqual([500, 5000])
  expect(report.deliveries!.count).toBe(5000)
  expect(report.steps.map(({ name }) => name)).toEqual(['publishers.loop[0]', 'publishers.loop[1]'])
})
