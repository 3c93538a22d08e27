import type net from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'
import { packageRoot } from '../../built.ts'
import type { Report } from '../../report/record.ts'
import { Program } from './programs.ts'
import { balances, listen, run, scenarioFile } from './volley.ts'

/** A scenario file with five connections to a broadcast server; `more` is added as it is. */
export function roomScenario(target: string, more = ''): string {
  return scenarioFile(`
name: room
target: ${target}
protocol: broadcast
connections: 5
loop: [{ send: 'it is "{{stamp}}"' }]
${more}`)
}

export function findingsOf({ findings }: Report): string[] {
  return findings.filter(({ code }) => code === 'deliveries').map(({ severity, message }) => `${severity}: ${message}`)
}

/**
 * How many of the first deliveries a server may omit because it accepted connections late on a busy machine: each
 * connection sends once before anything has come in on the others, and again until it has.
 */
export function lateMax(connections: number): number {
  return 2 * connections ** 2
}

/** Expects that every acknowledged message came to all other connections, and that the report says so. */
export function expectWhole(report: Report): void {
  expect(report.totals.failures).toEqual({})
  expect(balances(report)).toBe(true)
  expect(findingsOf(report).filter(finding => !finding.startsWith('note: '))).toEqual([])
  const { connections } = report.scenario
  const { count, expected = 0, inexact } = report.deliveries!
  expect(inexact).toBeUndefined()
  expect(expected).toBeGreaterThanOrEqual(report.totals.completed * (connections - 1))
  expect(count).toBeLessThanOrEqual(expected)
  expect(count).toBeGreaterThanOrEqual(expected - lateMax(connections))
  expect(findingsOf(report)).toHaveLength(count === expected ? 0 : 1)
}

/** Runs the shipped broadcast scenario, and expects that the deliveries of its server are counted and timed. */
export async function expectTimedDeliveries(...flags: string[]): Promise<void> {
  const { code, report, stdout } = await run(join('scenarios', 'broadcast-fanout.yaml'), ...flags)
  expect(code).toBe(0)
  expectWhole(report)
  const { count, serverSent, perSecond, latencyMs } = report.deliveries!
  expect(serverSent).toBe(count)
  expect(report.server?.requests).toBe(report.totals.sent)
  expect(perSecond).toBeGreaterThan(report.throughput.mean * 15)
  expect(latencyMs.count).toBe(count)
  expect(latencyMs.p50).toBeGreaterThan(0)
  // Of few deliveries no p99 is given.
  expect(latencyMs.p50).toBeLessThan(latencyMs.max)
  expect(stdout).toMatch(/deliveries [\d,]+\/s, [\d,]+ in total: (all that were|[\d,]+) expected\n +p50 /)
  // There is no null server for this protocol.
  expect(report.client.ceiling).toBeUndefined()
}

/** Runs against a broadcast server written in Python, and expects `deliveries` of them, all counted and timed. */
export async function expectPythonAgrees(
  encoding: 'utf8' | 'ascii',
  deliveries: number,
  ...flags: string[]
): Promise<void> {
  const { report } = await run(roomScenario(await startPython(encoding)), ...flags)
  expectWhole(report)
  const { count, expected, latencyMs } = report.deliveries!
  expect(expected).toBe(deliveries)
  expect(latencyMs.count).toBe(count)
}

/**
 * A broadcast server in this process that sends delivery number n `timesOf(n)` times; returns it as a scenario's
 * target.
 */
export async function broadcastServer(timesOf: (delivery: number) => number): Promise<string> {
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

/** Starts broadcast.py, which writes UTF-8 or escapes everything beyond ASCII; returns it as a scenario's target. */
async function startPython(encoding: 'utf8' | 'ascii'): Promise<string> {
  const server = new Program('python3', [join(packageRoot, 'harness/cli/testing/broadcast.py'), encoding])
  return `{ address: "tcp://127.0.0.1:${await server.says(/^(\d+)\n/)}" }`
}
