import { isCredentialHeader } from '../credentials.ts'
import type { Report } from '../report/record.ts'
import { formatBitRate, formatPercent, formatSetting, formatSize } from '../units.ts'

/** A setting that differs between runs. */
export interface Difference {
  /** Its path in the scenario file, such as `load.pipeline`, or a property of the machine, such as `cpu`. */
  readonly setting: string
  /** One for each run, as written in a scenario. */
  readonly values: readonly string[]
}

const notSet = 'not set'

/** The settings that differ between runs: of scenario, transport, machine and version. */
export function differingSettings(reports: readonly Report[]): Difference[] {
  const flat = reports.map(report => flatten(settingsOf(report), ''))
  const settings = [...new Set(flat.flatMap(values => [...values.keys()]))]
  return settings
    .map(setting => ({ setting, values: flat.map(values => values.get(setting) ?? notSet) }))
    .filter(({ values }) => values.some(value => value !== values[0]))
}

/**
 * The settings that affect a run's figures. This leaves out name, description, thresholds and other environments, which
 * do not; `workers` and `transport` as asked for, as the report has the actual ones; and seed and load average, which
 * always differ.
 */
function settingsOf(report: Report): object {
  const { scenario, environment } = report
  const { name, description, environments, thresholds, workers, transport, seed, target, ...settings } = scenario
  const { loadAverage, ...machine } = environment
  return {
    target: targetOf(target),
    ...settings,
    transport: report.transport,
    workers: report.workers,
    ...machine,
    volley: report.tool.version,
  }
}

/** A target as written in a scenario, with its options as separate settings. */
function targetOf(target: Report['scenario']['target']): unknown {
  const relay = target.relay && { '': 'set', ...target.relay }
  if ('serve' in target)
    return { '': `serve ${target.serve}${target.over === 'udp' ? ' over udp' : ''}`, ...target.options, relay }
  if ('command' in target) return { '': `command ${target.command}`, relay }
  return { '': `address ${target.address}`, relay }
}

/** Every leaf of a record by its path; list indexes start at 0, as in error messages. */
function flatten(value: unknown, path: string): Map<string, string> {
  if (typeof value !== 'object' || value === null) return new Map([[path, format(value, path)]])
  // Reports of earlier versions have them in clear.
  const isHidden = (key: string) => path.endsWith('.headers') && isCredentialHeader(key)
  const entries = Object.entries(value).map(([key, child]) => [key, isHidden(key) ? '***' : child] as const)
  const join = (key: string) => {
    if (key === '') return path
    if (Array.isArray(value)) return `${path}[${key}]`
    return path === '' ? key : `${path}.${key}`
  }
  return new Map(entries.flatMap(([key, child]) => (child === undefined ? [] : [...flatten(child, join(key))])))
}

const durations = /(^|\.)(duration|warmup|timeout|think|every|min|max|rtt|jitter|delay)$/
const bitRates = /^target\.relay\.rate$/
const shares = /^target\.relay\.(loss|reset)$/
const sizes = /(^|\.)(maxFrame|memoryBytes)$/

function format(value: unknown, path: string): string {
  if (typeof value === 'number' && durations.test(path)) return formatSetting(value)
  if (typeof value === 'number' && sizes.test(path)) return formatSize(value)
  if (typeof value === 'number' && bitRates.test(path)) return formatBitRate(value)
  if (typeof value === 'number' && shares.test(path)) return formatPercent(value)
  return String(value)
}
