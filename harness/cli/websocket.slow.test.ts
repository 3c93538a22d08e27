import { afterEach, expect, describe as group, test } from 'vitest'
import { describe } from '../scenario/named.ts'
import { expectWhole } from './testing/broadcast.ts'
import { referenceServer } from './testing/referenceServer.ts'
import { balances, cleanUp, run, scenarioFile, volley } from './testing/volley.ts'
import {
  type OtherWebSocketServer,
  runWebsocketsClients,
  startWebsockets,
  startWs,
} from './testing/webSocketServers.ts'

afterEach(cleanUp)

const requests = 2000
const shortBytes = 'hello 0000000000'.length
const longBytes = 300

/** The description with the pushes of these servers, short and long texts, and bytes. */
function scenarioOf(port: number, transport: string): string {
  const text = describe('websocket').text
  const own = text
    .slice(0, text.indexOf('\nloop:'))
    .replace('127.0.0.1:8080', `127.0.0.1:${port}`)
    .replace('  replies:\n', '  replies:\n    deliver: [ "tick" ]\n')
  return scenarioFile(`${own}
connections: 4
requests: ${requests}
transport: ${transport}
loop:
  - send: "hello {{seq}}"
    expect: { type: [ 0x81, 0x01 ], begins: hello }
  - send: "{{random ${longBytes}}}"
    expect: echo
  - send: { type: 0x82, body: [ { hex: "00 ff" }, "{{random ${longBytes - 2}}}" ] }
    expect: { type: [ 0x82, 0x02 ], begins: { hex: "00ff" } }
`)
}

async function expectExact(server: OtherWebSocketServer, transport: string): Promise<void> {
  const { code, report } = await run(scenarioOf(server.port, transport), '--warmup', '0s')
  const { totals, deliveries, steps } = report
  const [short, long, bytes] = steps
  expect(totals.failures).toEqual({})
  expect(totals).toMatchObject({ sent: requests, completed: requests, handshakes: { sent: 4, completed: 4 } })
  expect(balances(report)).toBe(true)
  expect(code).toBe(0)
  const counts = await server.counts()
  expect(counts).toMatchObject({
    messages: requests,
    bytes: short!.response.count * shortBytes + (long!.response.count + bytes!.response.count) * longBytes,
    pings: requests / 50,
    pongs: requests / 50,
    ticks: requests / 50,
    fragmented: Math.floor(requests / 7),
  })
  expect(totals.answers).toBe(requests / 50)
  expect(deliveries!.count).toBe(requests / 50)
}

test('messages, pings, pushes and fragments of a server on ws are counted as it counts them', async () => {
  await expectExact(await startWs(), 'epoll')
})

test('those of a server on websockets too', async ({ skip }) => {
  await expectExact(await startWebsockets(skip), 'node')
})

test('volley ws://host:port/path pings at that path', async () => {
  const server = await startWs()
  const { code, report } = await run(
    `ws://127.0.0.1:${server.port}/chat?room=1`,
    '-n',
    '200',
    '-c',
    '2',
    '--warmup',
    '0s',
  )
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ sent: 200, completed: 200, failures: {} })
  expect(new Set(server.asked)).toEqual(new Set([`/chat?room=1 127.0.0.1:${server.port}`]))
  // Pings are answered by the package itself.
  expect(await server.counts()).toMatchObject({ messages: 0 })
})

test('volley talk shows the upgrade and the messages of a scenario', async () => {
  const server = await startWs()
  const file = scenarioFile(
    `name: talk\ntarget: { address: "tcp://127.0.0.1:${server.port}" }\nprotocol: websocket\nloop: [ { send: "hello there", expect: { equals: "hello there" } } ]\n`,
  )
  const { code, stdout } = await volley('talk', file)
  expect(code).toBe(0)
  expect(stdout).toContain('HTTP/1.1 101 Switching Protocols')
  expect(stdout).toMatch(/^< type 129 {2}"hello there"/m)
  const byUrl = await volley('talk', `ws://127.0.0.1:${server.port}/chat`)
  expect(byUrl.code).toBe(0)
  expect(byUrl.stdout).toMatch(/^< type 138 {2}"\d+"/m)
  expect(server.asked.at(-1)).toBe(`/chat 127.0.0.1:${server.port}`)
})

group('volley serve broadcast --framing websocket', () => {
  const room = (target: string, connections: number) =>
    scenarioFile(`
name: room
target: ${target}
protocol: { broadcast: { framing: websocket } }
connections: ${connections}
timeout: 20s
loop: [{ send: 'it is {{stamp}}' }]
`)

  const targets = [
    ['epoll', '{ serve: broadcast }'],
    ['node', '{ serve: broadcast, options: { framing: websocket } }'],
  ] as const
  test.each(targets)('delivers every message to volley over %s, from %s', async (transport, target) => {
    const args = ['--warmup', '0s', '-n', '2000', '--transport', transport]
    const { code, report } = await run(room(target, 20), ...args)
    expect(code).toBe(0)
    expectWhole(report)
    const { count, expected, serverSent, latencyMs } = report.deliveries!
    // A connection that is upgraded has been accepted, so that none is missed.
    expect([count, expected, serverSent, latencyMs.count]).toEqual([38_000, 38_000, 38_000, 38_000])
    expect(report.totals.handshakes).toMatchObject({ sent: 20, completed: 20 })
    expect(report.server?.requests).toBe(2020)
  })

  test('takes frames that are cut on their way', async () => {
    const args = ['--warmup', '0s', '-n', '500', '-p', '8', '--set', 'wire={ split: random }']
    const { code, report } = await run(room('{ serve: broadcast }', 5), ...args)
    expect(code).toBe(0)
    expectWhole(report)
    expect(report.deliveries).toMatchObject({ count: 2000, serverSent: 2000 })
  })

  test('serves clients on websockets, which mask what they send', async ({ skip }) => {
    const [clients, messages] = [5, 40]
    const server = await referenceServer('broadcast', { framing: 'websocket' })
    const port = new URL(server.url).port
    const counted = await runWebsocketsClients(skip, port, String(clients), String(messages))
    const delivered = clients * messages * (clients - 1) + (clients - 1) * (clients - 2)
    expect(counted).toEqual({
      acknowledged: clients * messages + clients - 1,
      delivered,
      others: 0,
      pongs: clients,
      closed: Array.from({ length: clients }, () => 1000),
    })
    expect(server.deliveries()).toBe(delivered)
    // An upgrade, a ping and the messages of each; one leaves, and the others send one more, and a close.
    expect(server.requests()).toBe(clients * (messages + 2) + 1 + 2 * (clients - 1))
  })
})
