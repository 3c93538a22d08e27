import { afterEach, expect, test } from 'vitest'
import { balances, cleanUp, scenarioFile, startRun } from './testing/volley.ts'

afterEach(cleanUp)

const secret = 'not-to-be-shown'
const short = ['-d', '300ms', '--warmup', '0s']

/** Runs a scenario that starts its server. */
function runLayered(protocol: string, options: string, more = '', ...flags: string[]) {
  const file = scenarioFile(`name: layered
target: { serve: ${protocol}, options: ${options} }
protocol: ${protocol}
layers: [gzip, hmac-sha1]
layerKey: \${KEY}
connections: 4
load: { pipeline: 3 }
loop:
  - { send: { body: hello }, expect: echo }
  - { send: { body: "{{random 40}} of {{connection}}" }, expect: echo }
${more}`)
  return startRun([file, ...short, ...flags], { env: { KEY: secret } }).ended()
}

test('volley run passes its layers to the rpc server it starts', async () => {
  const { code, stdout, report } = await runLayered('rpc', '{}')
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
  expect(report.totals.completed).toBeGreaterThan(100)
  expect(report.server?.requests).toBe(report.totals.sent)
  expect(report.scenario).toMatchObject({ layers: ['gzip', 'hmac-sha1'], layerKey: '***' })
  expect(stdout).toContain('target     rpc + gzip + hmac-sha1 over tcp://')
})

test('volley run passes its layers and the key of the handshake within them', async () => {
  const { code, report } = await runLayered('tlv', '{ key: k }', 'key: k\n')
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ failures: {}, handshakes: { sent: 8, completed: 8 } })
  expect(report.totals.completed).toBeGreaterThan(100)
})

test('volley run gets no reply from a server whose options have another key, which counts no request', async () => {
  const backoff = ['--set', 'reconnect.backoff=20ms..50ms']
  const { code, report } = await runLayered('tlv', '{ layerKey: another }', '', ...backoff)
  expect(code).toBe(4)
  expect(report.totals.completed).toBe(0)
  expect(report.totals.sent).toBeGreaterThan(0)
  for (const kind of Object.keys(report.totals.failures)) expect(['closed-early', 'reset']).toContain(kind)
  expect(report.server?.requests).toBe(0)
  expect(balances(report)).toBe(true)
})
