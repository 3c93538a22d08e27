import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { referenceServer } from './testing/referenceServer.ts'
import { cleanUp, run, scenarioFile, startRun } from './testing/volley.ts'

afterEach(cleanUp)

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
