import { isIP } from 'node:net'
import { formatEndpoint } from '../address.ts'
import { provenPerBusySecond } from '../audit/inputs.ts'
import { LiveAudit } from '../audit/live.ts'
import { monotonicClock } from '../clock.ts'
import { launchFleet } from '../engine/fleet.ts'
import { type ExitCode, exitCode } from '../errors.ts'
import { differenceOf, readHostCounters } from '../host/counters.ts'
import { describeEnvironment } from '../host/processes.ts'
import { Collector } from '../metrics/collector.ts'
import { type FirstReply, mergeFirstReplies } from '../metrics/firstReplies.ts'
import { field } from '../metrics/slab.ts'
import { totalsOf } from '../metrics/totals.ts'
import { needsRealReplies } from '../nullServer/realReplies.ts'
import { constantRateOf } from '../plan/pacer.ts'
import { type Plan, planRun, workerCount } from '../plan/plan.ts'
import { composeProtocol } from '../protocols/composed.ts'
import { assembleReport, type RunRecord } from '../report/assemble.ts'
import { type FolderLock, lockFolder } from '../report/lock.ts'
import { passOutcome } from '../report/pass.ts'
import type { Report, RunFacts } from '../report/record.ts'
import { type Saved, saveReport } from '../report/save.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import { hasSecretAddress } from '../scenario/redact.ts'
import { Secrets } from '../shownBytes.ts'
import { openTarget, type RunningTarget } from '../target/target.ts'
import { chooseTransport } from '../transports/catalog.ts'
import { type Family, isLocal } from '../transports/resolve.ts'
import { toolVersion } from '../version.ts'
import { measureCeiling } from './ceiling.ts'
import { drive, type Outcome } from './drive.ts'
import { LiveReplies } from './liveReplies.ts'
import { MachineWatch, ownSources, serverCpuMeter, serverProcesses, socketBuffers } from './machine.ts'
import { createJournalObserver, type Observer, type SearchProgress, startObservers } from './observer.ts'
import type { Prepared } from './prepare.ts'
import { titleOf } from './title.ts'
import { tryMoreWorkers } from './workerTrial.ts'

export interface RunOptions {
  /** Makes the folder for the files of the run, after the target answers and before the first request; without it nothing is saved. */
  readonly openFolder?: () => Promise<string>
  readonly observers?: readonly Observer[]
  /** Ends the run early when it fires; the part measured until then is saved. */
  readonly signal?: AbortSignal
  /**
   * Whether a run whose client was busy is followed by a measurement of its ceiling, and by a trial with one worker more where
   * this machine has a core left for it. By default it is.
   */
  readonly ceiling?: 'measure' | 'never'
  /** Where ceilings are cached between runs; without it they are not. */
  readonly cacheFolder?: string
  /** How far the search is that the run is a probe of. */
  readonly search?: SearchProgress
  /** The file of the worker threads, for tests of workers that fail. */
  readonly workerFile?: string
}

/** The report of a run; `path` where it was saved, `saveError` why it was not; neither where there is no folder. */
export interface RunResult extends Saved {
  readonly report: Report
}

const neverAborted = new AbortController().signal

/** Runs a scenario against its target and saves the report if it can; a UserError when it cannot begin. */
export async function runScenario(
  loaded: LoadedScenario,
  prepared: Prepared,
  options: RunOptions = {},
): Promise<RunResult> {
  const { scenario, redacted } = loaded
  const { materials, protocol, seed } = prepared
  const { signal = neverAborted } = options
  const target = await openTarget(scenario.target, {
    protocol,
    tls: materials.tls,
    shown: redacted.target,
    seed,
    timeoutMs: scenario.timeout,
    family: familyOf(scenario.sourceAddresses),
    signal,
  })
  let lock: FolderLock | undefined
  try {
    const folder = await options.openFolder?.()
    lock = folder === undefined ? undefined : lockFolder(folder)
    const { plan, facts } = planFor(loaded, prepared, target, options)
    const journal = folder === undefined ? [] : [createJournalObserver(folder)]
    const observers = [...journal, ...(options.observers ?? [])]
    const title = titleOf(redacted, facts.target, plan)
    startObservers(observers, { facts, title, ...(options.search && { search: options.search }) })
    const measured = await measure({ loaded, prepared, plan, facts, target, observers, signal, options })
    const report = await conclude({ loaded, prepared, plan, signal, options, ...measured })
    return { report, ...(await saveReport(report, folder)) }
  } finally {
    lock?.release()
    await target.stop()
  }
}

