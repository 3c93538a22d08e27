import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { loadLibc } from '../transports/libc.ts'
import { skipWithout } from './testing/programs.ts'
import { expectSound, isLossy, scenarioFiles } from './testing/shippedScenarios.ts'
import { balances, cleanUp, run } from './testing/volley.ts'

afterEach(cleanUp)

const libc = loadLibc()
const transports = typeof libc === 'string' ? ['node'] : ['node', 'epoll']
if (typeof libc === 'string') console.warn(`skipped: the scenarios over epoll, because ${libc}`)

describe.each(scenarioFiles)('%s', file => {
  test.for(transports)(
    'runs on %s without a failure, and every request is accounted for',
    async (transport, { skip }) => {
      if (file.startsWith('redis')) skipWithout('redis-server', '--version', 'redis-server', skip)
      // Shorter than as shipped: the length of a run does not matter to this test.
      const isCounted = ['once.yaml', 'sticky-packets.yaml', 'split-packets.yaml'].includes(file)
      const isMany = file === 'many-connections.yaml'
      // To open 15,000 connections takes a busy machine longer than a test may take: here each has one request.
      const counted = isMany ? ['-c', '5000', '-n', '5000'] : []
      const shorter = isCounted || isMany ? counted : ['-d', '300ms', '--warmup', '100ms']
      const flags = ['--transport', transport, ...shorter, ...(isLossy(file) ? ['--set', 'thresholds=[]'] : [])]
      const { code, report, stderr, stdout } = await run(join('scenarios', file), ...flags)
      expect(report.transport).toBe(transport === 'node' && file.startsWith('udp') ? 'udp' : transport)
      expect(`${stderr}${stdout}`).not.toContain('Error')
      // A busy machine may not keep the planned rate, which rightly makes the run invalid.
      const isPlanned = report.scenario.load.mode === 'rate'
      expect(isPlanned ? [0, 4] : [0]).toContain(code)
      expectSound(report, file)
      if ('serve' in report.scenario.target && !isLossy(file)) {
        const { completed, inFlightAtEnd, handshakes } = report.totals
        expect(report.server?.requests).toBe(completed + inFlightAtEnd + handshakes.sent)
      }
    },
  )
})

describe('a server without framing', () => {
  const inEnvironment = async (name: string, environment: string) => {
    const { code, report, stdout } = await run(join('scenarios', `${name}-packets.yaml`), '--env', environment)
    expect(balances(report)).toBe(true)
    const { sent, completed, failures } = report.totals
    return { code, sent, completed, failures, counted: report.server?.requests, report, stdout }
  }

  test('sticky-packets.yaml: it takes ten messages for one or a few, and never answers the others', async () => {
    const naive = await inEnvironment('sticky', 'naive')
    expect(naive).toMatchObject({ code: 1, sent: 1000 })
    expect(naive.completed).toBe(naive.counted)
    expect(naive.completed).toBeGreaterThanOrEqual(100)
    expect(naive.completed).toBeLessThan(500)
    expect(naive.failures).toEqual({ timeout: 1000 - naive.completed })
    expect(naive.report.findings.map(({ code }) => code)).toContain('errors')
    const framed = await inEnvironment('sticky', 'framed')
    expect(framed).toMatchObject({ code: 0, sent: 1000, completed: 1000, failures: {}, counted: 1000 })
  })

  test('split-packets.yaml: it takes one message for two, and the audit finds that it counted too many', async () => {
    const naive = await inEnvironment('split', 'naive')
    expect(naive).toMatchObject({ code: 4, sent: 2000, completed: 2000 })
    expect(naive.counted).toBeGreaterThan(2000)
    expect(naive.report.findings.map(({ code }) => code)).toContain('conservation')
    expect(naive.stdout).toContain('WRONG: 2,000 answered, 2,000 sent')
    const framed = await inEnvironment('split', 'framed')
    expect(framed).toMatchObject({ code: 0, sent: 2000, completed: 2000, failures: {}, counted: 2000 })
  })
})
