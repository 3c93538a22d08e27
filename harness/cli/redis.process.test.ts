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
