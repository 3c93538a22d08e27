import { median } from '../metrics/statistics/median.ts'
import { errorShare, failedOf } from '../metrics/totals.ts'
import { measuresNothing } from '../report/pass.ts'
import type { Report, Verdict } from '../report/record.ts'
import { availabilityOf } from '../report/thresholds.ts'
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
  readonly unit: 'requests/s' | 'ms' | 'us' | 'count' | 'fraction' | 'availability' | 'cores'
  readonly values: readonly (number | null)[]
  /** Whether a value is only a lower bound, because requests have no reply; absent where none is. */
  readonly lowerBounds?: readonly boolean[]
  /** Value divided by the baseline's; null if one is missing or only a lower bound, or the baseline's is 0. */
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
    figures: figures.map(spec => figureOf(spec, reports)).filter(({ values }) => values.some(value => value !== null)),
    differences: differingSettings(reports),
    warnings: warningsOf(reports, names),
  }
}

interface FigureSpec {
  readonly name: string
  readonly unit: ComparedFigure['unit']
  readonly of: (report: Report) => number | undefined
  /** Its name among the lower bounds of the response times, where it is one of them. */
  readonly quantile?: string
}

function quantile(name: string, key: 'p50' | 'p90' | 'p99' | 'p999' | 'max'): FigureSpec {
  const of = ({ latencyMs: { response } }: Report) => (response.count > 0 ? response[key] : undefined)
  return { name: `response ${name}`, unit: 'ms', of, quantile: key }
}

const figures: readonly FigureSpec[] = [
  { name: 'throughput', unit: 'requests/s', of: report => report.throughput.mean },
  {
    name: 'response mean',
    unit: 'ms',
    of: ({ latencyMs: { response } }) => (response.count > 0 ? response.mean : undefined),
  },
  quantile('p50', 'p50'),
  quantile('p90', 'p90'),
  quantile('p99', 'p99'),
  quantile('p99.9', 'p999'),
  quantile('max', 'max'),
  { name: 'failures', unit: 'count', of: report => failedOf(report.totals.failures) },
  { name: 'failed share', unit: 'fraction', of: report => errorShare(report.totals) },
  { name: 'availability', unit: 'availability', of: availabilityOf },
  { name: 'server CPU', unit: 'us', of: report => report.server?.cpuMicrosPerRequest },
  { name: 'client CPU', unit: 'us', of: report => report.client.cpuMicrosPerRequest },
  { name: 'client cores', unit: 'cores', of: report => report.client.cores },
]

function figureOf({ name, unit, of, quantile }: FigureSpec, reports: readonly Report[]): ComparedFigure {
  const values = reports.map(report => of(report) ?? null)
  const lowerBounds = reports.map(
    ({ latencyMs: { response } }) => quantile !== undefined && response.lowerBounds?.includes(quantile) === true,
  )
  const baseline = lowerBounds[0] ? null : (values[0] ?? null)
  const ratios = values.map((value, index) =>
    value === null || lowerBounds[index] || baseline === null || baseline === 0 ? null : value / baseline,
  )
  return { name, unit, values, ...(lowerBounds.includes(true) && { lowerBounds }), ratios }
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
    ...distanceWarnings(reports, names),
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
        ...(measuresNothing(report) ? [`${name} is a pass over the steps, which measures nothing`] : []),
        ...(report.error !== undefined ? [`${name} stopped early: ${report.error}`] : []),
        ...(report.interrupted ? [`${name} was interrupted after ${report.window.seconds} s`] : []),
      ]
    }),
  ]
}

/** Runs whose cores are so many times further apart differ by that alone: by a third, where client and server share a machine. */
const distanceRatioMax = 1.4

function distanceWarnings(reports: readonly Report[], names: readonly string[]): string[] {
  const known = reports.flatMap(({ intervals }, index) => {
    const found = intervals.flatMap(({ warmup, coreDistanceNs }) => (warmup ? [] : (coreDistanceNs ?? [])))
    return found.length === 0 ? [] : [{ name: names[index]!, ns: Math.round(median(found)) }]
  })
  const [near, far] = [known.toSorted((a, b) => a.ns - b.ns)[0], known.toSorted((a, b) => b.ns - a.ns)[0]]
  if (near === undefined || far === undefined || far.ns < distanceRatioMax * near.ns) return []
  return [
    `the cores were further apart in ${far.name} than in ${near.name}: ${far.ns} ns for a cache line from one to the other and back, and ${near.ns} ns; a client and a server on one virtual machine are slower by that alone: run them again`,
  ]
}
