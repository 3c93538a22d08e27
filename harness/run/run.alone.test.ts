import { afterEach, expect, test } from 'vitest'
import { exitCodeOf } from './run.ts'
import { removeFolders } from './testing/folders.ts'
import { runInvented } from './testing/inventedWorker.ts'

afterEach(removeFolders)

const extended = 'latency is still changing: the run is extended by its own length'

test('runScenario() extends a run once, by its own length, when latency is not steady', async () => {
  const [becomesSteady, never] = await Promise.all([
    runInvented('duration: 5s', 't < 5 ? 60 - 10 * t : 10'),
    runInvented('duration: 5s', '10 + 10 * t'),
  ])
  expect(becomesSteady.notes).toContain(extended)
  expect(becomesSteady.report.window.elapsedSeconds).toBeGreaterThan(11.9)
  expect([5, 6]).toContain(becomesSteady.report.window.warmupSeconds)
  expect(becomesSteady.warmups).toEqual(['note'])
  expect(never.report.window.elapsedSeconds).toBeGreaterThan(11.9)
  expect(never.report.window.elapsedSeconds).toBeLessThan(13)
  expect(never.warmups).toEqual(['invalid'])
  expect(exitCodeOf(never.report, false)).toBe(4)
})

test('runScenario() leaves a part that differs from the rest out of all figures', async () => {
  const { report, warmups } = await runInvented('duration: 7s', 't < 2.6 ? 50 : 10')
  const { window, intervals, throughput, scenario, findings } = report
  expect(scenario.warmup).toBe('auto')
  expect([3, 4]).toContain(window.warmupSeconds)
  expect(warmups).toEqual(['note'])
  expect(findings.map(({ message }) => message).join()).toMatch(
    /the first [34] s were left out as warm-up: from 1 s to [34] s the mean response time was [45](\.\d)? times as high as in the rest/,
  )
  expect(report.latencyMs.response.max).toBeCloseTo(10, 1)
  expect(intervals.filter(({ warmup }) => warmup)).toHaveLength(window.warmupSeconds)
  expect(throughput.perSecond).toHaveLength(intervals.length - window.warmupSeconds)
})

test('runScenario() ends in time when the run is steady or short, or its warm-up is set', async () => {
  const runs = await Promise.all([
    runInvented('duration: 5s', '10'),
    runInvented('duration: 5s\nwarmup: 1s', '10 + 10 * t'),
    runInvented('duration: 2s', '10 + 10 * t'),
  ])
  expect(runs.map(({ report }) => Math.round(report.window.elapsedSeconds))).toEqual([6, 6, 3])
  for (const { notes, report } of runs) {
    expect(notes).not.toContain(extended)
    expect(report.window.warmupSeconds).toBe(1)
  }
})
