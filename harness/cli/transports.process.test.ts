import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import type { Report } from '../report/record.ts'
import { loadLibc } from '../transports/libc.ts'
import { referenceServer } from './testing/referenceServer.ts'
import { balances, cleanUp, listen, run, spawnVolley, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

const libc = loadLibc()
const epollIsMissing = typeof libc === 'string'
if (epollIsMissing) console.warn(`skipped: the comparison of the two transports, because ${libc}`)

function accounts({ totals }: Report) {
  const { sent, completed, failed, failures } = totals
  return { sent, completed, failed, failures }
}

describe.skipIf(epollIsMissing)('the epoll transport counts what the node transport counts', () => {
  test('in mode rate, where both send every planned request', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const settings = [url, '-c', '10', '-w', '2', '-n', '500', '-R', '2k/s', '--send', 'hello', '--seed', '7']
    for (const transport of ['node', 'epoll']) {
      const { report, stdout } = await run(...settings, '--transport', transport)
      expect(accounts(report)).toEqual({ sent: 500, completed: 500, failed: 0, failures: {} })
      expect(report.window).toMatchObject({ planned: 500, sent: 500 })
      expect(report.latencyMs.clientLag!.count).toBe(500)
      expect(report.latencyMs.service.count).toBe(500)
      // 500 Poisson arrivals at 2,000/s take 250 ms, with a standard deviation of 11 ms.
      expect(report.window.elapsedSeconds).toBeGreaterThan(0.15)
      expect(stdout).toMatch(/rate 2,000\/s poisson/)
      expect(stdout).toMatch(/plan +500 requests, 500 of them sent/)
    }
  })

  test('in a shipped scenario, and reports round-trip times too', async () => {
    const { url } = await referenceServer('tlv', { reply: 'server' })
    const settings = ['scenarios/tlv-loopback.yaml', '--target', url, '-n', '500']
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
  const { code, stderr, stdout } = await spawnVolley(arguments_, { folder, main }).ended
  expect(`${code} ${stderr}`).toMatch(/^0 /)
  expect(stdout).toContain('not epoll: koffi')
  const report: Report = JSON.parse(readFileSync(join(folder, 'out/report.json'), 'utf8'))
  expect(report.transport).toBe('node')
  expect(report.transportReason).toMatch(/^koffi, which calls the C library, does not load/)
  expect(report.totals.completed).toBe(1000)
  expect(balances(report)).toBe(true)

  const refused = await spawnVolley([...arguments_.slice(0, 4), '--transport', 'epoll'], { folder, main }).ended
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('the epoll transport is not available: koffi')
})
