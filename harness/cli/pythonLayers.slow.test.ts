import { afterEach, expect, test } from 'vitest'
import { countsOf, runPythonClient, startPython } from './testing/python.ts'
import { referenceServer } from './testing/referenceServer.ts'
import { balances, cleanUp, Invocation, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

const key = '123456'
const signed = { layers: 'hmac-sha1:before', layerKey: key }

/** TLV messages that begin with their signature; `more` is added as it is. */
function scenario(target: string, more: string): string {
  return scenarioFile(`
name: tlv-signed-python
target: ${target}
protocol: tlv
layers: [{ hmac-sha1: { place: before } }]
layerKey: "${key}"
connections: 4
reconnect: { backoff: 20ms..50ms }
${more}`)
}

const hello = 'loop: [{ send: { type: 1, body: hello world }, expect: { type: 1, body: server } }]'

test('a TLV server in Python verifies the signature before each body, and counts what volley counts', async ({
  skip,
}) => {
  const { server, address } = await startPython(skip, 'tlv_signed_server.py', key)
  const file = scenario(
    `{ address: "${address}" }`,
    `
load: { mode: loop, pipeline: 8 }
requests: 400
connect:
  - { send: { type: 9, body: hello }, expect: { type: 9, body: hello } }
mix:
  - { send: { type: 1, body: hello world }, expect: { type: 1, body: server }, weight: 6 }
  - { send: { type: 2, body: "{{seq}} {{uuid}}" }, expect: echo, weight: 6 }
  - { send: { type: 3, body: "" }, expect: echo, weight: 1 }
  - { send: { type: 4, body: { random: 300KiB } }, expect: echo, weight: 1 }
`,
  )
  const { code, report, stdout } = await run(file)
  expect(code).toBe(0)
  const { totals } = report
  expect(totals.failures).toEqual({})
  expect(totals.completed).toBe(400)
  expect(balances(report)).toBe(true)
  expect(stdout).toContain('tlv + hmac-sha1:before over tcp://')
  expect(report.scenario).toMatchObject({ layers: ['hmac-sha1:before'], layerKey: '***' })
  const counts = await countsOf(server)
  expect(counts['requests']).toBe(totals.completed + totals.inFlightAtEnd + totals.handshakes.sent)
  expect(counts['bytesIn']).toBe(totals.bytesSent)
  expect(counts).toMatchObject({ badSignatures: 0 })
})

test('a TLV server in Python closes the connections of a client whose signature stands behind the body', async ({
  skip,
}) => {
  const { server, address } = await startPython(skip, 'tlv_signed_server.py', key)
  const file = scenario(`{ address: "${address}" }`, `duration: 300ms\nwarmup: 0s\n${hello}`)
  const { code, report } = await run(file, '--set', 'layers=[hmac-sha1]')
  expect(code).toBe(4)
  expect(report.totals.completed).toBe(0)
  for (const kind of Object.keys(report.totals.failures)) expect(['closed-early', 'reset']).toContain(kind)
  const counts = await countsOf(server)
  expect(counts['badSignatures']).toBeGreaterThan(0)
  expect(counts['requests']).toBe(0)
})

test('volley run counts replies with the signature of another key as malformed', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'tlv_signed_server.py', key, 'another')
  const file = scenario(`{ address: "${address}" }`, `duration: 300ms\nwarmup: 0s\n${hello}`)
  const { code, report } = await run(file)
  expect(code).toBe(4)
  expect(report.totals.completed).toBe(0)
  expect(Object.keys(report.totals.failures)).toEqual(['malformed'])
  expect((await countsOf(server))['requests']).toBe(report.totals.sent)
})

test('volley talk signs before the body', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'tlv_signed_server.py', key)
  const args = ['talk', address, '--protocol', 'tlv', '--layers', signed.layers, '--layer-key', key]
  const talk = await new Invocation(args, { stdin: 'hello world\n' }).ended
  expect(talk).toEqual({ code: 0, stdout: 'type 1  server\n', stderr: '' })
  expect(await countsOf(server)).toMatchObject({ requests: 1, badSignatures: 0, bytesIn: 8 + 20 + 11 })
})

test('volley serve tlv answers a client in Python whose messages begin with their signature', async ({ skip }) => {
  const server = await referenceServer('tlv', { ...signed, reply: 'server' })
  const { port } = new URL(server.url)
  const counts = await runPythonClient(skip, 'tlv_signed_client.py', port, key, '5', '40')
  expect(counts).toEqual({
    ...{ sent: 200, replies: 200, badSignatures: 0, otherTypes: 0, closed: 0 },
    bodies: { server: 200 },
  })
  expect(server.requests()).toBe(200)
})

test('volley serve tlv closes the connections of a client in Python with another key', async ({ skip }) => {
  const server = await referenceServer('tlv', { ...signed, reply: 'server' })
  const { port } = new URL(server.url)
  const counts = await runPythonClient(skip, 'tlv_signed_client.py', port, 'another', '3', '40')
  expect(counts).toMatchObject({ sent: 3, replies: 0, closed: 3 })
  expect(server.requests()).toBe(0)
})

test('volley run signs before the body through a relay, for a server that it starts', async () => {
  const target = '{ serve: tlv, options: { reply: server }, relay: { rtt: 2ms } }'
  const { code, report } = await run(scenario(target, `requests: 100\n${hello}`))
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ completed: 100, failures: {} })
  expect(report.server?.requests).toBe(100)
})
