import { readdirSync, readFileSync } from 'node:fs'
import type net from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Report } from '../report/record.ts'
import { accounts, epollIsMissing } from './testing/accounts.ts'
import { referenceServer } from './testing/referenceServer.ts'
import { cleanUp, listen, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

/** What a server does instead of its fifth reply on a connection. */
const faults: Record<string, (socket: net.Socket) => void> = {
  resets: socket => socket.resetAndDestroy(),
  closes: socket => socket.end(),
  stalls: () => {},
  'answers half and closes': socket => socket.end('hel'),
  'answers garbage': socket => socket.write(Buffer.alloc(64, 0xff)),
}

describe.skipIf(epollIsMissing)('the epoll transport counts what the node transport counts', () => {
  test.each(Object.entries(faults))('when a server %s', async (name, misbehave) => {
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
      // Long enough for a busy machine where a reply is to come.
      name === 'stalls' ? '100ms' : '10s',
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
})

test('a search tries rates until it has enclosed the highest that holds, each in its own folder', async () => {
  // One server for all probes, because a busy machine takes seconds to start one for each.
  const { url } = await referenceServer('echo', { protocol: 'line', serviceTime: 'fixed:2ms' })
  const file = scenarioFile(`
name: capacity
target: { address: "${url}" }
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
  // The server answers 500/s at most; the result is lower where the machine is busy or the client cannot keep the rate.
  expect(search!.highestHeld ?? 0).toBeLessThan(1000)
  if (search!.end === 'found') expect(search!.lowestFailed! / search!.highestHeld!).toBeLessThanOrEqual(1.06)
  const probes = readdirSync(join(folder, 'probes'))
  expect(probes).toHaveLength(search!.probes.length)
  const first: Report = JSON.parse(readFileSync(join(folder, 'probes/01/report.json'), 'utf8'))
  expect(first.scenario.load).toMatchObject({ mode: 'rate', rate: 200 })
})
