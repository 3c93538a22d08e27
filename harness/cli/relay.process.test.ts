import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { childrenOf, isRunning } from './testing/programs.ts'
import { balances, cleanUp, run, scenarioFile, startRun } from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-d', '500ms', '--warmup', '0s', '-c', '4']

function scenario(target: string, more = ''): string {
  return scenarioFile(
    `name: far\ntarget: ${target}\nprotocol: line\nloop: [{ send: "hello {{seq}}", expect: echo }]\n${more}`,
  )
}

describe('volley run through a relay', () => {
  test('takes at least the round trip, and the server counts what was sent', async () => {
    const file = scenario('{ serve: echo, relay: { rtt: 50ms, rate: 50mbit } }')
    const { code, report, stdout } = await run(file, ...quick)
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(balances(report)).toBe(true)
    expect(report.totals.completed).toBeGreaterThan(8)
    expect(report.latencyMs.response.p50).toBeGreaterThanOrEqual(50)
    expect(report.server?.requests).toBe(report.totals.sent)
    expect(report.server?.cpuMicrosPerRequest).toBeGreaterThan(0)
    expect(report.scenario.target).toEqual({ serve: 'echo', options: {}, relay: { rtt: 50, rate: 50_000_000 } })
    expect(report.target).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/)
    expect(unwrapped(stdout)).toContain(`line over ${report.target} through a relay: rtt 50 ms, 50 Mbit/s server`)
  })

  test('reports a relay that dies, and leaves no process behind', async () => {
    const file = scenario('{ serve: echo, relay: { rtt: 10ms } }')
    const { volley, ended } = startRun([file, '-n', '1M', '-c', '2'])
    await volley.says(/ok [1-9]/)
    const children = childrenOf(process.pid)
    expect(children.map(serverOf).sort()).toEqual(['echo', 'relay'])
    process.kill(children.find(child => serverOf(child) === 'relay')!, 'SIGKILL')
    const { code, stdout } = await ended()
    expect(code).toBe(2)
    expect(unwrapped(stdout)).toContain('the target ended during the run: its relay was killed by SIGKILL')
    expect(children.filter(isRunning)).toEqual([])
  })
})

/** A summary without its line breaks. */
function unwrapped(stdout: string): string {
  return stdout.replaceAll(/\s+/g, ' ')
}

/** The first argument of a server that was started for a run. */
function serverOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[2]!
}
