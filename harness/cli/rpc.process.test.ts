import { afterEach, expect, test } from 'vitest'
import { referenceServer } from './testing/referenceServer.ts'
import { balances, cleanUp, run, scenarioFile } from './testing/volley.ts'

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
