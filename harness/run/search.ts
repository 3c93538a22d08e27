import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Finding, verdictOf } from '../audit/finding.ts'
import { UserError } from '../errors.ts'
import { samplesBeyondMin } from '../metrics/quantiles.ts'
import type { ProbeRecord, Report } from '../report/record.ts'
import { writeReport } from '../report/save.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { bracketOf, nextRate, type ProbeOutcome, type SearchEnd, type Tried } from './nextRate.ts'
import type { Prepared } from './prepare.ts'
import { type RunOptions, type RunResult, runScenario } from './run.ts'

/** The first rate of a search whose scenario names none. */
const startPerSecond = 1000
/** Findings after which a run says more about the client than about the server. */
const clientFaults = ['client-lag', 'generator-busy']

/**
 * Searches the highest rate at which all thresholds hold: each probe is a run in mode rate, with its own audit, in its own
 * folder below that of the search. A rate that fails is probed once more, because one disturbance of the machine would end
 * the search too low. The report is that of the highest rate that held, with the search added.
 */
export async function searchScenario(
  loaded: LoadedScenario,
  prepared: Prepared,
  options: RunOptions = {},
  runProbe: typeof runScenario = runScenario,
): Promise<RunResult> {
  const { scenario } = loaded
  const { signal, openFolder } = options
  const least = leastRate(scenario)
  const start = Math.max(least, scenario.load.rate ?? startPerSecond)
  const tried: Tried[] = []
  const probes: ProbeRecord[] = []
  const reports: Report[] = []
  let folder: string | undefined

  async function openProbeFolder(open: () => Promise<string>): Promise<string> {
    folder ??= await open()
    const own = join(folder, 'probes', String(probes.length + 1).padStart(2, '0'))
    await mkdir(own, { recursive: true })
    return own
  }
  async function probe(rate: number): Promise<ProbeOutcome> {
    const { report } = await runProbe(atRate(loaded, rate), prepared, {
      ...options,
      ...(openFolder && { openFolder: () => openProbeFolder(openFolder) }),
    })
    const outcome = outcomeOf(report)
    probes.push(recordOf(report, rate, outcome))
    reports.push(report)
    return outcome
  }

  const isCutShort = () => signal?.aborted === true || reports.at(-1)?.error !== undefined
  let end: SearchEnd | undefined
  while (end === undefined && signal?.aborted !== true) {
    const next = nextRate(tried, start, least)
    if (typeof next === 'string') {
      end = next
      continue
    }
    let outcome = await probe(next)
    if (outcome !== 'held' && !isCutShort()) outcome = await probe(next)
    if (isCutShort()) break
    tried.push({ rate: next, outcome })
  }
  const last = reports.at(-1)
  if (last === undefined) throw new UserError('the search was stopped before its first probe')
  const { held, failed } = bracketOf(tried)
  const best = probes.findLastIndex(({ rate, outcome }) => rate === held && outcome === 'held')
  const chosen = reports[best] ?? last
  const findings = [...chosen.findings, ...clientLimited(end, held)]
  const report: Report = {
    ...chosen,
    scenario: loaded.redacted,
    findings,
    verdict: verdictOf(findings),
    interrupted: signal?.aborted === true,
    ...(last.error !== undefined && { error: last.error }),
    search: {
      ...(held !== undefined && { highestHeld: held }),
      ...(failed !== undefined && { lowestFailed: failed }),
      end: end ?? 'interrupted',
      probes,
    },
  }
  return { report, ...(folder !== undefined && { path: await writeReport(report, folder) }) }
}

/** Below this rate a probe has too few replies for the quantiles in its thresholds; a fifth more, because counts vary. */
function leastRate({ thresholds, duration }: Scenario): number {
  const beyond = thresholds.map(({ metric }) => (/^p[0-9]/.test(metric) ? 1 - Number(metric.slice(1)) / 100 : 1))
  const least = (1.2 * samplesBeyondMin) / Math.min(...beyond) / (duration / 1000)
  return Math.max(1, Math.ceil(least))
}

/** The scenario of one probe. */
function atRate(loaded: LoadedScenario, rate: number): LoadedScenario {
  const planned = (scenario: Scenario): Scenario => ({ ...scenario, load: { ...scenario.load, mode: 'rate', rate } })
  return { ...loaded, scenario: planned(loaded.scenario), redacted: planned(loaded.redacted) }
}

function outcomeOf({ findings, thresholds }: Report): ProbeOutcome {
  const isInvalid = (codes: readonly string[]) =>
    findings.some(({ code, severity }) => severity === 'invalid' && codes.includes(code))
  if (isInvalid(clientFaults)) return 'client-limited'
  return thresholds.every(({ ok }) => ok) && !findings.some(isUnkept) ? 'held' : 'failed'
}

/** The rate was not kept, or would not be kept for long. */
function isUnkept({ code, severity }: Finding): boolean {
  return (code === 'rate' && severity === 'invalid') || code === 'overloaded'
}

function recordOf(
  { throughput, latencyMs, thresholds, findings, verdict }: Report,
  rate: number,
  outcome: ProbeOutcome,
) {
  const { p50, p99, lowerBounds = [] } = latencyMs.response
  const missed = thresholds.filter(({ ok }) => !ok).map(({ expression }) => expression)
  const codes = findings.filter(finding => finding.severity === 'invalid' || isUnkept(finding)).map(({ code }) => code)
  return {
    rate,
    outcome,
    throughput: throughput.mean,
    ...(p50 !== undefined && { p50 }),
    ...(p99 !== undefined && { p99 }),
    ...(lowerBounds.length > 0 && { lowerBounds }),
    verdict,
    why: outcome === 'held' ? [] : [...missed, ...codes],
  }
}

function clientLimited(end: SearchEnd | undefined, held: number | undefined): Finding[] {
  if (end !== 'client-limited') return []
  return [
    {
      code: 'client-limited',
      severity: 'suspect',
      message: `the search ended because this client could not keep the rate, below the capacity of the server${held === undefined ? '' : `, which is above ${held}/s`}`,
      hint: 'add workers (-w) or connections, or run the client on a faster machine',
      value: held ?? 0,
      limit: held ?? 0,
    },
  ]
}
