import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { ask, callsOf, commandsOf, startRedis } from './testing/redis.ts'
import { cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

test('a real Redis server counts each command over RESP as volley counts its steps, in pipelines too', async ({
  skip,
}) => {
  const port = await startRedis(skip)
  for (const pipeline of [1, 16]) {
    await ask(port, 'CONFIG RESETSTAT')
    const file = scenarioFile(`
name: redis-resp
target: { address: "tcp://127.0.0.1:${port}" }
protocol: resp
connections: 5
load: { mode: loop, pipeline: ${pipeline} }
requests: 5k
connect:
  - { send: "CLIENT SETNAME volley", expect: { equals: OK } }
mix:
  - { send: "SET key:{{random 0..99}} {{random 32}}", expect: { equals: OK }, weight: 1 }
  - { send: "GET key:{{random 0..99}}", weight: 3 }
  - { send: "LRANGE none 0 -1", weight: 1 }
`)
    const { code, report } = await run(file)
    expect(code).toBe(0)
    expect(report.totals).toMatchObject({ sent: 5000, completed: 5000, failures: {} })
    const stats = await ask(port, 'INFO commandstats')
    const counted = ['set', 'get', 'lrange'].map(command => callsOf(stats, command))
    expect(counted).toEqual(report.steps.map(({ response }) => response.count))
    expect(counted.reduce((sum, calls) => sum + calls, 0)).toBe(5000)
    expect(callsOf(stats, 'client\\|setname')).toBe(report.totals.handshakes.sent)
    // Two other commands: CONFIG RESETSTAT, which is counted when it is answered, after the reset, and INFO commandstats.
    expect(await commandsOf(port)).toBe(5000 + report.totals.handshakes.sent + 2)
  }
})

/** What the server can be asked to send, one of each type, and what the reply is. */
const types = {
  string: '{ equals: Hello World }',
  integer: '{ equals: "12345" }',
  double: '{ equals: "3.141" }',
  null: '{ equals: "" }',
  array: '{ equals: ":0\\r\\n:1\\r\\n:2\\r\\n" }',
  set: '{ equals: ":0\\r\\n:1\\r\\n:2\\r\\n" }',
  map: '{ equals: ":0\\r\\n#f\\r\\n:1\\r\\n#t\\r\\n:2\\r\\n#f\\r\\n" }',
  attrib: '{ equals: Some real reply following the attribute }',
  push: '{ equals: Some real reply following the push reply }',
  verbatim: '{ equals: "This is a verbatim\\nstring" }',
  true: '{ equals: t }',
  bignum: '{ equals: "1234567999999999999999999999999999999" }',
}

test('a real Redis server is logged in to and asked for every type of RESP3, and no password is shown', async ({
  skip,
}) => {
  const login = ['--user', 'volley', 'on', '>geheim', '~*', '&*', '+@all', '--enable-debug-command', 'yes']
  const port = await startRedis(skip, login)
  await ask(port, 'CONFIG RESETSTAT')
  const file = scenarioFile(`
name: redis-types
target: { address: "tcp://127.0.0.1:${port}" }
protocol: { redis: { version: 3, user: volley, password: geheim, database: 3 } }
connections: 4
load: { pipeline: 8 }
requests: 2400
loop:
${Object.entries(types)
  .map(([type, reply]) => `  - { send: DEBUG PROTOCOL ${type}, expect: ${reply} }`)
  .join('\n')}
`)
  const { code, report, stdout, stderr, folder } = await run(file)
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({
    sent: 2400,
    completed: 2400,
    failures: {},
    handshakes: { sent: 8, completed: 8 },
  })
  const [pushed] = report.steps.filter(({ name }) => name === 'loop[8]')
  expect(report.deliveries!.count).toBe(pushed!.response.count)
  const stats = await ask(port, 'INFO commandstats')
  expect(callsOf(stats, 'debug')).toBe(2400)
  expect([callsOf(stats, 'hello'), callsOf(stats, 'select')]).toEqual([4, 4])
  const saved = readdirSync(folder).map(name => readFileSync(join(folder, name), 'utf8'))
  expect(saved.length).toBeGreaterThan(1)
  expect(`${stdout}${stderr}${saved.join()}`).not.toContain('geheim')
  expect(report.scenario.protocol).toMatchObject({ name: 'resp', version: 3, user: 'volley', password: '***' })
})

test('what a real Redis server pushes to subscribers is counted and timed', async ({ skip }) => {
  const port = await startRedis(skip)
  const file = scenarioFile(`
name: redis-push
target: { address: "tcp://127.0.0.1:${port}" }
protocol: { resp: { version: 3 } }
connections: 4
workers: 1
requests: 2000
connect:
  - { send: SUBSCRIBE room, expect: nothing }
  - { send: PING, expect: { equals: PONG } }
loop:
  - { send: 'PUBLISH room "{{stamp}} hello"', expect: { equals: "4" } }
`)
  const { code, report } = await run(file)
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ sent: 2000, completed: 2000, failures: {} })
  // Each of the four gets every message, and one that it has subscribed.
  expect(report.deliveries!.count).toBe(4 * 2000 + 4)
  expect(report.deliveries!.latencyMs.count).toBeGreaterThan(7000)
  expect(callsOf(await ask(port, 'INFO commandstats'), 'publish')).toBe(2000)
})

test('a wrong password of a URL fails as what it is, and is not shown', async ({ skip }) => {
  const port = await startRedis(skip, ['--requirepass', 'geheim'])
  const right = await run(`redis://:geheim@127.0.0.1:${port}/2`, '-n', '50', '-c', '2')
  expect(right.code).toBe(0)
  expect(right.report.totals).toMatchObject({ completed: 50, handshakes: { sent: 4, completed: 4 } })
  const wrong = await run(`redis://:falsch@127.0.0.1:${port}`, '-c', '1', '-d', '1s', '--warmup', '0s')
  expect(wrong.code).not.toBe(0)
  expect(wrong.stdout).toContain('WRONGPASS')
  expect(`${wrong.stdout}${wrong.stderr}${JSON.stringify(wrong.report)}`).not.toContain('falsch')
})
