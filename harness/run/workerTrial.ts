import { type AuditedRun, provenPerBusySecond, type TrialRecord } from '../audit/inputs.ts'
import { workersToTry } from '../audit/workersToTry.ts'
import type { Measured } from '../metrics/measured.ts'
import { type Plan, planRun } from '../plan/plan.ts'
import { streamSeed } from '../prng.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { plural } from '../units.ts'
import { runShortly } from './shortRun.ts'

/** The two parts of a trial: a warm-up, in which code is compiled, and the part that counts. */
const defaultTimes = { warmupMs: 500, measuredMs: 1500 }
/** The stream of the run's seed for its trial, which sends other random values than the run did. */
const trialStream = 0x7472_6961

export interface TrialOptions {
  readonly scenario: Scenario
  readonly plan: Plan
  /** Ends the trial without a result when it fires. */
  readonly signal: AbortSignal
  /** Says what is done, before it is done. */
  readonly say: (text: string) => void
  readonly times?: typeof defaultTimes
}

/**
 * Whether another worker would have found more, by a trial of two seconds against the same target; undefined where there is
 * none. Only the target itself can tell: with a null server a client of two workers shows what it can do, but not whether
 * this server lets it. A server on this machine has just served the same load for longer, so the trial does it no harm.
 */
export async function tryMoreWorkers(
  run: AuditedRun,
  measured: Measured,
  options: TrialOptions,
): Promise<TrialRecord | undefined> {
  // A user who interrupts a run wants its end, not two seconds more.
  const isBusy = !run.interrupted && provenPerBusySecond(run, measured) !== undefined
  const workers = isBusy ? workersToTry(run, measured) : undefined
  if (workers === undefined || options.signal.aborted) return undefined
  const { warmupMs, measuredMs } = options.times ?? defaultTimes
  const seconds = (warmupMs + measuredMs) / 1000
  options.say(`a trial of ${seconds} s with ${plural(workers, 'worker')}: would another one find more?`)
  return tryWorkers(workers, options)
}

/** Runs the same load with another number of workers. */
export async function tryWorkers(
  workers: number,
  { scenario, plan, signal, times = defaultTimes }: Omit<TrialOptions, 'say'>,
): Promise<TrialRecord | undefined> {
  const { address, protocol, bank, transport, sourceAddresses } = plan.workers[0]!
  const load: Scenario = { ...scenario, warmup: times.warmupMs, duration: times.measuredMs }
  const seed = streamSeed(plan.seed, trialStream)
  try {
    const short = planRun(load, { address, protocol, bank, transport, seed, workers, sourceAddresses })
    const { measured, sent, answered } = await runShortly(short, { connections: scenario.connections, signal })
    if (measured === undefined) return { sent, answered }
    const perSecond = measured.after.reduce((all, worker, index) => {
      const before = measured.before[index]!
      return all + ((worker.answered - before.answered) / (worker.at - before.at)) * 1000
    }, 0)
    const seconds = (measured.after[0]!.at - measured.before[0]!.at) / 1000
    const isSound = Number.isFinite(perSecond) && perSecond > 0
    return { ...(isSound && { result: { workers, perSecond, seconds } }), sent, answered }
  } catch {
    return undefined
  }
}
