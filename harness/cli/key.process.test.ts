import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { expectExportsIgnored } from './testing/exportedKeys.ts'
import { referenceServer } from './testing/referenceServer.ts'
import { balances, cleanUp, Invocation, run, scenarioFile, startRun, volley } from './testing/volley.ts'

const secret = 'not-to-be-shown'
/** The address of a reference server with this key. */
let url = ''

beforeAll(async () => {
  url = (await referenceServer('tlv', { key: secret })).url
})
afterEach(() => void vi.unstubAllEnvs())
afterAll(cleanUp)

const yaml = `name: keyed
target: { serve: tlv, options: { key: "\${KEY}" } }
protocol: tlv
key: \${KEY}
connections: 4
requests: 200
loop: [{ send: { type: 1, body: hello }, expect: echo }]
`

test('volley run does the handshake with a key from the environment, which is shown nowhere', async () => {
  const started = startRun([scenarioFile(yaml)], { env: { KEY: secret } })
  const { code, stdout, stderr, report, folder } = await started.ended()
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
  expect(report.totals.completed).toBe(200)
  expect(report.totals.handshakes).toEqual({ sent: 8, completed: 8 })
  expect(report.server?.requests).toBe(report.totals.sent + 8)
  expect(report.scenario.key).toBe('***')
  const files = ['report.json', 'journal.ndjson'].map(name => readFileSync(join(folder, name), 'utf8'))
  for (const text of [stdout, stderr, ...files]) expect(text).not.toContain(secret)
  expect(files[0]).toContain('"target": "tcp://127.0.0.1:')
})

test('volley run starts the server of a scenario as the scenario says, whatever key or secret is exported', async () => {
  await expectExportsIgnored('tlv', 'tlv', '{ type: 1, body: hello }')
})

test('volley run takes --key with a URL, and counts a wrong key as refused', async () => {
  const flags = [
    url,
    '--protocol',
    'tlv',
    '-d',
    '300ms',
    '--warmup',
    '0s',
    '-c',
    '3',
    '--set',
    'reconnect.backoff=20ms..50ms',
  ]
  const right = await run(...flags, '--key', secret)
  expect(right.code).toBe(0)
  expect(right.report.totals.failures).toEqual({})
  const wrong = await run(...flags, '--key', 'wrong')
  expect(wrong.code).toBe(4)
  expect(Object.keys(wrong.report.totals.failures)).toEqual(['connect-refused'])
  expect(wrong.report.totals.completed).toBe(0)
  expect(balances(wrong.report)).toBe(true)
})

test('volley talk --key does the handshake, and reports a refusal', async () => {
  const talk = (...flags: string[]) =>
    new Invocation(['talk', url, '--protocol', 'tlv', ...flags], { stdin: 'hello\nworld\n' }).ended
  expect(await talk('--key', secret)).toEqual({ code: 0, stdout: 'type 1  hello\ntype 1  world\n', stderr: '' })
  expect(await talk('--key', 'wrong')).toEqual({ code: 2, stdout: '', stderr: 'refused: the key is wrong\n' })
  expect((await talk()).stdout).toContain('the handshake comes first')
  const line = await volley('talk', url, '--key', secret)
  expect(line).toMatchObject({
    code: 2,
    stderr: '--key: protocol line has no handshake with a key; tlv has one\n',
  })
})
