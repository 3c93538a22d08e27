import { once } from 'node:events'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { freePort } from '../port.ts'
import { Program, skipWithout } from './testing/programs.ts'
import { balances, cleanUp, run, scenarioFile, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

/** What Redis answers to one command, up to the first pause. */
async function ask(port: number, command: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', chunk => {
    text += chunk
    if (/\r\n$/.test(text)) socket.end()
  })
  socket.write(`${command}\r\n`)
  await once(socket, 'close')
  return text
}

async function startRedis(skip: (why: string) => void): Promise<number> {
  skipWithout('redis-server', '--version', 'redis-server', skip)
  const port = await freePort()
  const folder = temporaryFolder()
  const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder]
  await new Program('redis-server', flags).says(/Ready to accept connections/)
  return port
}

/** All commands that Redis has counted by now, but for the one that asks. */
async function commandsOf(port: number): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await ask(port, 'INFO stats'))![1])
}

/** Redis' own count of one command. */
function callsOf(stats: string, command: string): number {
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+),`).exec(stats)?.[1] ?? 0)
}

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
  // The first INFO is counted once it is answered, the second not yet.
  const counted = (await commandsOf(port)) - before - 1
  expect(counted).toBe(report.totals.completed + report.totals.inFlightAtEnd + report.totals.handshakes.sent)
})

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
requests: 10k
connect:
  - { send: "CLIENT SETNAME volley", expect: { equals: OK } }
mix:
  - { send: "SET key:{{random 0..99}} {{random 32}}", expect: { equals: OK }, weight: 1 }
  - { send: "GET key:{{random 0..99}}", weight: 3 }
  - { send: "LRANGE none 0 -1", weight: 1 }
`)
    const { code, report } = await run(file)
    expect(code).toBe(0)
    expect(report.totals).toMatchObject({ sent: 10_000, completed: 10_000, failures: {} })
    const stats = await ask(port, 'INFO commandstats')
    const counted = ['set', 'get', 'lrange'].map(command => callsOf(stats, command))
    expect(counted).toEqual(report.steps.map(({ response }) => response.count))
    expect(counted.reduce((sum, calls) => sum + calls, 0)).toBe(10_000)
    expect(callsOf(stats, 'client\\|setname')).toBe(report.totals.handshakes.sent)
    // Beside ours: CONFIG RESETSTAT is counted once it is answered, after the reset, and INFO commandstats.
    expect(await commandsOf(port)).toBe(10_000 + report.totals.handshakes.sent + 2)
  }
})

test('a value captured from a real Redis server is what later commands carry', async ({ skip }) => {
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
  - { send: "INCR of:{{id}}", capture: { count: "regex:^[0-9]+$" } }
  - { send: "SET last:{{id}} {{count}}", expect: { equals: OK } }
`)
  const { code, report } = await run(file)
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ completed: 600, failures: {} })
  const keys = [...(await ask(port, 'KEYS of:*')).matchAll(/of:(\d+)/g)].map(match => match[1]!)
  expect(keys).toHaveLength(3)
  const counts = await Promise.all(
    keys.map(async id => {
      const [count, last] = [await ask(port, `GET of:${id}`), await ask(port, `GET last:${id}`)]
      // Nothing was set but what had been counted on the same connection; of the last pair only one may have been sent.
      const [counted, set] = [count, last].map(reply => Number(reply.split('\r\n')[1])) as [number, number]
      expect([counted, counted - 1]).toContain(set)
      return counted
    }),
  )
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(report.steps[0]!.response.count)
})
