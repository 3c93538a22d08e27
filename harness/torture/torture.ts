import { messageOf, UserError } from '../errors.ts'
import { createMemoryMeter, type ProcessRef } from '../host/processes.ts'
import type { Address } from '../transports/transport.ts'
import { formatSetting } from '../units.ts'
import { ServerFault } from './fault.ts'
import { type MemoryRise, memoryFault, watchMemory } from './memory.ts'
import type { TrialResult } from './result.ts'
import type { Subject } from './subject.ts'
import { defaultTimes, type TortureTimes } from './times.ts'
import type { Trial } from './trial.ts'
import { Workbench, type WorkbenchSettings } from './workbench.ts'

const retryMs = 100

export interface TortureOptions {
  readonly address: Address
  /** The address as it may be shown. */
  readonly target: string
  readonly subject: Omit<Subject, 'closes'>
  readonly trials: readonly Trial[]
  /** How long a connect or a reply may take. */
  readonly timeoutMs: number
  readonly seed: number
  /** The process whose memory is watched. */
  readonly process?: ProcessRef | undefined
  /** By default `defaultTimes`. */
  readonly times?: TortureTimes
  /** Ends the torture early and closes every connection at once. */
  readonly signal: AbortSignal
  readonly onResult: (result: TrialResult) => void
}

/** The outcome of all trials. */
export interface TortureResult {
  readonly trials: readonly TrialResult[]
  readonly interrupted: boolean
}

/** Runs the trials one after the other; throws a UserError if the server does not answer the valid request. */
export async function torture(options: TortureOptions): Promise<TortureResult> {
  const { signal, trials, times = defaultTimes } = options
  const runner = new Runner(options, times)
  const results: TrialResult[] = []
  const deadline = performance.now() + times.tortureMsMax
  await runner.begin()
  for (const trial of trials) {
    if (signal.aborted) break
    const isLate = performance.now() > deadline
    const result = isLate
      ? skipped(trial, `the time limit of ${formatSetting(times.tortureMsMax)} was reached`)
      : await runner.run(trial)
    if (result === undefined) break
    results.push(result)
    options.onResult(result)
  }
  return { trials: results, interrupted: signal.aborted }
}

class Runner {
  readonly #options: TortureOptions
  readonly #times: TortureTimes
  readonly #meter: ReturnType<typeof createMemoryMeter> | undefined
  #settings: WorkbenchSettings
  /** The trial since which the server has not answered. */
  #lostAfter: string | undefined

  constructor(options: TortureOptions, times: TortureTimes) {
    const { address, subject, timeoutMs, seed } = options
    this.#options = options
    this.#times = times
    this.#settings = { address, subject: { ...subject, closes: false }, timeoutMs, seed, times }
    this.#meter = options.process && createMemoryMeter(options.process)
  }

  /** Sends the valid request once and keeps its reply as the model for later ones. */
  async begin(): Promise<void> {
    const { target, signal, subject } = this.#options
    const fault = await this.#withWorkbench(async workbench => {
      const { reply, closes } = await workbench.exchange()
      this.#settings = { ...this.#settings, model: reply, subject: { ...subject, closes } }
    })
    if (fault === undefined || signal.aborted) return
    throw new UserError(
      `${target} does not answer the valid request: ${fault}`,
      'is the protocol right? --protocol sets how messages are framed, --send what is requested',
    )
  }

  /** Runs one trial, then checks that the server still answers; undefined if it was interrupted. */
  async run(trial: Trial): Promise<TrialResult | undefined> {
    const { signal } = this.#options
    if (this.#lostAfter !== undefined) return skipped(trial, `the server has not answered since ${this.#lostAfter}`)
    const reason = trial.unfit?.(this.#settings.subject)
    if (reason !== undefined) return skipped(trial, reason)
    const startedAt = performance.now()
    const watch = this.#meter && watchMemory(this.#meter)
    let detail = ''
    const exceedsMemoryLimit = () => this.#memoryFault(trial, watch?.rise()) !== undefined
    const fault = await this.#withWorkbench(async workbench => {
      detail = await trial.run(workbench)
    }, exceedsMemoryLimit)
    const rise = watch?.stop()
    const after = await this.#probe()
    if (signal.aborted) return undefined
    const faults = [
      fault,
      this.#memoryFault(trial, rise),
      // An exit explains why the server does not answer afterwards: only the exit is reported.
      this.#hasExited() ? 'the process has exited' : fault === undefined && after && `after it: ${after}`,
    ].filter(text => typeof text === 'string')
    if (after !== undefined && !(await this.#recovers())) this.#lostAfter = trial.name
    return {
      name: trial.name,
      does: trial.does,
      verdict: faults.length === 0 ? 'pass' : 'fail',
      detail: faults.length === 0 ? detail : faults.join('; '),
      elapsedMs: performance.now() - startedAt,
      ...(rise && { memoryRoseBytes: rise.residentBytes }),
    }
  }

  /** What is wrong with the reply to one valid request; undefined if nothing is. */
  #probe(): Promise<string | undefined> {
    return this.#withWorkbench(async workbench => {
      await workbench.exchange()
    })
  }

  /** Whether the server answers again after every connection of a trial is closed. */
  async #recovers(): Promise<boolean> {
    const deadline = performance.now() + this.#times.recoveryMsMax
    while (performance.now() < deadline && !this.#hasExited() && !this.#options.signal.aborted) {
      if ((await this.#probe()) === undefined) return true
      await new Promise(resolve => setTimeout(resolve, retryMs))
    }
    return false
  }

  #hasExited(): boolean {
    return this.#meter !== undefined && this.#meter() === undefined
  }

  #memoryFault(trial: Trial, rise: MemoryRise | undefined): string | undefined {
    if (rise === undefined) return undefined
    const { subject } = this.#settings
    const { spec, request } = subject
    return memoryFault(rise, {
      frameBytes: spec.name === 'raw' ? 0 : spec.maxFrame,
      requestBytes: request.length,
      extraBytes: trial.memoryBytes?.(subject) ?? 0,
      announces: trial.announces === true,
    })
  }

  /** Works with connections that are all closed afterwards, within `trialMsMax`; resolves with what the server did wrong. */
  async #withWorkbench(
    work: (workbench: Workbench) => Promise<void>,
    exceedsMemoryLimit?: () => boolean,
  ): Promise<string | undefined> {
    const { signal } = this.#options
    const { trialMsMax } = this.#times
    const workbench = new Workbench({ ...this.#settings, exceedsMemoryLimit })
    const stop = () => workbench.destroy()
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      workbench.destroy()
    }, trialMsMax)
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    try {
      await work(workbench)
      return undefined
    } catch (error) {
      if (!(error instanceof ServerFault)) throw error
      return isLate ? `not finished within ${formatSetting(trialMsMax)}: ${messageOf(error)}` : error.message
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      await workbench.closeGracefully()
      workbench.destroy()
    }
  }
}

function skipped({ name, does }: Trial, detail: string): TrialResult {
  return { name, does, verdict: 'skipped', detail, elapsedMs: 0 }
}
