import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { provenPerBusySecond } from '../audit/inputs.ts'
import { LiveAudit } from '../audit/live.ts'
import { monotonicClock, sharedOffsetMs } from '../clock.ts'
import { type Fleet, launchFleet } from '../engine/fleet.ts'
import { type ExitCode, exitCode, UserError } from '../errors.ts'
import { differenceOf, readHostCounters } from '../host/counters.ts'
import { createCpuMeter, describeEnvironment, fileDescriptorsMax } from '../host/processes.ts'
import { Collector } from '../metrics/collector.ts'
import type { Phase, Progress, RunTitle, Snapshot } from '../metrics/snapshot.ts'
import { totalsOf } from '../metrics/totals.ts'
import type { RequestBank } from '../plan/bank.ts'
import { type Materials, readMaterials } from '../plan/materials.ts'
import { type Plan, planRun, workerCount } from '../plan/plan.ts'
import { encodeRequests } from '../plan/requests.ts'
import { createProtocol } from '../protocols/catalog.ts'
import { composeProtocol } from '../protocols/composed.ts'
import { layerSettings } from '../protocols/layers/settings.ts'
import { describeProtocol } from '../protocols/spec.ts'
import { assembleReport, type RunRecord } from '../report/assemble.ts'
import { describeLoad } from '../report/figures.ts'
import { createJournal, type Journal } from '../report/journal.ts'
import type { Report, RunFacts } from '../report/record.ts'
import { writeReport } from '../report/save.ts'
import { IssuesError } from '../scenario/path.ts'
import { hasSecretAddress } from '../scenario/redact.ts'
import { addressedProtocol, isDatagramTarget } from '../scenario/resolve.ts'
import type { LoadedScenario, Scenario } from '../scenario/scenario.ts'
import { openTarget, type RunningTarget } from '../target/target.ts'
import { chooseTransport } from '../transports/catalog.ts'
import { formatAddress, isLocal } from '../transports/resolve.ts'
import { toolVersion } from '../version.ts'
import { measureCeiling } from './ceiling.ts'

const readMs = 100
const showMs = 500
/** From the word to start until the start, so that every worker has heard it. */
const startDelayMs = 20
/**
 * The same where what is sent goes to all connections: that they stand is known before the server has taken them, which many do
 * one a turn, and who is not there yet hears nothing.
 */
const startDelayMsToAll = 250
/** How long after the end of a run with failures the end of its target may still come to be known. */
const targetExitGraceMs = 100
/** How long before the end it is decided whether the run goes on, and how long the workers take to hear of it. */
const extendBeforeMs = 500
const controlLatencyMs = 100
const extendedNote = 'the run has not settled: it goes on for as long again'
/** Of what a plan had, what may be left unanswered by a server that keeps up with it. */
const fallenBehindMax = 0.01
/** Descriptors that a run needs besides its connections. */
const ownDescriptors = 64

/** What a run shows itself on: a screen, lines, or nothing. */
export interface View {
  /** Offers a snapshot and notes, which are made only if they are asked for: they cost the main thread milliseconds. */
  show(progress: Progress, snapshot: () => Snapshot, notes: () => readonly string[]): void
  end(): void
}

export interface RunOptions {
  /** Makes the folder of the run's files; called once the target answers, before the first request. */
  readonly openFolder: () => Promise<string>
  readonly createView: (title: RunTitle) => View
  /** Ends the run early when it fires; what was measured until then is saved. */
  readonly signal: AbortSignal
  /** Where what is known of this machine is kept between runs; without it nothing is. */
  readonly cacheFolder?: string
  /** The worker thread's file, for tests of workers that die. */
  readonly workerFile?: string
}

