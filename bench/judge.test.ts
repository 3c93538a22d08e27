import { describe, expect, it } from 'vitest'
import { loadFigures } from './figures.ts'
import { judgeRatio, judgeValue, noneMeasured } from './judge.ts'
import type { RoundRecord, SideRecord } from './results.ts'

function side(name: string, values: (number | string)[]): SideRecord {
  const rounds = values.map(
    (value): RoundRecord =>
      typeof value === 'string' ? { figures: {}, error: value } : { figures: { cpuMicros: value } },
  )
  return { name, command: '', rounds, medians: { cpuMicros: 1 } }
}

const claim = { name: 'node', figure: 'cpuMicros', bound: { atMost: 1.5 } } as const

describe('judgeRatio()', () => {
  it('judges the median of the ratios round by round', () => {
    const met = judgeRatio(claim, side('ours', [3, 6, 9]), side('theirs', [2, 4, 1]))
    expect(met).toMatchObject({ verdict: 'met', spread: { each: [1.5, 1.5, 9], median: 1.5 } })
    const missed = judgeRatio(claim, side('ours', [3, 8, 9]), side('theirs', [2, 4, 1]))
    expect(missed.verdict).toBe('missed')
  })

  it('leaves out a round in which one side failed', () => {
    const row = judgeRatio(claim, side('ours', [3, 'refused', 9]), side('theirs', [2, 4, 'refused']))
    expect(row.spread!.each).toEqual([1.5])
  })

  it('is not measured if no round has both values, and says why', () => {
    const row = judgeRatio(claim, side('ours', ['refused']), side('theirs', [2]))
    expect(row).toEqual({ ...claim, verdict: 'not measured', reason: 'ours: refused' })
    expect(judgeRatio(claim, side('ours', []), side('theirs', [])).reason).toBe(
      'no round gave a client CPU per request',
    )
  })

  it('gives no verdict without a bound', () => {
    const { bound: _, ...free } = claim
    expect(judgeRatio(free, side('ours', [3]), side('theirs', [2])).verdict).toBe('for comparison')
  })
})

describe('judgeValue()', () => {
  it('judges the median of the rounds', () => {
    expect(judgeValue(claim, side('ours', [1, 1.5, 9])).verdict).toBe('met')
    expect(judgeValue({ ...claim, bound: { atLeast: 2 } }, side('ours', [1, 1.5, 9])).verdict).toBe('missed')
  })
})

describe('noneMeasured()', () => {
  it('gives each claim the same reason', () => {
    const rows = noneMeasured([claim, { ...claim, name: 'epoll' }], 'wrk is not installed')
    expect(rows.map(({ name, verdict, reason }) => [name, verdict, reason])).toEqual([
      ['node', 'not measured', 'wrk is not installed'],
      ['epoll', 'not measured', 'wrk is not installed'],
    ])
  })
})

describe('loadFigures()', () => {
  it('derives CPU per request and requests per core from cores and rate', () => {
    expect(loadFigures(200_000, 0.5)).toEqual({
      requestsPerSecond: 200_000,
      clientCores: 0.5,
      cpuMicros: 2.5,
      requestsPerCore: 400_000,
    })
  })
  it('has neither without CPU time', () => {
    expect(loadFigures(10, 0)).toEqual({ requestsPerSecond: 10, clientCores: 0 })
  })
})
