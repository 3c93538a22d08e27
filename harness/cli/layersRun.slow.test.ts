import { afterAll, expect, test } from 'vitest'
import { expectNoReply, expectServedInLayers, layeredScenario, runWithKey, secret } from './testing/layers.ts'
import { referenceServer } from './testing/referenceServer.ts'
import { balances, cleanUp, Invocation, run, volley } from './testing/volley.ts'

afterAll(cleanUp)

const layers = { layers: 'gzip,hmac-sha1', layerKey: secret }
const counted = ['-n', '200']
const short = ['-d', '300ms', '--warmup', '0s']

test('volley run passes its layers to the server it starts', async () => {
  const ended = await runWithKey(layeredScenario('{ serve: tlv }'), ...counted)
  expectServedInLayers(ended, 'tlv')
  expect(ended.report.totals.completed).toBe(200)
})

test('volley run does the handshake with a key within the layers', async () => {
  const { url } = await referenceServer('tlv', { ...layers, key: 'k' })
  const { code, report } = await runWithKey(layeredScenario(`{ address: "${url}" }`, 'tlv', 'key: k\n'), ...counted)
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ failures: {}, handshakes: { sent: 8, completed: 8 } })
  expect(report.totals.completed).toBe(200)
})

test('volley run gets no reply from a server with another key, which counts no request', async () => {
  const server = await referenceServer('tlv', { ...layers, layerKey: 'another' })
  const text = layeredScenario(`{ address: "${server.url}" }`)
  expectNoReply(await runWithKey(text, ...short, '--set', 'reconnect.backoff=20ms..50ms'))
  expect(server.requests()).toBe(0)
})

test('volley serve --layers serves clients with the same layers, and closes the connections of others', async () => {
  const { url } = await referenceServer('tlv', layers)
  const right = await runWithKey(layeredScenario(`{ address: "${url}" }`), ...counted)
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
  const { code, report } = await runWithKey(layeredScenario(`{ address: "${url}" }`), ...short)
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
