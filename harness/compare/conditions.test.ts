import picocolors from 'picocolors'
import { expect, test } from 'vitest'
import type { Report } from '../report/record.ts'
import { sampleReport } from '../report/testing/samples.ts'
import { parseRatioCondition } from '../scenario/schema/thresholds.ts'
import { judgeConditions, renderConditions } from './conditions.ts'

const { response } = sampleReport.latencyMs

function run(perSecond: number, latency: Partial<typeof response> = {}, changes: Partial<Report> = {}): Report {
  return {
    ...sampleReport,
    throughput: { ...sampleReport.throughput, mean: perSecond },
    latencyMs: { ...sampleReport.latencyMs, response: { ...response, ...latency } },
    ...changes,
  }
}

function withFailures(failed: number): Report {
  const totals = { ...sampleReport.totals, sent: 1000, completed: 1000 - failed, failed, inFlightAtEnd: 0 }
  return run(1000, {}, { totals: { ...totals, failures: failed === 0 ? {} : { reset: failed } } })
}

function judge(condition: string, a: Report, b: Report) {
  const [outcome, ...others] = judgeConditions([parseRatioCondition(condition)], [a, b], ['a', 'b'])
  expect(others).toEqual([])
  return outcome!
}

test.each([
  ['throughput < 0.95', 1000, 949, 'holds'],
  ['throughput < 0.95', 1000, 950, 'does not hold'],
  ['throughput <= 95%', 1000, 950, 'holds'],
  ['throughput < 0.95', 1000, 1100, 'does not hold'],
  ['throughput > 1.05', 1000, 1100, 'holds'],
])('judgeConditions() says of %s for %d/s and then %d/s: %s', (condition, before, after, outcome) => {
  expect(judge(condition, run(before), run(after))).toEqual({
    expression: condition,
    run: 'b',
    ratio: after / before,
    outcome,
  })
})

test('judgeConditions() compares the availability, which is all of the time where a report without failures has none', () => {
  const { availability: _, ...older } = sampleReport
  const condition = 'availability < 0.999'
  expect(judge(condition, run(1), run(1, {}, { availability: 0.9 }))).toMatchObject({ ratio: 0.9, outcome: 'holds' })
  expect(judge(condition, older, run(1, {}, { availability: 0.9995 }))).toMatchObject({ outcome: 'does not hold' })
  const { totals } = withFailures(20)
  expect(judge(condition, run(1), { ...older, totals })).toMatchObject({ why: 'b has no availability' })
})

test('judgeConditions() says nothing of a pass over the steps, which is trusted and measures nothing', () => {
  const scenario = { ...sampleReport.scenario, load: { mode: 'once', pipeline: 1 } } as const
  const load = run(1000, {}, { scenario })
  // One of so many connections is a load like any other.
  expect(judge('throughput < 0.95', load, load)).toMatchObject({ outcome: 'does not hold' })
  const once = { ...load, window: { ...load.window, seconds: 0.01, completed: 2 } }
  expect(judge('throughput < 0.95', once, once)).toMatchObject({
    outcome: 'unknown',
    why: 'a is a pass over the steps, which measures nothing',
  })
})

test('judgeConditions() compares latencies, and says which run lacks one', () => {
  expect(judge('p99 > 1.2', run(1, { p99: 2 }), run(1, { p99: 3 }))).toMatchObject({ ratio: 1.5, outcome: 'holds' })
  expect(judge('p99.9 > 1.2', run(1, { p999: 2 }), run(1, { p999: 2 }))).toMatchObject({ outcome: 'does not hold' })
  const { p99: _, ...few } = response
  const lacking = { ...sampleReport, latencyMs: { ...sampleReport.latencyMs, response: few } }
  expect(judge('p99 > 1.2', run(1), lacking)).toEqual({
    expression: 'p99 > 1.2',
    run: 'b',
    ratio: null,
    outcome: 'unknown',
    why: 'b has no p99',
  })
  expect(judge('p99 > 1.2', lacking, run(1)).why).toBe('a has no p99')
  expect(judge('p50 > 1.2', run(1), lacking).outcome).toBe('does not hold')
})

