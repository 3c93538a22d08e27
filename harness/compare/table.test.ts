import picocolors from 'picocolors'
import { describe, expect, it } from 'vitest'
import type { Report } from '../report/record.ts'
import { sampleReport } from '../report/testing/samples.ts'
import { cellCount } from '../terminal/cells.ts'
import { compareReports } from './compare.ts'
import { renderComparison } from './table.ts'

const plain = picocolors.createColors(false)
const { scenario, latencyMs, totals } = sampleReport

const lan: Report = {
  ...sampleReport,
  scenario: { ...scenario, name: 'tlv-lan', target: { address: 'tcp://192.168.48.151:8080' }, connections: 100 },
  throughput: { mean: 33_050, perSecond: [] },
  latencyMs: {
    ...latencyMs,
    response: { count: 330_500, mean: 0.3, p50: 0.29, p90: 0.4, p99: 0.61, p999: 1.3, max: 5.1 },
  },
  totals: { ...totals, failed: 2000, failures: { timeout: 2000 } },
  verdict: 'suspect',
  findings: [{ code: 'errors', severity: 'suspect', message: '', hint: '', value: 1, limit: 0 }],
}

const { server: _, ...unknownServer } = sampleReport
const remote: Report = {
  ...unknownServer,
  scenario: { ...scenario, name: 'tlv-remote' },
  throughput: { mean: 131, perSecond: [] },
  latencyMs: { ...latencyMs, response: { count: 1310, mean: 75.4, p50: 75.4, p90: 77, p99: 79.1, max: 80 } },
  environment: { ...sampleReport.environment, node: 'v22.1.0' },
  interrupted: true,
}

function table(reports: readonly Report[], sources = reports.map((_, index) => `run ${index + 1}`)): string {
  const text = renderComparison(compareReports(reports, sources), plain)
  for (const line of text.split('\n')) expect(cellCount(line)).toBeLessThanOrEqual(80)
  return `\n${text}`
}

