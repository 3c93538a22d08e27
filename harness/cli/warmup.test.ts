import { afterEach, describe, expect, test } from 'vitest'
import { cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

/** A delay line whose service times are told, and a run of 7 s: one that is left out in any case, and six more. */
function changing(serviceTime: string): string {
  return scenarioFile(`
name: changing
target: { serve: echo, options: { poolSize: unlimited, serviceTime: "${serviceTime}" } }
protocol: line
connections: 20
duration: 6s
loop: [{ send: a }]
`)
}

describe('volley run with warmup: auto', () => {
  test('leaves out what is unlike the rest, and says what it was', async () => {
    const { code, stdout, report } = await run(changing('fixed:50ms@2s,fixed:10ms'))
    expect(code).toBe(0)
    expect(report.window.warmupSeconds).toBeGreaterThanOrEqual(2)
    expect(report.window.warmupSeconds).toBeLessThanOrEqual(4)
    expect(report.window.seconds).toBeLessThanOrEqual(7.2 - report.window.warmupSeconds)
    expect(report.scenario.warmup).toBe('auto')
    expect(report.findings).toContainEqual(expect.objectContaining({ code: 'warm-up', severity: 'note' }))
    expect(stdout).toMatch(/the first [234] s were left out/)
    const left = report.intervals.filter(({ warmup }) => warmup)
    expect(left).toHaveLength(report.window.warmupSeconds)
    expect(report.throughput.perSecond).toHaveLength(report.intervals.length - left.length)
  })
})
