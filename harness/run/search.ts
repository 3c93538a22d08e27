import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { leadersOf, orderByCause } from '../audit/causes.ts'
import { type Finding, isDoubt, verdictOf } from '../audit/finding.ts'
import { reasonOf, UserError } from '../errors.ts'
import { samplesBeyondMin } from '../metrics/quantiles.ts'
import { type FolderLock, lockFolder } from '../report/lock.ts'
import type { ProbeRecord, Report } from '../report/record.ts'
import { type Saved, saveReport } from '../report/save.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { formatCount } from '../units.ts'
import { bracketOf, nextRate, type ProbeOutcome, probesLeft, type SearchEnd, type Tried } from './nextRate.ts'
import type { SearchProgress } from './observer.ts'
import type { Prepared } from './prepare.ts'
import { type RunOptions, type RunResult, runScenario } from './run.ts'

/** The first rate of a search whose scenario names none. */
const startPerSecond = 1000
/** Findings after which a probe that failed says more about the client and its machine than about the server. */
const clientFaults = [
  ...['steal', 'cpu-quota', 'machine-busy', 'client-stalled'],
  ...['generator-busy', 'client-limited', 'client-lag', 'arrivals'],
]

/**
 * Searches the highest rate at which all thresholds hold: each probe is a run in mode rate, with its own audit, in its own
 * folder below that of the search. A rate that fails is probed once more, because one disturbance of the machine would end
 * the search too low; one whose failures are the client's own counts neither as held nor as failed. The report is that of
 * the highest rate that held, with the search added.
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
  const folder = new SearchFolder(openFolder)
  let saveError: Saved['saveError']
  let failure: UserError | undefined
  const isStopped = () => signal?.aborted === true

  async function probe(rate: number): Promise<ProbeRecord['outcome']> {
    const result = await runProbe(atRate(loaded, rate), prepared, {
      ...options,
      search: progressOf(tried, probes),
      ...(openFolder && { openFolder: () => folder.ofProbe(probes.length + 1) }),
    })
    const { report } = result
    saveError ??= result.saveError
    const isCutShort = isStopped() || report.interrupted || report.error !== undefined
    const outcome = isCutShort ? 'cut-short' : outcomeOf(report)
    probes.push(recordOf(report, rate, outcome))
    reports.push(report)
    return outcome
  }
  /** Once more where it does not hold; undefined where the search was stopped before that was known. */
  async function outcomeAt(rate: number): Promise<ProbeOutcome | undefined> {
    const first = await probe(rate)
    if (first === 'held') return first
    if (first === 'cut-short') return undefined
    const second = await probe(rate)
    return second === 'cut-short' ? undefined : strongest([first, second])
  }
  async function search(): Promise<SearchEnd | undefined> {
    while (!isStopped()) {
      const rate = nextRate(tried, start, least)
      if (typeof rate === 'string') return rate
      const outcome = await outcomeAt(rate)
      if (outcome === undefined) break
      tried.push({ rate, outcome })
    }
    return undefined
  }

  try {
    const end = await search().catch(error => {
      // What earlier probes have shown is kept, when a later one cannot begin.
      if (!(error instanceof UserError) || reports.length === 0) throw error
      failure = error
      return undefined
    })
    const report = reportOf({ loaded, tried, probes, reports, end, failure, isInterrupted: signal?.aborted === true })
    const saved = await saveReport(report, folder.path)
    return { report, ...saved, ...(saveError !== undefined && { saveError }) }
  } finally {
    folder.release()
  }
}

/** The folder of a search, opened by its first probe and kept until its end, and those of its probes below it. */
class SearchFolder {
  path: string | undefined
  readonly #open: RunOptions['openFolder']
  #lock: FolderLock | undefined

  constructor(open: RunOptions['openFolder']) {
    this.#open = open
  }

  async ofProbe(number: number): Promise<string> {
    if (this.path === undefined) {
      const path = await this.#open!()
      this.#lock = lockFolder(path)
      this.path = path
    }
    const own = join(this.path, 'probes', String(number).padStart(2, '0'))
    try {
      await mkdir(own, { recursive: true })
    } catch (error) {
      throw new UserError(`cannot write reports to ${own}: ${reasonOf(error)}`)
    }
    return own
  }

  release(): void {
    this.#lock?.release()
  }
}

interface Searched {
  readonly loaded: LoadedScenario
  readonly tried: readonly Tried[]
  readonly probes: readonly ProbeRecord[]
  readonly reports: readonly Report[]
  readonly end: SearchEnd | undefined
  /** Why a probe could not begin. */
  readonly failure: UserError | undefined
  readonly isInterrupted: boolean
}

