import { expect } from 'vitest'
import { balances, run, scenarioFile } from './volley.ts'

/** A scenario file whose steps send lines to a target, which echoes them; `more` is added as it is. */
export function farScenario(target: string, more = ''): string {
  return scenarioFile(
    `name: far\ntarget: ${target}\nprotocol: line\nloop: [{ send: "hello {{seq}}", expect: echo }]\n${more}`,
  )
}

/** Runs through a relay whose round trip takes 50 ms, and expects that the report and the summary show it. */
export async function expectRoundTrips(...flags: string[]): Promise<void> {
  const { code, report, stdout } = await run(
    farScenario('{ serve: echo, relay: { rtt: 50ms, rate: 50mbit } }'),
    ...flags,
  )
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
  expect(balances(report)).toBe(true)
  expect(report.totals.completed).toBeGreaterThan(8)
  expect(report.latencyMs.response.p50).toBeGreaterThanOrEqual(50)
  expect(report.server?.requests).toBe(report.totals.sent)
  // So few requests may take less than a tick of the kernel's clock.
  expect(report.server?.cpuMicrosPerRequest).toBeGreaterThanOrEqual(0)
  expect(report.scenario.target).toEqual({ serve: 'echo', options: {}, relay: { rtt: 50, rate: 50_000_000 } })
  expect(report.target).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/)
  expect(unwrapped(stdout)).toContain(`line over ${report.target} through a relay: rtt 50 ms, 50 Mbit/s server`)
}

/** A summary without its line breaks. */
export function unwrapped(stdout: string): string {
  return stdout.replaceAll(/\s+/g, ' ')
}
