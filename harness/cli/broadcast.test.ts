import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type net from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import type { Report } from '../report/record.ts'
import { balances, cleanUp, cleanUpWith, listen, run, scenarioFile, Volley } from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-d', '1s', '--warmup', '0s']

function scenario(target: string, more = ''): string {
  return scenarioFile(`
name: room
target: ${target}
protocol: broadcast
connections: 5
loop: [{ send: 'it is "{{stamp}}"' }]
${more}`)
}

function findingsOf({ findings }: Report): string[] {
  return findings.filter(({ code }) => code === 'deliveries').map(({ severity, message }) => `${severity}: ${message}`)
}

/**
 * How many of the first deliveries a server may rightly not have sent, when it took connections late: the machine is busy
 * with other tests. Each connection sends once before anything has come in on the others, and again until it has.
 */
function lateMax(connections: number): number {
  return 2 * connections ** 2
}

/** Every message that was acknowledged came to all others, and the client knows it. */
function expectWhole(report: Report): void {
  expect(report.totals.failures).toEqual({})
  expect(balances(report)).toBe(true)
  expect(findingsOf(report).filter(finding => !finding.startsWith('note: '))).toEqual([])
  const { connections } = report.scenario
  const { count, expected, inexact } = report.deliveries!
  expect(inexact).toBeUndefined()
  expect(expected).toBeGreaterThanOrEqual(report.totals.completed * (connections - 1))
  expect(count).toBeLessThanOrEqual(expected)
  expect(count).toBeGreaterThanOrEqual(expected - lateMax(connections))
  expect(findingsOf(report)).toHaveLength(count === expected ? 0 : 1)
}

describe('volley run with the broadcast server', () => {
  test.each(['epoll', 'node'])('counts and times what comes of others, over %s', async name => {
    const file = join('scenarios', 'broadcast-fanout.yaml')
    const { code, report, stdout } = await run(file, ...quick, '--transport', name)
    expect(code).toBe(0)
    expectWhole(report)
    const { count, serverSent, perSecond, latencyMs } = report.deliveries!
    expect(serverSent).toBe(count)
    expect(report.server?.requests).toBe(report.totals.sent)
    expect(perSecond).toBeGreaterThan(report.throughput.mean * 15)
    expect(latencyMs.count).toBe(count)
    expect(latencyMs.p50).toBeGreaterThan(0)
    expect(latencyMs.p50).toBeLessThan(latencyMs.p99!)
    expect(stdout).toMatch(/deliveries [\d,]+\/s, [\d,]+ in total: (all that were|[\d,]+) expected\n +p50 /)
    // There is no null server to hold it against.
    expect(report.client.ceiling).toBeUndefined()
  })

  test('counts what two workers hear of each other', async () => {
    const { report } = await run(scenario('{ serve: broadcast }'), ...quick, '-w', '2')
    expectWhole(report)
    expect(report.deliveries!.serverSent).toBe(report.deliveries!.count)
  })

  test('waits for what is on its way when the last reply is in', async () => {
    const file = scenario('{ serve: broadcast, relay: { rtt: 100ms, jitter: 50ms } }')
    const { code, report } = await run(file, '-n', '50')
    expect(code).toBe(0)
    expectWhole(report)
    expect(report.deliveries).toMatchObject({ expected: 200 })
  })

  test('does not call it lost when connections come and go', async () => {
    const { code, report } = await run(scenario('{ serve: broadcast }', 'load: { mode: once }'))
    expect(code).toBe(0)
    expect(report.verdict).not.toBe('suspect')
    expect(report.deliveries!.inexact).toBe('connections opened or closed during the run')
  })

  test('is told of by messages that leave', async () => {
    const file = scenarioFile(
      'name: leave\ntarget: { serve: broadcast }\nprotocol: broadcast\nconnections: 2\nrequests: 4\nloop: [{ send: /q }]\nreconnect: { when: never }\n',
    )
    const { report } = await run(file)
    expect(report.totals).toMatchObject({ completed: 0, failed: 2, failures: { 'closed-early': 2 } })
    expect(report.deliveries).toMatchObject({ count: 0, serverSent: 0 })
  })
})

