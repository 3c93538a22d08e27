import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { builtFile } from '../built.ts'
import { balances, cleanUp, cleanUpWith, run, scenarioFile, startRun, Volley, volley } from './testing/volley.ts'

afterEach(cleanUp)

const secret = 'not-to-be-shown'

/** A reference server with a key, in a process of its own. */
async function keyedServer(): Promise<string> {
  const args = ['tlv', '--listen', '127.0.0.1:0', '--key', secret]
  const server = new Volley(args, {}, undefined, undefined, builtFile('targets/main'))
  cleanUpWith(() => server.ended)
  await server.says('listening on ')
  return `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`
}

const yaml = `name: keyed
target: { serve: tlv, options: { key: "\${KEY}" } }
protocol: tlv
key: \${KEY}
connections: 4
duration: 300ms
warmup: 0
loop: [{ send: { type: 1, body: hello }, expect: echo }]
`

test('volley run does the handshake with a key out of the environment, which is shown nowhere', async () => {
  const file = scenarioFile(yaml)
  process.env['KEY'] = secret
  const { code, stdout, stderr, report, folder } = await run(file).finally(() => delete process.env['KEY'])
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
  expect(report.totals.completed).toBeGreaterThan(100)
  expect(report.totals.handshakes).toEqual({ sent: 8, completed: 8 })
  expect(report.server?.requests).toBe(report.totals.sent + 8)
  expect(report.scenario.key).toBe('***')
  const files = ['report.json', 'journal.ndjson'].map(name => readFileSync(join(folder, name), 'utf8'))
  for (const text of [stdout, stderr, ...files]) expect(text).not.toContain(secret)
  expect(files[0]).toContain('"target": "tcp://127.0.0.1:')
})

test('volley run starts the servers of a scenario as it says, whatever key or secret is exported', async () => {
  const exported = { VOLLEY_SERVE_KEY: secret, VOLLEY_SERVE_LAYER_KEY: secret, VOLLEY_SERVE_SECRET: secret }
  for (const [server, protocol, send] of [
    ['echo', 'raw', 'hello'],
    ['tlv', 'tlv', '{ type: 1, body: hello }'],
    ['rpc', 'rpc', '{ type: 1, body: hello }'],
  ]) {
    const file = scenarioFile(
      `name: open\ntarget: { serve: ${server} }\nprotocol: ${protocol}\nrequests: 10\nloop: [{ send: ${send}, expect: echo }]\n`,
    )
    const { code, stderr, report } = await startRun([file], exported).ended()
    expect(`${code} ${report.totals.completed}`, stderr).toBe('0 10')
  }
})

test('volley run with a URL and --key talks to a server that has one, and counts a wrong key as refused', async () => {
  const url = await keyedServer()
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

test('volley talk --key does the handshake, and says when it is refused', async () => {
  const url = await keyedServer()
  const talk = (...flags: string[]) =>
    new Volley(['talk', url, '--protocol', 'tlv', ...flags], {}, 'hello\nworld\n').ended
  expect(await talk('--key', secret)).toEqual({ code: 0, stdout: 'type 1  hello\ntype 1  world\n', stderr: '' })
  expect(await talk('--key', 'wrong')).toEqual({ code: 2, stdout: '', stderr: 'refused: the key is wrong\n' })
  expect((await talk()).stdout).toContain('the handshake comes first')
  const line = await volley('talk', url, '--key', secret)
  expect(line).toMatchObject({
    code: 2,
    stderr: '--key: protocol line has no handshake with a key; tlv has one\n',
  })
})
