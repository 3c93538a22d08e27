import picocolors from 'picocolors'
import { describe, expect, it } from 'vitest'
import { cellCount } from '../../terminal/cells.ts'
import { sampleReport } from '../testing/samples.ts'
import { renderRunsTable } from './runsTable.ts'

const plain = picocolors.createColors(false)
const { scenario } = sampleReport
const missed = [{ expression: 'p99 < 1us', actual: 0.21, ok: false }]

describe('renderRunsTable()', () => {
  it('has one row for each run within 80 columns', () => {
    const long = { ...scenario, name: 'a-much-longer-name-of-a-scenario', thresholds: [] }
    const table = renderRunsTable(
      [
        sampleReport,
        {
          ...sampleReport,
          verdict: 'suspect',
          totals: { ...sampleReport.totals, failed: 15, failures: { 'connect-refused': 1200, timeout: 15 } },
          thresholds: missed,
          interrupted: true,
        },
        { ...sampleReport, scenario: long, verdict: 'invalid', thresholds: [] },
      ],
      plain,
    )
    expect(`\n${table}`).toMatchInlineSnapshot(`
      "
      scenario         requests/s      p50      p99      max  failed limits  verdict
      tlv-loopback        138,214    68 us   210 us   3.9 ms       0   pass  trusted
      tlv-loopback        138,214    68 us   210 us   3.9 ms   1,215   FAIL  suspect*
      a-much-longer-n…    138,214    68 us   210 us   3.9 ms       0      -  invalid
      * interrupted, or stopped early
      "
    `)
    for (const line of table.split('\n')) expect(cellCount(line)).toBeLessThanOrEqual(80)
  })

  it('shows a lower bound as one, and no rate of a handful of requests', () => {
    const response = { ...sampleReport.latencyMs.response, p99: 5000, max: 5000, lowerBounds: ['p99', 'max'] }
    const bounded = { ...sampleReport, latencyMs: { ...sampleReport.latencyMs, response } }
    const few = { ...sampleReport, window: { ...sampleReport.window, completed: 3 } }
    const [, first, second] = renderRunsTable([bounded, few], plain).split('\n')
    expect(first).toBe('tlv-loopback    138,214    68 us    > 5 s    > 5 s       0   pass  trusted')
    expect(second).toMatch(/^tlv-loopback +- +68 us/)
  })

  it('leaves columns out on a narrow terminal, and no line is longer than it', () => {
    const long = { ...sampleReport, scenario: { ...scenario, name: 'a-much-longer-name-of-a-scenario' } }
    const table = (columns: number) => renderRunsTable([sampleReport, long], plain, { columns }).split('\n')
    expect(table(60)[0]).toBe('scenario       requests/s      p99  failed limits  verdict')
    for (const columns of [54, 60, 72, 80, 120]) {
      for (const line of table(columns)) expect(cellCount(line)).toBeLessThanOrEqual(columns)
    }
  })

  it('says of a pass over the steps what came of it', () => {
    const once = { ...scenario, connections: 1, load: { mode: 'once', pipeline: 1 } as const }
    const totals = { ...sampleReport.totals, sent: 1, completed: 1, inFlightAtEnd: 0, failures: {} }
    const row = (change: object) =>
      renderRunsTable(
        [
          {
            ...sampleReport,
            scenario: once,
            window: { ...sampleReport.window, completed: 1 },
            totals: { ...totals, ...change },
          },
        ],
        plain,
      ).split('\n')[1]
    expect(row({})).toMatch(/pass$/)
    expect(row({ completed: 0, failed: 1, failures: { unexpected: 1 } })).toMatch(/FAIL$/)
  })
})