/** A broadcast server in this process that treats each delivery as it is told: sends it so many times. */
async function ownServer(timesOf: (delivery: number) => number): Promise<string> {
  const sockets = new Set<net.Socket>()
  let deliveries = 0
  const { url } = await listen(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    const address = `127.0.0.1:${socket.remotePort}`
    const lineOf = (message: string) => `${JSON.stringify({ message, client_ip: address })}\n`
    let rest = ''
    socket.setNoDelay(true)
    socket.on('data', chunk => {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const delivery = lineOf(`${address} 地址发送了请求消息：${JSON.parse(line).message}`)
        for (const other of sockets) {
          if (other !== socket) other.write(delivery.repeat(timesOf(deliveries++)))
        }
        socket.write(lineOf(`${address}: 已经收到信息`))
      }
    })
  })
  return `{ address: "${url}" }`
}

describe('volley run with another broadcast server', () => {
  const counted = ['-n', '5000', '--warmup', '0s']

  test('finds nothing wrong with one that loses nothing', async () => {
    const { report } = await run(scenario(await ownServer(() => 1)), ...counted)
    expectWhole(report)
    expect(report.deliveries).toMatchObject({ expected: 20_000 })
    expect(report.deliveries!.serverSent).toBeUndefined()
  })

  test('finds out one that loses every hundredth delivery', async () => {
    const target = await ownServer(delivery => (delivery % 100 === 99 ? 0 : 1))
    const { code, report, stdout } = await run(scenario(target), ...counted)
    expect(code).toBe(0)
    expect(report.verdict).toBe('suspect')
    const [finding, ...others] = findingsOf(report)
    expect(others).toEqual([])
    const [, missing] = /^suspect: (\d+) of 20000 deliveries did not arrive: 5000 messages were /.exec(finding!)!
    // Of those that it meant to send: a connection taken late was none of them.
    expect(Number(missing)).toBeGreaterThanOrEqual(200 - 1)
    expect(Number(missing)).toBeLessThanOrEqual(200 + lateMax(5))
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`! deliveries ${missing} of 20000 deliveries did not arrive`)
    expect(stdout).toMatch(/19,[78]\d\d in total: 20,000 expected/)
  })

  test('finds out one that sends some of them twice', async () => {
    const target = await ownServer(delivery => (delivery % 100 === 99 ? 2 : 1))
    const { report } = await run(scenario(target), ...counted)
    expect(findingsOf(report)).toEqual([
      expect.stringMatching(
        /^suspect: 20[12]\d\d deliveries arrived, but 5000 messages to 4 other connections each make at most 20000$/,
      ),
    ])
  })

  const hasPython = spawnSync('python3', ['--version']).status === 0
  const cases = ['ascii', 'utf8'].flatMap(way => ['epoll', 'node'].map(transport => [way, transport] as const))
  test.for(cases)('understands one in Python that writes %s, over %s', async ([way, transport], { skip }) => {
    if (!hasPython) {
      if (process.env['CI'] === 'true') throw new Error('python3 is not installed, and CI must have it')
      console.warn('skipped: python3 is not installed ("apt-get install python3")')
      skip('python3 is not installed')
    }
    const target = `{ address: "tcp://127.0.0.1:${await startPython(way)}" }`
    const { report } = await run(scenario(target), ...counted, '--transport', transport)
    expectWhole(report)
    const { count, expected, latencyMs } = report.deliveries!
    expect(expected).toBe(20_000)
    expect(latencyMs.count).toBe(count)
  })
})

/** The server of broadcast.py; ends with the test. */
async function startPython(way: string): Promise<string> {
  const file = join(packageRoot, 'harness/cli/testing/broadcast.py')
  const child = spawn('python3', [file, way], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  cleanUpWith(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const early = exited.then(([code]) => {
    throw new Error(`the server in Python ended with code ${code}`)
  })
  early.catch(() => {})
  const [port] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), early])
  return String(port)
}

test('volley talk shows replies and deliveries, and leaves with /q', async () => {
  const server = new Volley(['serve', 'broadcast', '--listen', '127.0.0.1:0', '--quiet'])
  await server.says('listening on')
  const url = `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`
  const told = new Volley(['talk', url, '--protocol', 'broadcast'], {}, 'hello\n/q\n')
  const { code, stdout, stderr } = await told.ended
  expect(stdout).toMatch(/^127\.0\.0\.1:\d+: 已经收到信息\n$/)
  expect(stderr).toContain('the server closed the connection')
  expect(code).toBe(2)
  server.process.kill('SIGTERM')
  expect((await server.ended).code).toBe(0)
})