describe('renderComparison()', () => {
  it('renders two runs side by side', () => {
    expect(
      table([sampleReport, { ...sampleReport, throughput: { mean: 1_382_140, perSecond: [] } }]),
    ).toMatchInlineSnapshot(`
      "
                      run 1                run 2
      throughput      138,214/s   1.00     1,382,140/s 10.0
      response mean   72 us       1.00     72 us       1.00
      response p50    68 us       1.00     68 us       1.00
      response p90    102 us      1.00     102 us      1.00
      response p99    210 us      1.00     210 us      1.00
      response p99.9  1.1 ms      1.00     1.1 ms      1.00
      response max    3.9 ms      1.00     3.9 ms      1.00
      failures        0                    0
      failed share    0 %                  0 %
      availability    100 %                100 %
      server CPU      6.1 us/req  1.00     6.1 us/req  1.00
      client CPU      6.6 us/req  1.00     6.6 us/req  1.00
      client cores    0.92        1.00     0.92        1.00
      verdict         trusted              trusted

      ratios are relative to run 1, the first run
      no setting differs: same scenario, same machine
      "
    `)
  })

  it('renders three runs side by side within 80 columns, warnings first and settings last', () => {
    expect(table([sampleReport, lan, remote])).toMatchInlineSnapshot(`
      "
      ! the runs are of different scenarios: tlv-loopback, tlv-lan, tlv-remote
      ! tlv-lan is suspect (errors)
      ! tlv-remote was interrupted after 10 s

                      tlv-loopback         tlv-lan              tlv-remote
      throughput      138,214/s   1.00     33,050/s    0.239    131/s       0.000948
      response mean   72 us       1.00     300 us      4.17     75.4 ms     1,047
      response p50    68 us       1.00     290 us      4.26     75.4 ms     1,109
      response p90    102 us      1.00     400 us      3.92     77 ms       755
      response p99    210 us      1.00     610 us      2.90     79.1 ms     377
      response p99.9  1.1 ms      1.00     1.3 ms      1.18     -
      response max    3.9 ms      1.00     5.1 ms      1.31     80 ms       20.5
      failures        0                    2,000                0
      failed share    0 %                  0.122 %              0 %
      availability    100 %                -                    100 %
      server CPU      6.1 us/req  1.00     6.1 us/req  1.00     -
      client CPU      6.6 us/req  1.00     6.6 us/req  1.00     6.6 us/req  1.00
      client cores    0.92        1.00     0.92        1.00     0.92        1.00
      verdict         trusted              suspect              trusted, cut short

      ratios are relative to tlv-loopback, the first run
      the settings differ:
        target: serve tlv against address tcp://192.168.48.151:8080, serve tlv
        connections: 10 against 100, 10
        node: v20.20.2 against v20.20.2, v22.1.0
      as ratios to tlv-loopback:
      tlv-lan   throughput 0.239   p99 2.90   suspect
      tlv-remote   throughput 0.000948   p99 377   trusted, cut short
      "
    `)
  })

  it('shows a lower bound as one, without a ratio', () => {
    const response = { ...sampleReport.latencyMs.response, p99: 5000, lowerBounds: ['p99'] }
    const bounded = { ...sampleReport, latencyMs: { ...sampleReport.latencyMs, response } }
    const rowOf = (reports: Report[]) =>
      table(reports)
        .split('\n')
        .find(line => line.startsWith('response p99 '))
    expect(rowOf([sampleReport, bounded])).toBe('response p99    210 us      1.00     > 5 s       -')
    expect(rowOf([bounded, sampleReport])).toBe('response p99    > 5 s       -        210 us      -')
  })

  it('has as many runs side by side as the terminal has room for, and no line is longer than it', () => {
    const reports = [sampleReport, sampleReport, sampleReport, sampleReport]
    const comparison = compareReports(reports, ['a', 'b', 'c', 'd'])
    const blocks = (columns: number) => {
      const lines = renderComparison(comparison, plain, { columns, rows: 99 }).split('\n')
      for (const line of lines) expect(cellCount(line)).toBeLessThanOrEqual(columns)
      return lines.filter(line => line.startsWith('throughput')).length
    }
    expect([60, 80, 120].map(blocks)).toEqual([3, 2, 1])
  })

  it('repeats the answer only where the first line has left the screen', () => {
    const comparison = compareReports([sampleReport, lan], ['a', 'b'])
    const text = (rows: number) => renderComparison(comparison, plain, { rows }).trimEnd()
    expect(text(50)).not.toContain('as ratios to')
    expect(text(20)).toMatch(/as ratios to tlv-loopback:\ntlv-lan {3}throughput 0\.239 {3}p99 2\.90 {3}suspect$/)
  })

  it('repeats the baseline in every block of a longer comparison', () => {
    const sources = [1, 2, 3, 4, 5].map(run => `reports/tlv-loopback/2026-11-21T09-30-1${run}Z/report.json`)
    const heads = table(
      Array.from({ length: 5 }, () => sampleReport),
      sources,
    )
      .split('\n')
      .filter(line => line.includes('2026'))
    expect(heads).toEqual([
      '                2026-11-21T09-30-11Z 2026-11-21T09-30-12Z 2026-11-21T09-30-13Z',
      '                2026-11-21T09-30-11Z 2026-11-21T09-30-14Z 2026-11-21T09-30-15Z',
      'ratios are relative to 2026-11-21T09-30-11Z, the first run',
      'as ratios to 2026-11-21T09-30-11Z:',
      ...[12, 13, 14, 15].map(second => `2026-11-21T09-30-${second}Z   throughput 1.00   p99 1.00   trusted`),
    ])
  })

  it('stays within 80 columns with long names and long values', () => {
    const long = 'a-name-that-goes-on-and-on-and-on-longer-than-any-column'
    const text = 'hello '.repeat(100)
    const other = { ...sampleReport, scenario: { ...scenario, name: long, loop: [{ send: text, think: 0 }] } }
    const output = table([sampleReport, other])
    expect(output).toContain('…on-longer-than-any-column'.slice(-19))
    expect(output).toContain('loop[0].send: not set against hello hello')
  })

  it('lists at most 24 differing settings and counts the rest', () => {
    const steps = Array.from({ length: 10 }, (_, step) => ({
      send: `request ${step}`,
      expect: 'echo' as const,
      think: 1,
    }))
    const output = table([sampleReport, { ...sampleReport, scenario: { ...scenario, loop: steps } }])
    expect(output).toContain('\n  and 7 more\n')
  })
})