/** Drives a scenario against its target and saves the report; UserError when it cannot begin. */
export async function runScenario(
  loaded: LoadedScenario,
  prepared: Prepared,
  options: RunOptions,
): Promise<{ report: Report; path: string }> {
  const { scenario, redacted } = loaded
  const { materials, bank, seed } = prepared
  const environment = describeEnvironment()
  const target = await openTarget(scenario.target, {
    protocol: scenario.protocol,
    layers: layerSettings(scenario),
    tls: materials.tls,
    shown: redacted.target,
    seed,
    signal: options.signal,
  })
  try {
    const folder = await options.openFolder()
    const targetIsLocal = isLocal(target.address)
    const overUdp = target.address.scheme === 'udp'
    const { name: transport, reason } = chooseTransport(scenario.transport, target.address)
    const workers = workerCount(scenario, environment.cores, targetIsLocal)
    const plan = planRun(scenario, { address: target.address, bank, transport, seed, workers })
    const isSecret = hasSecretAddress(scenario.target, redacted.target)
    const facts: RunFacts = {
      tool: { name: 'volley', version: toolVersion },
      scenario: redacted,
      target: isSecret ? '***' : formatAddress(target.address),
      seed,
      environment,
      startedAt: new Date().toISOString(),
      transport,
      ...(reason === undefined ? {} : { transportReason: reason }),
      workers,
    }
    const journal = createJournal(join(folder, 'journal.ndjson'), facts)
    const view = options.createView(titleOf(redacted, facts.target, plan))
    const hostBefore = readHostCounters()
    const clockGapMs = Date.now() - monotonicClock.now()
    const host = () => differenceOf(hostBefore, readHostCounters())
    const clockDriftMs = () => Date.now() - monotonicClock.now() - clockGapMs
    const fleet = launchFleet(plan, options.workerFile)
    const collector = new Collector({
      slabs: fleet.slabs,
      connections: scenario.connections,
      warmupMs: plan.warmupMs,
      isWarmupAutomatic: plan.isWarmupAutomatic,
      clientCpuSeconds: ownCpuSeconds,
      serverCpuSeconds: target.process ? createCpuMeter(target.process) : () => undefined,
      rssBytes: () => process.memoryUsage.rss(),
    })
    let outcome: Outcome
    try {
      const liveAudit = new LiveAudit({ collector, run: { facts, targetIsLocal, overUdp }, host, clockDriftMs })
      outcome = await drive({ plan, fleet, collector, target, journal, view, liveAudit, signal: options.signal })
    } finally {
      fleet.stop()
      journal.close()
      view.end()
    }
    await target.stop()
    const record: RunRecord = {
      facts,
      stepNames: bank.steps.map(step => step.name),
      endedAt: outcome.endedAt,
      isExtended: outcome.isExtended,
      serverRequests: target.requests(),
      serverDeliveries: target.deliveries?.(),
      targetIsLocal,
      overUdp,
      clockDriftMs: clockDriftMs(),
      host: host(),
      interrupted: options.signal.aborted,
      error: outcome.error,
    }
    const measured = collector.measured(outcome.endedAt)
    const shownPerSecond = provenPerBusySecond(record, measured)
    const totals = totalsOf(collector)
    const ceiling =
      shownPerSecond && (await measureCeiling({ loaded, plan, bank, environment, totals, shownPerSecond, options }))
    const report = assembleReport({ ...record, ...(ceiling && { ceiling }) }, collector, measured)
    return { report, path: await writeReport(report, folder) }
  } finally {
    await target.stop()
  }
}

/** A scenario with all that can be done before anything is sent. */
export interface Prepared {
  readonly materials: Materials
  readonly bank: RequestBank
  readonly seed: number
}

/** Reads the files a scenario names and encodes its requests; a UserError has every fault, each with its file. */
export async function prepareScenario(loaded: LoadedScenario): Promise<Prepared> {
  const { scenario } = loaded
  const seed = scenario.seed ?? Math.floor(Math.random() * 2 ** 31)
  checkDescriptors(scenario)
  try {
    const overUdp = isDatagramTarget(scenario.target)
    const protocol = composeProtocol(addressedProtocol(scenario), { layers: layerSettings(scenario), overUdp })
    const materials = await readMaterials(loaded)
    return { materials, bank: encodeRequests(scenario, protocol, materials, seed), seed }
  } catch (error) {
    throw error instanceof IssuesError ? new UserError(loaded.faultsOf(error.issues)) : error
  }
}

/** The exit code that a report stands for. */
export function exitCodeOf(report: Report, strict: boolean): ExitCode {
  if (report.interrupted) return exitCode.interrupted
  if (report.error !== undefined) return exitCode.couldNotRun
  if (report.verdict === 'invalid' || (strict && report.verdict === 'suspect')) return exitCode.invalid
  return report.thresholds.every(threshold => threshold.ok) ? exitCode.pass : exitCode.failed
}

interface Outcome {
  /** When the books were closed, on this thread's clock. */
  readonly endedAt: number
  readonly error: string | undefined
  /** The end was put off, as the run had not settled. */
  readonly isExtended: boolean
}

interface Drive {
  readonly view: View
  readonly liveAudit: LiveAudit
  readonly journal: Journal
  readonly signal: AbortSignal
  readonly plan: Plan
  readonly fleet: Fleet
  readonly collector: Collector
  readonly target: RunningTarget
}

