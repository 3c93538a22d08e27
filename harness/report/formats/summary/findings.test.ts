import picocolors from 'picocolors'
import { describe, expect, it } from 'vitest'
import type { Finding, Report } from '../../record.ts'
import { sampleReport } from '../../testing/samples.ts'
import { renderSummary } from '../summary.ts'

function summary(changes: Partial<Report>): string {
  return `\n${renderSummary({ ...sampleReport, ...changes }, 'report.json', picocolors.createColors(false))}`
}

const finding: Finding = {
  code: 'errors',
  severity: 'suspect',
  message: 'found',
  hint: 'do something',
  value: 1,
  limit: 0,
}

describe('the findings of a summary', () => {
  it('renders what a run lacks for a verdict in one line', () => {
    const lines = summary({
      verdict: 'unproven',
      findings: [
        {
          ...finding,
          code: 'unproven',
          severity: 'unproven',
          message: '2.0 s measured',
          hint: 'a verdict needs 5 s (-d 7s)',
        },
      ],
      window: { ...sampleReport.window, seconds: 2 },
    }).split('\n')
    expect(lines[1]).toBe('tlv-loopback   138,214 requests/s over 2.0 s   unproven')
    expect(lines[3]).toBe('  ! unproven   2.0 s measured: a verdict needs 5 s (-d 7s)')
  })

  it('renders what a finding explains in one line below it, and marks what is worse', () => {
    const of = (severity: Finding['severity']): Finding[] => [
      { ...finding, code: 'machine-busy' },
      { ...finding, code: 'workers', hint: 'use fewer' },
      { ...finding, code: 'client-lag', severity, explainedBy: 'machine-busy' },
      { ...finding, code: 'quantile-ci', explainedBy: 'machine-busy' },
      { ...finding, code: 'closed-loop', severity: 'note', explainedBy: 'machine-busy' },
    ]
    const linesOf = (severity: Finding['severity']) =>
      summary({ findings: of(severity) })
        .split('\n')
        .slice(3, 6)
    expect(linesOf('suspect')).toEqual([
      '  ! machine-busy   found: do something',
      '    also: client-lag, quantile-ci, closed-loop (explained by this)',
      '  ! workers   found: use fewer',
    ])
    expect(linesOf('invalid')[1]).toBe('    also: client-lag (invalid), quantile-ci, closed-loop (explained by this)')
    expect(summary({ findings: of('suspect') })).not.toContain('\n  note ')
  })

  it('folds what two findings of one code explain below the second', () => {
    const busy = { ...finding, code: 'generator-busy' }
    const findings = [busy, { ...busy, message: 'again' }, { ...finding, code: 'client-lag', explainedBy: busy.code }]
    expect(summary({ findings }).split('\n').slice(3, 6)).toEqual([
      '  ! generator-busy   found: do something',
      '  ! generator-busy   again: do something',
      '    also: client-lag (explained by this)',
    ])
  })

  it('names the page that explains the findings once, by a path that works, with their places in it', () => {
    const findings: Finding[] = [
      { ...finding, code: 'machine-busy' },
      { ...finding, code: 'client-lag', explainedBy: 'machine-busy' },
      { ...finding, code: 'closed-loop', severity: 'note' },
    ]
    expect(summary({ findings })).toContain('\n  details    docs/measurement.md#machine-busy, #closed-loop\n')
    const docs = '/usr/lib/node_modules/volley/docs/measurement.md'
    const text = renderSummary({ ...sampleReport, findings }, 'report.json', picocolors.createColors(false), { docs })
    expect(text).toContain(`\n  details    ${docs}#machine-busy,\n             #closed-loop\n`)
    const unproven: Finding = { ...finding, code: 'unproven', severity: 'unproven' }
    expect(summary({ findings: [unproven] })).not.toContain('details')
    expect(summary({ findings: [] })).not.toContain('details')
  })
})
