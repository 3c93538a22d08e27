import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Finding, verdictOf } from '../audit/finding.ts'
import { reasonOf, UserError } from '../errors.ts'
import { samplesBeyondMin } from '../metrics/quantiles.ts'
import { type FolderLock, lockFolder } from '../report/lock.ts'
import type { ProbeRecord, Report } from '../report/record.ts'
import { type Saved, saveReport } from '../report/save.ts'
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
  const folder = new SearchFolder(openFolder)
  let saveError: Saved['saveError']
  let failure: UserError | undefined

  async function probe(rate: number): Promise<ProbeOutcome> {
    const result = await runProbe(atRate(loaded, rate), prepared, {
      ...options,
      ...(openFolder && { openFolder: () => folder.ofProbe(probes.length + 1) }),
    })
    const { report } = result
    saveError ??= result.saveError
    const outcome = outcomeOf(report)
    probes.push(recordOf(report, rate, outcome))
    reports.push(report)
    return outcome
  }
  const isCutShort = () => signal?.aborted === true || reports.at(-1)?.error !== undefined
  async function search(): Promise<SearchEnd | undefined> {
    while (signal?.aborted !== true) {
      const next = nextRate(tried, start, least)
      if (typeof next === 'string') return next
      let outcome = await probe(next)
      if (outcome !== 'held' && !isCutShort()) outcome = await probe(next)
      if (isCutShort()) break
      tried.push({ rate: next, outcome })
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
  const { held, failed } = bracketOf(tried)
  const best = probes.findLastIndex(({ rate, outcome }) => rate === held && outcome === 'held')
  const chosen = reports[best] ?? last
  const findings = [...chosen.findings, ...clientLimited(end, held)]
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
      end: end ?? 'interrupted',
      probes,
    },
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