/** From the first connect to the end of the last worker: reads, shows and writes down what happens. */
async function drive({ plan, fleet, collector, target, journal, view, liveAudit, signal }: Drive): Promise<Outcome> {
  const delayMs = createProtocol(plan.workers[0]!.protocol).delivery === undefined ? startDelayMs : startDelayMsToAll
  let startAt = Number.POSITIVE_INFINITY
  let shownAt = Number.NEGATIVE_INFINITY
  let lengthMs = plan.lengthMs
  const timers: NodeJS.Timeout[] = []
  const stop = () => fleet.stop()
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()

  function endSecond(): void {
    journal.append({ ...collector.endSecond(), totals: totalsOf(collector) })
  }
  function read(): void {
    const now = monotonicClock.now()
    collector.read(now)
    if (now - startAt >= (collector.intervals.length + 1) * 1000) endSecond()
    // A server of ours that is gone does not come back: there is nobody to answer the requests that are left.
    if (plan.counted && target.ended() !== undefined) fleet.stop()
    if (now - shownAt < showMs) return
    shownAt = now
    const extended = lengthMs > plan.lengthMs ? extendedNote : undefined
    const progress: Progress = {
      elapsedMs: Math.max(0, now - startAt),
      phase: phaseAt(now - startAt, plan.warmupMs, lengthMs),
      ...(plan.endsByTime && { totalMs: lengthMs }),
    }
    const notes = () => {
      const told = [targetError(target), journal.error(), extended].filter(note => note !== undefined)
      return progress.phase === 'measuring' ? [...told, ...liveAudit.notes(now)] : told
    }
    view.show(progress, () => collector.snapshot(progress), notes)
  }
  /** Shortly before the end: a run that still changes goes on for as long again, but where its load is too much. */
  function extendIfUnsteady(): void {
    const now = monotonicClock.now()
    collector.read(now)
    const isLate = now - startAt > lengthMs - controlLatencyMs
    if (isLate || collector.fallenBehind() > fallenBehindMax || !collector.steadyState(now)?.isUnsteady) return
    fleet.extend()
    lengthMs += plan.extensionMs
  }

  const timer = setInterval(read, readMs)
  try {
    await Promise.race([fleet.ready, fleet.ended])
    collector.read(monotonicClock.now())
    startAt = monotonicClock.now() + delayMs
    // Before the word is given: from then on the workers may count.
    collector.begin(startAt)
    fleet.start(startAt)
    // The warm-up's end is read for itself: the window begins where this reading does.
    timers.push(setTimeout(read, delayMs + plan.warmupMs))
    if (plan.extensionMs > 0) {
      timers.push(setTimeout(extendIfUnsteady, delayMs + plan.lengthMs - extendBeforeMs))
    }
    const error = await fleet.ended
    collector.read(monotonicClock.now())
    const endedAt = collector.endedAt(sharedOffsetMs()) ?? monotonicClock.now()
    // The last second is over when the books are closed, which no reading need have seen.
    if (endedAt - startAt + readMs >= (collector.intervals.length + 1) * 1000) endSecond()
    // That a server has died is heard of a moment after its connections broke.
    if (Object.keys(collector.failures()).length > 0) await sleep(targetExitGraceMs)
    return { endedAt, error: error ?? targetError(target), isExtended: endedAt - startAt > plan.lengthMs + readMs }
  } finally {
    clearInterval(timer)
    for (const timer of timers) clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function phaseAt(elapsedMs: number, warmupMs: number, lengthMs: number): Phase {
  if (elapsedMs < 0) return 'opening'
  if (elapsedMs < warmupMs) return 'warm-up'
  return elapsedMs < lengthMs ? 'measuring' : 'draining'
}

function targetError(target: RunningTarget): string | undefined {
  const ended = target.ended()
  return ended && `the target ended during the run: ${ended}`
}

/** Refused before anything is sent: what the kernel would refuse half way. */
function checkDescriptors({ connections }: Scenario): void {
  const most = fileDescriptorsMax()
  if (connections + ownDescriptors <= most) return
  throw new UserError(
    `${connections} connections need more file descriptors than this process may have open (${most})`,
    `ask for at most ${most - ownDescriptors} connections, or raise the limit: "ulimit -n ${connections + ownDescriptors}"`,
  )
}

function titleOf(scenario: Scenario, target: string, plan: Plan): RunTitle {
  const { connections, load, requests } = scenario
  const [first] = plan.workers
  const workers = plan.workers.length
  return {
    name: scenario.name,
    what: `${[describeProtocol(scenario.protocol), ...(scenario.layers ?? [])].join(' + ')} over ${target}`,
    load: `${describeLoad(load)}, ${connections} ${connections === 1 ? 'connection' : 'connections'} x ${load.pipeline}`,
    how: `${first!.transport}, ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    warmupMs: plan.warmupMs,
    ...(requests === undefined ? {} : { requests }),
  }
}
