import { afterEach, expect, test } from 'vitest'
import { named } from '../torture/testing/tortured.ts'
import { cleanUp, scenarioFile, Volley } from './testing/volley.ts'
import { volleyTorture } from './testing/volleyTorture.ts'

afterEach(cleanUp)

const rawSkips = ['zero-length', 'negative-length', 'huge-length', 'over-long']
const lineSkips = ['negative-length', 'huge-length']

// The ninth server, tlv with a key, is in torture.process.test.ts.
test.each([
  ['echo-loopback', rawSkips],
  ['line-loopback', lineSkips],
  ['frame-loopback', []],
  ['goes-frame', []],
  ['tlv-loopback', []],
  ['rpc-one-connection', []],
  ['broadcast-fanout', lineSkips],
  ['http-loopback', []],
])('the reference server of %s passes volley torture', async (name, skipped) => {
  const result = await volleyTorture(`scenarios/${name}.yaml`)
  expect(result.trials.filter(({ verdict }) => verdict === 'fail')).toEqual([])
  expect(result.code).toBe(0)
  expect(named(result, 'skipped')).toEqual(skipped)
  expect(result.trials).toHaveLength(16)
  const tried = result.trials.filter(({ verdict }) => verdict === 'pass')
  expect(tried.every(({ memoryRoseBytes }) => memoryRoseBytes !== undefined)).toBe(true)
})

test('volley torture shows the address if only another option is secret, and *** if the address is', async () => {
  const yaml = (options: string, rest = '') =>
    `name: secret\ntarget: { serve: tlv, options: ${options} }\nprotocol: tlv\n${rest}loop: [{ send: { type: 1, body: hello } }]\n`
  const key = scenarioFile(yaml('{ key: "${KEY}" }', 'key: "${KEY}"\n'))
  const listening = scenarioFile(yaml('{ listen: "${LISTEN}" }'))
  const title = async (file: string, env: Record<string, string>) =>
    (await new Volley(['torture', file, '--only', 'valid'], env).ended).stdout.split('\n')[0]
  expect(await title(key, { KEY: 'not-to-be-shown' })).toMatch(/tcp:\/\/127\.0\.0\.1:\d+/)
  const hidden = await title(listening, { LISTEN: '127.0.0.1:0' })
  expect(hidden).toContain('***')
  expect(hidden).not.toContain('127.0.0.1')
})

test('volley torture --json shows nothing of a secret address in the protocol', async () => {
  const server = new Volley(['serve', 'http', '--listen', '127.0.0.1:0', '--quiet'])
  await server.says('listening on')
  const address = `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`
  const file = scenarioFile('name: s\ntarget: { address: "${ADDRESS}" }\nprotocol: http\nloop: [{ send: GET / }]\n')
  const { code, stdout } = await new Volley(['torture', file, '--only', 'split', '--json'], { ADDRESS: address }).ended
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ target: '***', protocol: { name: 'http' } })
  expect(stdout).not.toContain('127.0.0.1')
})
