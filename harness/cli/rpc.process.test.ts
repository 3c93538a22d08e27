import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { referenceServer } from './testing/referenceServer.ts'
import { balances, cleanUp, run, scenarioFile, startRun } from './testing/volley.ts'

afterEach(cleanUp)

test('volley run and volley serve rpc work without a length prefix', async () => {
  const scenario = scenarioFile(`
name: bare
target: { serve: rpc, options: { shuffle: 4 } }
protocol: { rpc: { lengthPrefix: false } }
connections: 2
load: { pipeline: 10 }
requests: 2k
loop: [{ send: { type: 3, body: "{{seq}} {{random 20}}" }, expect: echo }]
`)
  const started = await run(scenario)
  expect(started.code).toBe(0)
  expect(started.report.totals).toMatchObject({ completed: 2000, failures: {}, bytesSent: 2000 * 50 })
  expect(started.report.server?.requests).toBe(2000)

  const settings = '{"rpc":{"lengthPrefix":false}}'
  const { url } = await referenceServer('rpc', { protocol: settings })
  const reached = await run(url, '--protocol', settings, '-n', '500', '-c', '2', '--send', 'hi')
  expect(reached.code).toBe(0)
  expect(reached.report.totals).toMatchObject({ completed: 500, failures: {}, bytesReceived: 500 * 21 })
})

test('volley run counts replies that come after their timeout as late, and keeps the connection', async () => {
  // The server answers nothing in the last 100 ms of every 400.
  const options = { poolSize: 'unlimited', serviceTime: 'fixed:1ms', stall: '100ms/400ms' }
  const { url } = await referenceServer('rpc', options)
  const file = scenarioFile(`
name: late
target: { address: "${url}" }
protocol: rpc
connections: 2
load: { pipeline: 5 }
duration: 1s
warmup: 0s
timeout: 30ms
loop: [{ send: { type: 1, body: "{{seq}}" }, expect: echo }]
`)
  const { report, stdout } = await run(file)
  const { totals } = report
  expect(Object.keys(totals.failures)).toEqual(['timeout'])
  expect(totals.late).toBeGreaterThan(0)
  expect(totals.late).toBeLessThanOrEqual(totals.failures.timeout!)
  expect(totals.connects).toBe(2)
  expect(balances(report)).toBe(true)
  expect(stdout).toMatch(/ {2}late {7}[\d,]+ repl(y|ies) to requests that had timed out\n/)
})

test('volley run logs in to a group with a secret that is shown nowhere', async () => {
  const secret = 'not-to-be-shown'
  const file = scenarioFile(`name: grouped
target: { serve: rpc, options: { group: orders, secret: "\${SECRET}" } }
protocol: rpc
connections: 3
requests: 300
connect:
  - send: { type: 9, body: "orders:\${SECRET}" }
    expect: { type: 9 }
    capture: { token: "json:access.token" }
loop: [{ send: { type: 1, body: "{{token}}" }, expect: echo }]
`)
  const withSecret = (...args: string[]) => startRun([file, ...args], { env: { SECRET: secret } }).ended()
  const { code, report, stdout, stderr, folder } = await withSecret()
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ completed: 300, failures: {}, handshakes: { sent: 3, completed: 3 } })
  // A token of 32 digits in every request, and nothing else.
  expect(report.totals.bytesSent).toBe(300 * (23 + 32) + 3 * (23 + 'orders:'.length + secret.length))
  const files = ['report.json', 'journal.ndjson'].map(name => readFileSync(join(folder, name), 'utf8'))
  for (const text of [stdout, stderr, ...files]) expect(text).not.toContain(secret)
  const { url } = await referenceServer('rpc', { group: 'orders', secret: 'another' })
  const refused = await withSecret('--target', url, '-d', '300ms')
  expect(refused.code).toBe(4)
  expect(Object.keys(refused.report.totals.failures)).toEqual(['unexpected'])
  expect(refused.report.totals.sent).toBe(0)
})

test('volley run records the bytes read and written in each second, and the connections', async () => {
  const { url } = await referenceServer('rpc', { reply: '0123456789' })
  const file = scenarioFile(`
name: flow
target: { address: "${url}" }
protocol: rpc
connections: 4
duration: 2s
warmup: 0s
loop: [{ send: { type: 1, body: hi }, think: 2ms }]
`)
  const { report, stderr, folder } = await run(file)
  const { intervals, totals } = report
  expect(intervals.length).toBeGreaterThanOrEqual(2)
  for (const { bytesSent, bytesReceived, connections } of intervals) {
    expect(connections).toBe(4)
    expect(bytesSent).toBeGreaterThan(0)
    expect(bytesReceived).toBeGreaterThan(0)
  }
  // All were opened before the run began.
  expect(intervals.map(({ connects }) => connects)).toEqual(intervals.map(() => 0))
  const received = intervals.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0)
  expect(received).toBeLessThanOrEqual(totals.bytesReceived)
  expect(received).toBeGreaterThan(0.5 * totals.bytesReceived)
  expect(totals.bytesReceived).toBe(totals.completed * 33)
  const lines = readFileSync(join(folder, 'journal.ndjson'), 'utf8').trim().split('\n').slice(1)
  expect(lines.map(line => JSON.parse(line).bytesSent)).toEqual(intervals.map(({ bytesSent }) => bytesSent))
  expect(stderr).toMatch(/ {2}out [\d.]+KiB\/s in [\d.]+KiB\/s {2}connections 4/)
})
