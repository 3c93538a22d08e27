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
          totals: { ...sampleReport.totals, failed: 15 },
          thresholds: missed,
          interrupted: true,
        },
        { ...sampleReport, scenario: long, verdict: 'invalid', thresholds: [] },
      ],
      plain,
    )
    expect(`\n${table}`).toMatchInlineSnapshot(`
      "
      scenario          requests/s      p50      p99      max  failed limits  verdict
      tlv-loopback         138,214    68 us   210 us   3.9 ms       0   pass  trusted
      tlv-loopback         138,214    68 us   210 us   3.9 ms      15   FAIL  suspect*
      a-much-longer-na…    138,214    68 us   210 us   3.9 ms       0      -  invalid
      * interrupted, or stopped early
      "
    `)
    for (const line of table.split('\n')) expect(cellCount(line)).toBeLessThanOrEqual(80)
  })
})
