import { describe, expect, it, test } from 'vitest'
import type { Finding } from '../../harness/audit/finding.ts'
import type { Report } from '../../harness/report/record.ts'
import { sampleReport } from '../../harness/report/testing/samples.ts'
import { type Experiment, experiments } from './experiments.ts'
import { judge } from './judge.ts'

const experiment: Experiment = {
  id: 'X',
  title: 'for this test',
  settings: {},
  server: {},
  truth: [{ figure: 'p99', value: 10, tolerance: 0.05 }],
}
const doubt: Finding = { code: 'client-lag', severity: 'suspect', message: '', hint: '', value: 1, limit: 1 }

function shows(p99: number, findings: readonly Finding[] = [], lowerBounds?: readonly string[]): Report {
  const { latencyMs } = sampleReport
  const response = { ...latencyMs.response, p99, ...(lowerBounds && { lowerBounds }) }
  return { ...sampleReport, findings, latencyMs: { ...latencyMs, response } }
}
const outcomes = (of: Experiment, report: Report) => judge(of, report).map(({ outcome }) => outcome)

describe('judge()', () => {
  it('accepts a figure within the tolerance, with or without a finding', () => {
    expect(outcomes(experiment, shows(10.4))).toEqual(['right'])
    expect(outcomes(experiment, shows(9.6, [doubt]))).toEqual(['right'])
  })
  it('distinguishes a wrong figure with a finding from one without', () => {
    expect(outcomes(experiment, shows(12, [doubt]))).toEqual(['flagged'])
    expect(outcomes(experiment, shows(12))).toEqual(['WRONG'])
    expect(outcomes(experiment, shows(12, [{ ...doubt, severity: 'note' }]))).toEqual(['WRONG'])
  })
  it('requires a bound to be reported as one, and no other figure', () => {
    const bound = { ...experiment, truth: [{ ...experiment.truth[0]!, isBound: true }] }
    expect(outcomes(bound, shows(10))).toEqual(['WRONG'])
    expect(outcomes(bound, shows(10, [doubt], ['p99']))).toEqual(['right'])
    expect(outcomes(experiment, shows(10, [], ['p99']))).toEqual(['WRONG'])
  })
  it('takes the loss as a share of all finished requests', () => {
    const lossy: Experiment = { ...experiment, truth: [{ figure: 'lossShare', value: 0.02, tolerance: 0.1 }] }
    const totals = { ...sampleReport.totals, completed: 980, failed: 20 }
    const report = { ...sampleReport, totals, datagrams: { lost: 20, duplicates: 0, reordered: 0 } }
    expect(judge(lossy, report)[0]).toMatchObject({ shown: 0.02, outcome: 'right' })
    expect(outcomes(lossy, { ...report, datagrams: { ...report.datagrams, lost: 30 } })).toEqual(['WRONG'])
    expect(outcomes(lossy, sampleReport)).toEqual(['WRONG'])
  })
  it('requires the finding that the experiment is made for', () => {
    const overload = { ...experiment, finding: 'overloaded' }
    expect(outcomes(overload, shows(10, [doubt]))).toEqual(['WRONG'])
    expect(outcomes(overload, shows(10, [{ ...doubt, code: 'overloaded' }]))).toEqual(['right'])
  })
})

test('experiments() has the figures of answers, for longer times', () => {
  const all = experiments(60)
  const truth = (id: string, figure: string) =>
    all.find(row => row.id === id)?.truth.find(row => row.figure === figure)?.value
  // With 20 ms instead of 1 ms all times are 20 times as long. Those of a queue are for the arrivals of one minute, which
  // differ by chance from an endless run.
  expect(Math.abs(truth('G1 0.5', 'p99')! / (20 * 4.336) - 1)).toBeLessThan(0.15)
  expect(Math.abs(truth('G1 0.7', 'mean')! / (20 * 2.167) - 1)).toBeLessThan(0.1)
  expect(truth('G4', 'p99')).toBeCloseTo(920, 6)
  expect(truth('G4c', 'p99')).toBe(20)
  expect(truth('G6', 'mean')).toBeCloseTo(39.6, 6)
  expect(truth('G9', 'throughput')).toBe(500)
  expect(truth('G12', 'p99')).toBe(5400)
  expect(truth('G12', 'inFlightAtEnd')).toBe(6000)
  expect(truth('G13', 'p99')).toBe(1000)
  expect(truth('G13', 'lossShare')).toBeCloseTo(0.0199, 10)
})