/** All source addresses are of one family. */
function familyOf([first = '']: readonly string[] = []): Family | undefined {
  const family = isIP(first)
  return family === 4 || family === 6 ? family : undefined
}

/** The exit code for a report. */
export function exitCodeOf(report: Report, strict: boolean): ExitCode {
  if (report.interrupted) return exitCode.interrupted
  if (report.error !== undefined) return exitCode.couldNotRun
  if (report.verdict === 'invalid' || (strict && report.verdict !== 'trusted')) return exitCode.invalid
  const isHeld = report.thresholds.every(threshold => threshold.ok)
  return isHeld && !isWrongPass(report) ? exitCode.pass : exitCode.failed
}

/** A pass over the steps with a wrong reply has failed, unless the scenario itself says how many errors it may have. */
function isWrongPass(report: Report): boolean {
  const isJudged = report.scenario.thresholds.some(({ metric }) => metric === 'errors')
  return !isJudged && passOutcome(report)?.isAsExpected === false
}

function planFor(loaded: LoadedScenario, prepared: Prepared, { address }: RunningTarget, { ceiling }: RunOptions) {
  const { scenario, redacted } = loaded
  const { protocol, bank, seed } = prepared
  const environment = describeEnvironment()
  const { name: transport, reason } = chooseTransport(scenario.transport, address, scenario.socket)
  const workers = workerCount(scenario, environment.cores, isLocal(address))
  const sourceAddresses = ownSources(scenario, address, transport, workers)
  const keepsReplies = ceiling !== 'never' && needsRealReplies(scenario.protocol, bank)
  const inputs = { address, protocol, bank, transport, seed, workers, sourceAddresses, keepsReplies }
  const plan = planRun(scenario, inputs)
  const facts: RunFacts = {
    tool: { name: 'volley', version: toolVersion },
    scenario: redacted,
    target: hasSecretAddress(scenario.target, redacted.target) ? '***' : formatEndpoint(address),
    seed,
    environment,
    startedAt: new Date().toISOString(),
    transport,
    ...(reason === undefined ? {} : { transportReason: reason }),
    workers,
    ...(sourceAddresses && { sourceAddresses }),
    ...socketBuffers(scenario),
  }
  return { plan, facts }
}

interface Measurement {
  readonly loaded: LoadedScenario
  readonly prepared: Prepared
  readonly plan: Plan
  readonly facts: RunFacts
  readonly target: RunningTarget
  readonly observers: readonly Observer[]
  readonly signal: AbortSignal
  readonly options: RunOptions
}

interface MeasuredRun {
  readonly record: RunRecord
  readonly collector: Collector
  readonly firstReplies: readonly FirstReply[]
}