function reportOf({ loaded, tried, probes, reports, end, failure, isInterrupted }: Searched): Report {
  const last = reports.at(-1)
  if (last === undefined) throw new UserError('the search was stopped before its first probe')
  const { held, failed, untold } = bracketOf(tried)
  const best = probes.findLastIndex(({ rate, outcome }) => rate === held && outcome === 'held')
  const chosen = reports[best] ?? last
  const limited = end === 'client-limited' && untold !== undefined ? [clientLimited(probes, held, untold)] : []
  const findings = orderByCause([...chosen.findings, ...limited])
  const error = isInterrupted ? last.error : (failure?.message ?? last.error)
  return {
    ...chosen,
    scenario: loaded.redacted,
    findings,
    verdict: verdictOf(findings),
    interrupted: isInterrupted,
    ...(error !== undefined && { error }),
    search: {
      ...(held !== undefined && { highestHeld: held }),
      ...(failed !== undefined && { lowestFailed: failed }),
      ...(untold !== undefined && { clientLimitedAt: untold }),
      end: end ?? 'interrupted',
      probes,
    },
  }
}

/** What observers of the next probe are told of the search. */
function progressOf(tried: readonly Tried[], probes: readonly ProbeRecord[]): SearchProgress {
  const { held, failed, untold } = bracketOf(tried)
  const left = probesLeft(tried)
  return {
    probe: probes.length + 1,
    ...(held !== undefined && { held }),
    ...(failed !== undefined && { failed }),
    ...(untold !== undefined && { clientLimitedAt: untold }),
    probes: [...probes],
    ...(left && { left }),
  }
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

/** A rate that held once can be held. One that failed by the server's fault failed, whatever the client did beside it. */
function strongest(outcomes: readonly ProbeOutcome[]): ProbeOutcome {
  return (['held', 'failed'] as const).find(outcome => outcomes.includes(outcome)) ?? 'client-limited'
}

/**
 * Response times count from the planned times: a client that is late makes them longer, never shorter. So limits that hold
 * beside its faults hold all the more without them; limits that are missed may be missed because of them.
 */
function outcomeOf({ findings, thresholds }: Report): ProbeOutcome {
  if (thresholds.every(({ ok }) => ok) && !findings.some(isUnkept)) return 'held'
  return clientFaultsOf(findings).length > 0 ? 'client-limited' : 'failed'
}

/** Codes of the findings that put a failure on the client, without those of which the server is the cause. */
function clientFaultsOf(findings: readonly Finding[]): string[] {
  const faults = leadersOf(findings).filter(finding => isDoubt(finding) && clientFaults.includes(finding.code))
  return faults.map(({ code }) => code)
}

/** The rate was not kept, or would not be kept for long. */
function isUnkept({ code, severity }: Finding): boolean {
  return (code === 'rate' && severity === 'invalid') || code === 'overloaded'
}

function recordOf(
  { throughput, latencyMs, thresholds, findings, verdict }: Report,
  rate: number,
  outcome: ProbeRecord['outcome'],
) {
  const { p50, p99, lowerBounds = [] } = latencyMs.response
  const missed = thresholds.filter(({ ok }) => !ok).map(({ expression }) => expression)
  const codes = findings.filter(finding => finding.severity === 'invalid' || isUnkept(finding)).map(({ code }) => code)
  // Of a failure that is the client's, its fault is the reason, and the limits that were missed follow from it.
  const client = outcome === 'client-limited' ? clientFaultsOf(findings) : []
  return {
    rate,
    outcome,
    throughput: throughput.mean,
    ...(p50 !== undefined && { p50 }),
    ...(p99 !== undefined && { p99 }),
    ...(lowerBounds.length > 0 && { lowerBounds }),
    verdict,
    why: outcome === 'held' || outcome === 'cut-short' ? [] : [...new Set([...client, ...missed, ...codes])],
  }
}

function clientLimited(probes: readonly ProbeRecord[], held: number | undefined, untold: number): Finding {
  const reasons = probes
    .filter(({ rate, outcome }) => rate === untold && outcome === 'client-limited')
    .flatMap(({ why }) => why.filter(reason => clientFaults.includes(reason)))
  const because = reasons.length === 0 ? '' : ` (${[...new Set(reasons)].join(', ')})`
  const above = held === undefined ? 'at any rate that was tried' : `above ${formatCount(held)}/s`
  return {
    code: 'client-limited',
    severity: 'suspect',
    message: `the client could not tell ${above}: at ${formatCount(untold)}/s the fault was its own${because}`,
    hint: reasons.includes('machine-busy')
      ? 'the server may do more: close other programs, or run the client on another machine'
      : 'the server may do more: add workers (-w) or connections, or run the client on a faster machine',
    value: held ?? 0,
    limit: untold,
  }
}
