import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { referenceServer } from './testing/referenceServer.ts'
import { balances, cleanUp, Invocation, run, scenarioFile, startRun, volley } from './testing/volley.ts'

afterAll(cleanUp)

const secret = 'not-to-be-shown'
const layers = { layers: 'gzip,hmac-sha1', layerKey: secret }
const counted = ['-n', '200']
const short = ['-d', '300ms', '--warmup', '0s']

const yaml = (target: string) => `name: layered
target: ${target}
protocol: tlv
layers: [gzip, hmac-sha1]
layerKey: \${KEY}
connections: 4
load: { pipeline: 3 }
loop:
  - { send: { body: hello }, expect: echo }
  - { send: { body: "{{random 40}} of {{connection}}" }, expect: echo }
`

/** Runs the scenario with its key in the environment. */
function runWithKey(text: string, ...flags: string[]) {
  return startRun([scenarioFile(text), ...flags], { env: { KEY: secret } }).ended()
}

test('volley run passes its layers to the server it starts', async () => {
  const text = yaml('{ serve: tlv }')
  const { code, stdout, stderr, report, folder } = await runWithKey(text, ...counted)
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
  expect(report.totals.completed).toBe(200)
  expect(report.server?.requests).toBe(report.totals.sent)
  expect(report.scenario).toMatchObject({ layers: ['gzip', 'hmac-sha1'], layerKey: '***' })
  expect(stdout).toContain('target     tlv + gzip + hmac-sha1 over tcp://')
  const files = ['report.json', 'journal.ndjson'].map(name => readFileSync(join(folder, name), 'utf8'))
  for (const text of [stdout, stderr, ...files]) expect(text).not.toContain(secret)
})

test('volley run does the handshake with a key within the layers', async () => {
  const { url } = await referenceServer('tlv', { ...layers, key: 'k' })
  const text = `${yaml(`{ address: "${url}" }`)}key: k\n`
  const { code, report } = await runWithKey(text, ...counted)
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ failures: {}, handshakes: { sent: 8, completed: 8 } })
  expect(report.totals.completed).toBe(200)
})

test('volley run gets no reply from a server with another key, which counts no request', async () => {
  const server = await referenceServer('tlv', { ...layers, layerKey: 'another' })
  const text = yaml(`{ address: "${server.url}" }`)
  const { code, report } = await runWithKey(text, ...short, '--set', 'reconnect.backoff=20ms..50ms')
  expect(code).toBe(4)
  expect(report.totals.completed).toBe(0)
  expect(report.totals.sent).toBeGreaterThan(0)
  for (const kind of Object.keys(report.totals.failures)) expect(['closed-early', 'reset']).toContain(kind)
  expect(server.requests()).toBe(0)
  expect(balances(report)).toBe(true)
})

test('volley serve --layers serves clients with the same layers, and closes the connections of others', async () => {
  const { url } = await referenceServer('tlv', layers)
  const right = await runWithKey(yaml(`{ address: "${url}" }`), ...counted)
  expect(right.report.totals.failures).toEqual({})
  expect(right.report.totals.completed).toBe(200)
  const flags = ['--protocol', 'tlv', '--send', 'hello', '--set', 'reconnect.backoff=20ms..50ms']
  const plain = await run(url, ...flags, ...short)
  expect(plain.code).toBe(4)
  expect(plain.report.totals.completed).toBe(0)
  for (const kind of Object.keys(plain.report.totals.failures)) expect(['closed-early', 'reset']).toContain(kind)
})

test('volley talk takes layers, and the key of the handshake within them', async () => {
  const flags = ['--layers', 'gzip,hmac-sha1', '--layer-key', secret]
  const { url } = await referenceServer('tlv', { ...layers, key: 'k' })
  const talk = new Invocation(['talk', url, '--protocol', 'tlv', ...flags, '--key', 'k'], { stdin: 'hello\n' }).ended
  expect(await talk).toEqual({ code: 0, stdout: 'type 1  hello\n', stderr: '' })
  const { code, stderr } = await volley('talk', url, '--protocol', 'line', '--layers', 'gzip')
  expect(code).toBe(2)
  expect(stderr).toMatch(/--layers +go with protocol frame, tlv or rpc, not with line/)
})

test('volley run counts the replies of a server without layers as malformed', async () => {
  const { url } = await referenceServer('tlv', { reply: 'not signed' })
  const { code, report } = await runWithKey(yaml(`{ address: "${url}" }`), ...short)
  expect(code).toBe(4)
  expect(Object.keys(report.totals.failures)).toEqual(['malformed'])
  expect(balances(report)).toBe(true)
})

test('volley serve reports wrong flags, with exit 2', async () => {
  const { code, stderr } = await volley('serve', 'tlv', '--layers', 'gzip', '--layer-key', secret)
  expect(code).toBe(2)
  expect(stderr).toContain('--layer-key goes with --layers that have a key')
  expect(stderr).not.toContain(secret)
})