test.each([
  [0, 0, 'errors > 1', 'does not hold', 1],
  [0, 0, 'errors < 1', 'does not hold', 1],
  [0, 1, 'errors > 10', 'holds', null],
  [10, 0, 'errors < 0.5', 'holds', 0],
  [10, 20, 'errors > 1.5', 'holds', 2],
])('judgeConditions() takes %d failures and then %d: %s %s', (before, after, condition, outcome, ratio) => {
  expect(judge(condition, withFailures(before), withFailures(after))).toMatchObject({ outcome, ratio })
})

test.each<[string, boolean, boolean, number, number, string]>([
  // The true figure of the second run is at least 3.
  ['p99 > 1.2', false, true, 2, 3, 'holds'],
  ['p99 > 2', false, true, 2, 3, 'unknown'],
  ['p99 < 1.2', false, true, 2, 3, 'does not hold'],
  ['p99 < 2', false, true, 2, 3, 'unknown'],
  // The true figure of the first run is at least 2.
  ['p99 > 1.2', true, false, 2, 3, 'unknown'],
  ['p99 > 2', true, false, 2, 3, 'does not hold'],
  ['p99 < 2', true, false, 2, 3, 'holds'],
  ['p99 < 1.2', true, false, 2, 3, 'unknown'],
  ['p99 < 1', true, true, 2, 3, 'unknown'],
])('judgeConditions() of lower bounds: %s with bounds %j and %j', (condition, isA, isB, before, after, outcome) => {
  const bound = (isBound: boolean) => (isBound ? { lowerBounds: ['p99'] } : {})
  const judged = judge(condition, run(1, { p99: before, ...bound(isA) }), run(1, { p99: after, ...bound(isB) }))
  expect(judged.outcome).toBe(outcome)
  if (outcome === 'unknown') expect(judged.why).toBe(`the p99 of ${isA ? 'a' : 'b'} is only a lower bound`)
})

test('judgeConditions() says nothing of a run that is invalid or stopped early', () => {
  const invalid = run(1, {}, { verdict: 'invalid' })
  expect(judge('throughput < 2', run(1), invalid)).toMatchObject({ outcome: 'unknown', why: 'b is invalid' })
  expect(judge('throughput < 2', invalid, run(1))).toMatchObject({ outcome: 'unknown', why: 'a is invalid' })
  const stopped = run(1, {}, { error: 'a worker exited' })
  expect(judge('throughput < 2', run(1), stopped)).toMatchObject({ outcome: 'unknown', why: 'b stopped early' })
  expect(judge('throughput < 2', run(1), run(1, {}, { verdict: 'suspect' })).outcome).toBe('holds')
})

test('judgeConditions() compares every run with the first', () => {
  const conditions = ['throughput < 0.95', 'throughput > 1.5'].map(parseRatioCondition)
  const outcomes = judgeConditions(conditions, [run(100), run(90), run(200)], ['a', 'b', 'c'])
  expect(outcomes.map(({ run, outcome }) => `${run} ${outcome}`)).toEqual([
    'b holds',
    'c does not hold',
    'b does not hold',
    'c holds',
  ])
})

test('renderConditions() shows which hold', () => {
  const outcomes = judgeConditions(
    ['throughput < 0.95', 'p99.99 > 1.2', 'errors > 2'].map(parseRatioCondition),
    [withFailures(0), { ...withFailures(5), verdict: 'trusted' }],
    ['a', 'b'],
  )
  expect(renderConditions(outcomes, picocolors.createColors(false))).toMatchInlineSnapshot(`
    "fail if, as ratios to the first run:
      throughput < 0.95   1.00     does not hold
      p99.99 > 1.2        1.00     does not hold
      errors > 2          inf      holds
    "
  `)
})

test('renderConditions() keeps within a narrow terminal', () => {
  const names = ['a', 'a-rather-long-name-of-a-run', 'b']
  const found = judgeConditions([parseRatioCondition('throughput < 0.95')], [run(1000), run(900), run(990)], names)
  const lines = (columns: number) => renderConditions(found, picocolors.createColors(false), { columns }).split('\n')
  for (const columns of [60, 80, 120]) {
    for (const line of lines(columns)) expect(line.length).toBeLessThanOrEqual(columns)
  }
  expect(lines(80).filter(line => /0\.900? +holds$/.test(line))).toHaveLength(1)
})
