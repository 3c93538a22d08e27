import { afterEach, describe, expect, test } from 'vitest'
import { accounts, epollIsMissing } from './testing/accounts.ts'
import { referenceServer } from './testing/referenceServer.ts'
import { cleanUp, listen, run } from './testing/volley.ts'

afterEach(cleanUp)

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
