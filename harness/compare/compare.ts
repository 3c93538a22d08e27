import { errorShare } from '../metrics/totals.ts'
import type { Report, Verdict } from '../report/record.ts'
import { type Difference, differingSettings } from './settings.ts'

/** Runs side by side; the first is the baseline of every ratio. */
export interface Comparison {
  readonly runs: readonly ComparedRun[]
  readonly figures: readonly ComparedFigure[]
  readonly differences: readonly Difference[]
  /** Reasons to doubt the figures, such as an interrupted run. */
  readonly warnings: readonly string[]
}

export interface ComparedRun {
  /** Short and unique. */
  readonly name: string
  readonly source: string
  readonly scenario: string
  readonly startedAt: string
  readonly verdict: Verdict
  /** The run was interrupted or stopped early. */
  readonly cut: boolean
}

/** One figure for all runs; null for a run that does not have it. */
export interface ComparedFigure {
  readonly name: string
  readonly unit: 'requests/s' | 'ms' | 'us' | 'count' | 'fraction' | 'cores'
  readonly values: readonly (number | null)[]
  /** Value divided by the baseline's; null if one is missing or the baseline's is 0. */
  readonly ratios: readonly (number | null)[]
}

/** Compares reports with the first of them; `sources` are their paths, or names that distinguish them. */
export function compareReports(reports: readonly Report[], sources: readonly string[]): Comparison {
  const names = runNames(reports, sources)
  return {
    runs: reports.map((report, index) => ({
      name: names[index]!,
      source: sources[index]!,
      scenario: report.scenario.name,
      startedAt: report.startedAt,
      verdict: report.verdict,
      cut: report.interrupted || report.error !== undefined,
    })),
    figures: figures
      .map(({ name, unit, of }) => figureOf(name, unit, reports.map(of)))
      .filter(({ values }) => values.some(value => value !== null)),
    differences: differingSettings(reports),
    warnings: warningsOf(reports, names),
  }
}

interface FigureSpec {
  readonly name: string
  readonly unit: ComparedFigure['unit']
  readonly of: (report: Report) => number | undefined
}

const figures: readonly FigureSpec[] = [
  { name: 'throughput', unit: 'requests/s', of: report => report.throughput.mean },
  {
    name: 'response mean',
    unit: 'ms',
    of: ({ latencyMs: { response } }) => (response.count > 0 ? response.mean : undefined),
  },
  { name: 'response p50', unit: 'ms', of: report => report.latencyMs.response.p50 },
  { name: 'response p90', unit: 'ms', of: report => report.latencyMs.response.p90 },
  { name: 'response p99', unit: 'ms', of: report => report.latencyMs.response.p99 },
  { name: 'response p99.9', unit: 'ms', of: report => report.latencyMs.response.p999 },
  {
    name: 'response max',
    unit: 'ms',
    of: ({ latencyMs: { response } }) => (response.count > 0 ? response.max : undefined),
  },
  { name: 'failures', unit: 'count', of: report => failureCount(report) },
  { name: 'failed share', unit: 'fraction', of: report => errorShare(report.totals) },
  { name: 'server CPU', unit: 'us', of: report => report.server?.cpuMicrosPerRequest },
  { name: 'client CPU', unit: 'us', of: report => report.client.cpuMicrosPerRequest },
  { name: 'client cores', unit: 'cores', of: report => report.client.cores },
]

/** Failed requests and connects of the whole run. */
function failureCount({ totals }: Report): number {
  return Object.values(totals.failures).reduce((sum, count) => sum + count, 0)
}

function figureOf(name: string, unit: ComparedFigure['unit'], found: readonly (number | undefined)[]): ComparedFigure {
  const values = found.map(value => value ?? null)
  const baseline = values[0] ?? null
  const ratios = values.map(value => (value === null || baseline === null || baseline === 0 ? null : value / baseline))
  return { name, unit, values, ratios }
}

/** The names of the scenarios if they all differ, otherwise the parts of the paths that differ. */
function runNames(reports: readonly Report[], sources: readonly string[]): string[] {
  const paths = sources.map(source => source.split('/').filter(part => part !== '' && part !== '.'))
  const scenarios = reports.map(({ scenario }) => scenario.name)
  if (new Set(scenarios).size === reports.length) return scenarios
  const last = paths.map(parts => (parts.at(-1) === 'report.json' ? parts.slice(0, -1) : parts))
  const names = last.map(parts => parts.filter((part, index) => last.some(other => other[index] !== part)).join('/'))
  const given = names.map((name, index) => name || last[index]!.at(-1) || 'run')
  return given.map((name, index) => {
    const before = given.slice(0, index).filter(other => other === name).length
    return before === 0 ? name : `${name} (${before + 1})`
  })
}

function warningsOf(reports: readonly Report[], names: readonly string[]): string[] {
  const scenarios = [...new Set(reports.map(({ scenario }) => scenario.name))]
  return [
    ...(scenarios.length > 1 ? [`the runs are of different scenarios: ${scenarios.join(', ')}`] : []),
    ...reports.flatMap((report, index) => {
      const name = names[index]!
      const counting = report.findings.filter(({ severity }) => severity === report.verdict)
      // The cause is what there is to do something about.
      const reasons = counting.map(({ code, explainedBy = code }) => explainedBy)
      const because = reasons.length > 0 ? ` (${[...new Set(reasons)].join(', ')})` : ''
      const lacking = counting.map(({ message, hint }) => `: ${message}: ${hint}`)
      return [
        ...(report.verdict === 'invalid' ? [`${name} is invalid${because}: do not rely on its figures`] : []),
        ...(report.verdict === 'suspect' ? [`${name} is suspect${because}`] : []),
        ...(report.verdict === 'unproven' ? [`${name} is unproven${lacking.join('')}`] : []),
        ...(report.error !== undefined ? [`${name} stopped early: ${report.error}`] : []),
        ...(report.interrupted ? [`${name} was interrupted after ${report.window.seconds} s`] : []),
      ]
    }),
  ]
}