/** Runs the plan, from the first connect until the server has stopped and reported its counts. */
async function measure(measurement: Measurement): Promise<MeasuredRun> {
  const { loaded, plan, facts, target, observers, signal, options } = measurement
  const targetIsLocal = isLocal(target.address)
  const overUdp = target.address.scheme === 'udp'
  const hostBefore = readHostCounters()
  const clockGapMs = Date.now() - monotonicClock.now()
  const host = () => differenceOf(hostBefore, readHostCounters())
  const clockDriftMs = () => Date.now() - monotonicClock.now() - clockGapMs
  const server = serverProcesses(target)
  const machine = new MachineWatch(plan, facts.environment.cores, server)
  const fleet = launchFleet(plan, options.workerFile)
  const collector = new Collector({
    slabs: fleet.slabs,
    connections: loaded.scenario.connections,
    warmupMs: plan.warmupMs,
    isWarmupAutomatic: plan.isWarmupAutomatic,
    constantPerSecond: constantRateOf(plan.workers[0]!.pace),
    clientCpuSeconds: ownCpuSeconds,
    serverCpuSeconds: serverCpuMeter(server),
    rssBytes: () => process.memoryUsage.rss(),
    otherCores: () => machine.otherCores(),
    coreDistanceNs: () => machine.coreDistanceNs(),
  })
  const run = { facts, targetIsLocal, overUdp }
  const liveAudit = new LiveAudit({ collector, run, host, clockDriftMs, machine: from => machine.state(from) })
  const shown = { facts, stepNames: plan.workers[0]!.bank.steps.map(step => step.name), ...shownOf(measurement) }
  const liveReplies = new LiveReplies(collector, shown)
  let ended: Omit<RunRecord, 'serverRequests' | 'serverDeliveries' | 'relay'> | undefined
  /** What is read of the machine is of the run alone; then a trial may follow, as long as the server still runs. */
  const afterwards = async (outcome: Outcome, say: (text: string) => void) => {
    const measured = collector.measured(outcome.endedAt)
    const machineState = machine.stateAtEnd(outcome.endedAt - measured.windowMs)
    const interrupted = signal.aborted
    const read = { machine: machineState, clockDriftMs: clockDriftMs(), host: host(), interrupted }
    ended = { ...outcome, ...shown, ...read, targetIsLocal, overUdp }
    if (options.ceiling === 'never') return
    const trial = await tryMoreWorkers(ended, measured, { scenario: loaded.scenario, plan, signal, say })
    if (trial !== undefined) ended = { ...ended, trial }
  }
  try {
    const all = [machine.observer, ...observers]
    await drive({ plan, fleet, collector, target, observers: all, liveAudit, liveReplies, signal, afterwards })
  } finally {
    fleet.stop()
    machine.stop()
  }
  await target.stop()
  const counted = target.requests()
  const record: RunRecord = {
    ...ended!,
    serverRequests: counted === undefined ? undefined : counted - (ended!.trial?.sent ?? 0),
    serverDeliveries: target.deliveries?.(),
    relay: target.relay?.(),
  }
  return { record, collector, firstReplies: mergeFirstReplies(fleet.slabs.flatMap(slab => slab.firstReplies ?? [])) }
}

/** What it takes to show what comes back, and what was sent: the first message of a connection. */
function shownOf({ loaded, prepared }: Pick<Measurement, 'loaded' | 'prepared'>) {
  const { steps, frames } = prepared.bank
  const first = steps.find(({ role }) => role === 'handshake') ?? steps[0]!
  const { explain } = composeProtocol(prepared.protocol)
  return {
    secrets: new Secrets(loaded.secrets.values, loaded.secrets.keys),
    // A URL has no text.
    isFromFile: loaded.places.text !== undefined,
    // One with a frame for each row has data of a file, which may be passwords.
    firstRequest: first.frameCount === 1 && !first.isTemplate ? frames[first.firstFrame] : undefined,
    ...(explain && { explain }),
  }
}

interface Ending extends MeasuredRun {
  readonly loaded: LoadedScenario
  readonly prepared: Prepared
  readonly plan: Plan
  readonly signal: AbortSignal
  readonly options: RunOptions
}

/** The report of a run; where its client may have been the limit, the ceiling of the client is measured first. */
async function conclude({ loaded, prepared, plan, signal, options, ...measuredRun }: Ending): Promise<Report> {
  const { record, collector, firstReplies } = measuredRun
  const all = collector.measured(record.endedAt)
  // Where another program is taken for the server, what the known processes used says nothing of it.
  const isServerKnown = record.machine?.use?.takenForServer === undefined
  const measured = isServerKnown ? all : { ...all, serverCpuSeconds: undefined }
  const shownPerSecond = provenPerBusySecond(record, measured)
  if (shownPerSecond === undefined) return assembleReport(record, collector, measured)
  const { cacheFolder } = options
  const unwanted = record.interrupted
    ? 'the run was interrupted'
    : options.ceiling === 'never' && 'it was not asked for'
  const found = unwanted
    ? { none: unwanted }
    : await measureCeiling({
        loaded,
        plan,
        bank: prepared.bank,
        environment: record.facts.environment,
        totals: totalsOf(collector),
        deliveries: collector.total(field.deliveries),
        firstReplies,
        shownPerSecond,
        options: { signal, ...(cacheFolder !== undefined && { cacheFolder }) },
      })
  const known = 'none' in found ? { noCeiling: found.none } : { ceiling: found }
  return assembleReport({ ...record, ...known }, collector, measured)
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
