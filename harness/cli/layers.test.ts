import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { builtFile } from '../built.ts'
import { balances, cleanUp, cleanUpWith, run, scenarioFile, startRun, Volley, volley } from './testing/volley.ts'

afterEach(cleanUp)

const secret = 'not-to-be-shown'
const short = ['-d', '300ms', '--warmup', '0s']

const yaml = (target: string, protocol = 'tlv') => `name: layered
target: ${target}
protocol: ${protocol}
layers: [gzip, hmac-sha1]
layerKey: \${KEY}
connections: 4
load: { pipeline: 3 }
loop:
  - { send: { body: hello }, expect: echo }
  - { send: { body: "{{random 40}} of {{connection}}" }, expect: echo }
`

/** A reference server with layers, in a process of its own. */
async function layeredServer(...flags: string[]): Promise<string> {
  const args = ['tlv', '--listen', '127.0.0.1:0', ...flags]
  const server = new Volley(args, {}, undefined, undefined, builtFile('targets/main'))
  cleanUpWith(() => server.ended)
  await server.says('listening on ')
  return `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`
}

test.each(['tlv', 'rpc'])('volley run hands its layers on to the server it starts: %s', async protocol => {
  const file = scenarioFile(yaml(`{ serve: ${protocol} }`, protocol))
  const { code, stdout, stderr, report, folder } = await startRun([file, ...short], { KEY: secret }).ended()
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
  expect(report.totals.completed).toBeGreaterThan(100)
  expect(report.server?.requests).toBe(report.totals.sent)
  expect(report.scenario).toMatchObject({ layers: ['gzip', 'hmac-sha1'], layerKey: '***' })
  expect(stdout).toContain(`target     ${protocol} + gzip + hmac-sha1 over tcp://`)
  const files = ['report.json', 'journal.ndjson'].map(name => readFileSync(join(folder, name), 'utf8'))
  for (const text of [stdout, stderr, ...files]) expect(text).not.toContain(secret)
})

test('volley run shakes hands with a key within the layers', async () => {
  const text = `${yaml('{ serve: tlv, options: { key: k } }')}key: k\n`
  const { code, report } = await startRun([scenarioFile(text), ...short], { KEY: secret }).ended()
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ failures: {}, handshakes: { sent: 8, completed: 8 } })
  expect(report.totals.completed).toBeGreaterThan(100)
})

test('volley run against a server with another key has not one reply, and the server counts not one request', async () => {
  const file = scenarioFile(yaml('{ serve: tlv, options: { layerKey: another } }'))
  const flags = [file, ...short, '--set', 'reconnect.backoff=20ms..50ms']
  const { code, report } = await startRun(flags, { KEY: secret }).ended()
  expect(code).toBe(4)
  expect(report.totals.completed).toBe(0)
  expect(report.totals.sent).toBeGreaterThan(0)
  for (const kind of Object.keys(report.totals.failures)) expect(['closed-early', 'reset']).toContain(kind)
  expect(report.server?.requests).toBe(0)
  expect(balances(report)).toBe(true)
})

test('volley serve --layers serves who has them too, and closes on who has not', async () => {
  const url = await layeredServer('--layers', 'gzip,hmac-sha1', '--layer-key', secret)
  const file = scenarioFile(yaml(`{ address: "${url}" }`))
  const right = await startRun([file, ...short], { KEY: secret }).ended()
  expect(right.report.totals.failures).toEqual({})
  expect(right.report.totals.completed).toBeGreaterThan(100)
  const flags = ['--protocol', 'tlv', '--send', 'hello', '--set', 'reconnect.backoff=20ms..50ms']
  const plain = await run(url, ...flags, ...short)
  expect(plain.code).toBe(4)
  expect(plain.report.totals.completed).toBe(0)
  for (const kind of Object.keys(plain.report.totals.failures)) expect(['closed-early', 'reset']).toContain(kind)
})

test('volley talk takes layers, and the key of the handshake within them', async () => {
  const layers = ['--layers', 'gzip,hmac-sha1', '--layer-key', secret]
  const url = await layeredServer(...layers, '--key', 'k')
  const talk = new Volley(['talk', url, '--protocol', 'tlv', ...layers, '--key', 'k'], {}, 'hello\n').ended
  expect(await talk).toEqual({ code: 0, stdout: 'type 1  hello\n', stderr: '' })
  const { code, stderr } = await volley('talk', url, '--protocol', 'line', '--layers', 'gzip')
  expect(code).toBe(2)
  expect(stderr).toMatch(/--layers +go with protocol frame, tlv or rpc, not with line/)
})

test('volley run finds what a server without layers answers to be malformed', async () => {
  const url = await layeredServer('--reply', 'not signed')
  const file = scenarioFile(yaml(`{ address: "${url}" }`))
  const { code, report } = await startRun([file, ...short], { KEY: secret }).ended()
  expect(code).toBe(4)
  expect(Object.keys(report.totals.failures)).toEqual(['malformed'])
  expect(balances(report)).toBe(true)
})

test.each([
  [['tlv', '--layers', 'zip'], '--layers expected names out of deflate, gzip, crc32'],
  [['tlv', '--layers', 'hmac-sha1'], '--layers need --layer-key for hmac-sha1'],
  [['tlv', '--layers', 'gzip', '--layer-key', secret], '--layer-key goes with --layers that have a key'],
  [['echo', '--layers', 'gzip'], '--layers go with protocol frame, tlv or rpc, not with raw'],
  [['http', '--layers', 'gzip'], '--layers go with protocol frame, tlv or rpc, not with http'],
  [['tlv', '--naive', '15'], '--naive is for echo, not for tlv'],
  [['echo', '--naive', '0'], '--naive expected a size from 1 B to 64 KiB, got "0"'],
  [['echo', '--naive', '15', '--reply', 'echo'], '--naive answers each read with a text'],
  [
    ['echo', '--protocol', 'frame', '--naive', '15', '--max-frame', '1KiB'],
    '--naive does not go with --layers or --max-frame',
  ],
])('volley serve %j says what is wrong', async (args, message) => {
  const { code, stderr } = await volley('serve', ...args)
  expect(code).toBe(2)
  expect(stderr).toContain(message)
  expect(stderr).not.toContain(secret)
})
