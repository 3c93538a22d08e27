import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { balances, cleanUp, listen, run, scenarioFile, temporaryFolder } from './testing/volley.ts'

const installed = spawnSync('redis-server', ['--version']).status === 0
const servers: ReturnType<typeof spawn>[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) server.kill('SIGKILL')
  await cleanUp()
})

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

async function startRedis(): Promise<number> {
  const { port } = await listen(() => {})
  await cleanUp()
  const server = spawn('redis-server', [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--dir',
    temporaryFolder(),
  ])
  servers.push(server)
  let log = ''
  server.stdout.on('data', chunk => {
    log += chunk
  })
  while (!log.includes('Ready to accept connections')) {
    if (server.exitCode !== null) throw new Error(`redis-server did not start: ${log}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return port
}

test('a real Redis server answers without a failure, and counts what volley counts', async ({ skip }) => {
  if (!installed) {
    if (process.env['CI'] === 'true') throw new Error('redis-server is not installed, and CI must have it')
    console.warn('skipped: redis-server is not installed ("apt-get install redis-server")')
    skip('redis-server is not installed')
  }
  const port = await startRedis()
  const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await ask(port, 'INFO stats'))![1])
  const before = await commands()
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
  const counted = (await commands()) - before - 1
  expect(counted).toBe(report.totals.completed + report.totals.inFlightAtEnd + report.totals.handshakes.sent)
})
