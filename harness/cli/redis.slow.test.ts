import { afterEach, expect, test } from 'vitest'
import { ask, commandsOf, startRedis } from './testing/redis.ts'
import { balances, cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

test('a real Redis server answers without a failure, and counts what volley counts', async ({ skip }) => {
  const port = await startRedis(skip)
  const before = await commandsOf(port)
  const file = scenarioFile(`
name: redis
target: { address: "tcp://127.0.0.1:${port}" }
protocol: { line: { delimiter: "\\r\\n" } }
connections: 5
load: { mode: loop, pipeline: 4 }
duration: 1s
warmup: 0s
connect:
  - { send: "CLIENT SETNAME volley", expect: { equals: +OK } }
mix:
  - { send: PING, expect: { equals: +PONG }, weight: 2 }
  - { send: "SET key:{{seq}} {{random 16}}", expect: { equals: +OK }, weight: 1 }
  - { send: INCR counter, expect: { matches: "^:[0-9]+$" }, weight: 1 }
`)
  const { code, report } = await run(file)
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
  expect(balances(report)).toBe(true)
  // The first INFO is counted when it is answered; the second is not counted yet.
  const counted = (await commandsOf(port)) - before - 1
  expect(counted).toBe(report.totals.completed + report.totals.inFlightAtEnd + report.totals.handshakes.sent)
})

test('later commands carry the value that was captured from a real Redis server', async ({ skip }) => {
  const port = await startRedis(skip)
  const file = scenarioFile(`
name: redis-capture
target: { address: "tcp://127.0.0.1:${port}" }
protocol: resp
connections: 3
requests: 600
connect:
  - { send: CLIENT ID, capture: { id: body } }
loop:
  - { send: "INCR of:{{id}}", capture: { calls: "regex:^[0-9]+$" } }
  - { send: "SET last:{{id}} {{calls}}", expect: { equals: OK } }
`)
  const { code, report } = await run(file)
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ completed: 600, failures: {} })
  const keys = [...(await ask(port, 'KEYS of:*')).matchAll(/of:(\d+)/g)].map(match => match[1]!)
  expect(keys).toHaveLength(3)
  const counts = await Promise.all(
    keys.map(async id => {
      const [count, last] = [await ask(port, `GET of:${id}`), await ask(port, `GET last:${id}`)]
      // Each SET carries the count of its own connection; of the last pair of commands only the first may have been sent.
      const [counted, set] = [count, last].map(reply => Number(reply.split('\r\n')[1])) as [number, number]
      expect([counted, counted - 1]).toContain(set)
      return counted
    }),
  )
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(report.steps[0]!.response.count)
})

test('an error of a real Redis server fails its request unless the step expects an error that begins so', async ({
  skip,
}) => {
  const port = await startRedis(skip)
  const runWith = (expectation: string) =>
    run(
      scenarioFile(`
name: redis-errors
target: { address: "tcp://127.0.0.1:${port}" }
protocol: resp
connections: 1
requests: 40
loop:
  - { send: "SET text value", expect: { equals: OK } }
  - { send: "LPUSH text value", expect: ${expectation} }
`),
    )
  const named = await runWith('{ error: WRONGTYPE }')
  expect(named.report.totals).toMatchObject({ completed: 40, failures: {} })
  for (const expectation of ['{ contains: WRONGTYPE }', '{ error: ERR }']) {
    const { report } = await runWith(expectation)
    expect(report.totals).toMatchObject({ completed: 20, failed: 20, failures: { unexpected: 20 } })
  }
})
