import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import type net from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import type { Report } from '../report/record.ts'
import { loadLibc } from '../transports/libc.ts'
import { balances, cleanUp, listen, run, scenarioFile, temporaryFolder, Volley } from './testing/volley.ts'

afterEach(cleanUp)

const libc = loadLibc()
const epollIsMissing = typeof libc === 'string'
if (epollIsMissing) console.warn(`skipped: the two transports beside each other, because ${libc}`)

/** What a server does instead of its fifth reply on a connection. */
const faults: Record<string, (socket: net.Socket) => void> = {
  resets: socket => socket.resetAndDestroy(),
  closes: socket => socket.end(),
  stalls: () => {},
  'answers half and closes': socket => socket.end('hel'),
  'answers garbage': socket => socket.write(Buffer.alloc(64, 0xff)),
}

function accounts({ totals }: Report) {
  const { sent, completed, failed, failures } = totals
  return { sent, completed, failed, failures }
}

describe.skipIf(epollIsMissing)('the epoll transport counts what the node transport counts', () => {
  test.each(Object.entries(faults))('when a server %s', async (_, misbehave) => {
    const { url } = await listen(socket => {
      let requests = 0
      socket.on('data', bytes => {
        for (let count = 0; count < bytes.length / 6; count++) {
          if (++requests % 5 === 0) return misbehave(socket)
          socket.write('hello\n')
        }
      })
    })
    const settings = [
      '-c',
      '1',
      '-n',
      '15',
      '--timeout',
      '1s',
      '--send',
      'hello',
      '--protocol',
      '{line: {maxFrame: 32}}',
    ]
    const backoff = ['--set', 'reconnect.backoff=1ms..1ms']
    const [node, epoll] = [
      await run(url, ...settings, ...backoff, '--transport', 'node'),
      await run(url, ...settings, ...backoff, '--transport', 'epoll'),
    ]
    expect(node.report.transport).toBe('node')
    expect(epoll.report.transport).toBe('epoll')
    expect(accounts(epoll.report)).toEqual(accounts(node.report))
    expect(node.report.totals).toMatchObject({ sent: 15, completed: 12, failed: 3 })
  })

  test('when a server is killed between a request and its reply', async () => {
    const server = scenarioFile(
      `let requests = 0
       require('net').createServer(socket => socket.on('data', () => {
         if (++requests === 25) process.kill(process.pid, 'SIGKILL')
         else socket.write('x')
       })).listen(process.argv[2])`,
      'server.cjs',
    )
    const file = scenarioFile(`
name: killed
target: { command: "exec ${process.execPath} ${server} {port}" }
protocol: raw
connections: 1
requests: 100
reconnect: { when: never }
loop: [{ send: x }]
`)
    for (const transport of ['node', 'epoll']) {
      const { code, report } = await run(file, '--transport', transport)
      expect(code).toBe(2)
      expect(report.error).toContain('the target ended during the run')
      expect(accounts(report)).toEqual({ sent: 25, completed: 24, failed: 1, failures: { 'closed-early': 1 } })
    }
  })

  test('of a plan, which both send to the last request', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const settings = [url, '-c', '10', '-w', '2', '-n', '500', '-R', '2k/s', '--send', 'hello', '--seed', '7']
    for (const transport of ['node', 'epoll']) {
      const { report, stdout } = await run(...settings, '--transport', transport)
      expect(accounts(report)).toEqual({ sent: 500, completed: 500, failed: 0, failures: {} })
      expect(report.window).toMatchObject({ planned: 500, sent: 500 })
      expect(report.latencyMs.clientLag!.count).toBe(500)
      expect(report.latencyMs.service.count).toBe(500)
      // A Poisson plan of 500 at 2 000/s takes 250 ms and an eleventh of that more or less, by the seed.
      expect(report.window.elapsedSeconds).toBeGreaterThan(0.15)
      expect(stdout).toMatch(/rate 2,000\/s poisson/)
      expect(stdout).toMatch(/plan +500 requests, 500 of them sent/)
    }
  })

  test('in a shipped scenario, and tells round-trip times besides', async () => {
    const settings = ['scenarios/tlv-loopback.yaml', '-n', '2000']
    const node = await run(...settings, '--transport', 'node')
    const epoll = await run(...settings, '--transport', 'epoll')
    const { scenario: nodeScenario } = node.report
    expect(epoll.report.scenario).toEqual({ ...nodeScenario, transport: 'epoll' })
    expect(epoll.report.totals).toEqual(node.report.totals)
    const { tcp, ...others } = epoll.report
    expect(Object.keys(others).sort()).toEqual(Object.keys(node.report).sort())
    expect(tcp!.roundTripAtOpenMs).toMatchObject({ count: 10 })
    expect(tcp!.roundTripAtOpenMs.min).toBeGreaterThan(0)
    expect(tcp!.retransmits).toBe(0)
  })
})

test('a search tries rates until it has the highest that holds between two, each in a folder of its own', {
  timeout: 120_000,
}, async () => {
  const file = scenarioFile(`
name: capacity
target: { serve: echo, options: { serviceTime: "fixed:2ms" } }
protocol: line
connections: 32
load: { mode: search, rate: 200/s }
duration: 300ms
warmup: 0s
loop: [{ send: hello }]
thresholds: [p50 < 50ms]
`)
  const { report, folder } = await run(file)
  const { search, scenario } = report
  expect(scenario.load.mode).toBe('search')
  expect(search!.probes.length).toBeGreaterThan(1)
  expect(search!.probes[0]!.rate).toBe(200)
  // A server of 500/s holds no more than that; less where the machine is busy, or the client cannot drive it.
  expect(search!.highestHeld ?? 0).toBeLessThan(1000)
  if (search!.end === 'found') expect(search!.lowestFailed! / search!.highestHeld!).toBeLessThanOrEqual(1.06)
  const probes = readdirSync(join(folder, 'probes'))
  expect(probes).toHaveLength(search!.probes.length)
  const first: Report = JSON.parse(readFileSync(join(folder, 'probes/01/report.json'), 'utf8'))
  expect(first.scenario.load).toMatchObject({ mode: 'rate', rate: 200 })
})

test('without koffi everything works over the node transport, and the report says why', async () => {
  const folder = temporaryFolder()
  for (const name of ['dist', 'scenarios', 'package.json']) {
    cpSync(join(packageRoot, name), join(folder, name), { recursive: true })
  }
  const modules = join(packageRoot, 'node_modules')
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync(modules).filter(name => !/^(koffi|@koromix|\..*)$/.test(name))) {
    symlinkSync(join(modules, name), join(folder, 'node_modules', name))
  }
  const main = join(folder, 'dist/harness/cli/main.js')
  const arguments_ = ['run', 'scenarios/tlv-loopback.yaml', '-n', '1000', '--out', join(folder, 'out')]
  const { code, stderr, stdout } = await new Volley(arguments_, {}, undefined, folder, main).ended
  expect(`${code} ${stderr}`).toMatch(/^0 /)
  expect(stdout).toContain('not epoll: koffi')
  const report: Report = JSON.parse(readFileSync(join(folder, 'out/report.json'), 'utf8'))
  expect(report.transport).toBe('node')
  expect(report.transportReason).toMatch(/^koffi, which calls the C library, does not load/)
  expect(report.totals.completed).toBe(1000)
  expect(balances(report)).toBe(true)

  const refused = await new Volley([...arguments_.slice(0, 4), '--transport', 'epoll'], {}, undefined, folder, main)
    .ended
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('the epoll transport is not available: koffi')
})
