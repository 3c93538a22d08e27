import { messageOf, UserError } from '../errors.ts'
import { createMemoryMeter, type ProcessRef } from '../host/processes.ts'
import type { Address } from '../transports/transport.ts'
import { formatSetting } from '../units.ts'
import { ServerFault } from './fault.ts'
import { type MemoryRise, memoryFault, watchMemory } from './memory.ts'
import type { TrialResult } from './result.ts'
import type { Subject } from './subject.ts'
import type { Trial } from './trial.ts'
import { Workbench, type WorkbenchSettings } from './workbench.ts'

/** No trial takes longer; what is open is then closed. */
const trialMsMax = 60_000
/** No torture begins another trial after this. */
const tortureMsMax = 300_000
/** How long a server may take to be itself again after a trial that it did not come through. */
const recoveryMsMax = 10_000
const retryMs = 100

export interface TortureOptions {
  readonly address: Address
  /** How the server is called where it is shown. */
  readonly target: string
  readonly subject: Omit<Subject, 'closes'>
  readonly trials: readonly Trial[]
  /** How long a connect or a reply may take. */
  readonly timeoutMs: number
  readonly seed: number
  /** Whose memory is watched. */
  readonly process?: ProcessRef | undefined
  /** Ends it early; every connection is then closed at once. */
  readonly signal: AbortSignal
  readonly onResult: (result: TrialResult) => void
}

/** What came of all trials. */
export interface TortureResult {
  readonly trials: readonly TrialResult[]
  readonly interrupted: boolean
}

/** Makes the trials one after the other; a UserError where the valid request itself is not answered. */
export async function torture(options: TortureOptions): Promise<TortureResult> {
  const { signal, trials } = options
  const runner = new Runner(options)
  const results: TrialResult[] = []
  const deadline = performance.now() + tortureMsMax
  await runner.begin()
  for (const trial of trials) {
    if (signal.aborted) break
    const late = performance.now() > deadline
    const result = late ? skipped(trial, `${formatSetting(tortureMsMax)} were over`) : await runner.run(trial)
    if (result === undefined) break
    results.push(result)
    options.onResult(result)
  }
  return { trials: results, interrupted: signal.aborted }
}

class Runner {
  readonly #options: TortureOptions
  readonly #meter: ReturnType<typeof createMemoryMeter> | undefined
  #settings: WorkbenchSettings
  /** The trial after which the server answered no more. */
  #lostAfter: string | undefined

  constructor(options: TortureOptions) {
    const { address, subject, timeoutMs, seed } = options
    this.#options = options
    this.#settings = { address, subject: { ...subject, closes: false }, timeoutMs, seed }
    this.#meter = options.process && createMemoryMeter(options.process)
  }

  /** Learns what an valid reply looks like. */
  async begin(): Promise<void> {
    const { target, signal, subject } = this.#options
    const fault = await this.#withWorkbench(async workbench => {
      const { reply, closes } = await workbench.exchange()
      this.#settings = { ...this.#settings, model: reply, subject: { ...subject, closes } }
    })
    if (fault === undefined || signal.aborted) return
    throw new UserError(
      `${target} does not answer the valid request: ${fault}`,
      'is the protocol right? --protocol says how the server frames its messages, --send what it answers',
    )
  }

  /** Makes one trial, and sees whether the server is itself after it; undefined when it was interrupted. */
  async run(trial: Trial): Promise<TrialResult | undefined> {
    const { signal } = this.#options
    if (this.#lostAfter !== undefined) return skipped(trial, `the server answers no more since ${this.#lostAfter}`)
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
      // What is gone is told once, and why others were not served is then known too.
      this.#isGone() ? 'the process is gone' : fault === undefined && after && `after it: ${after}`,
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

  #probe(): Promise<string | undefined> {
    return this.#withWorkbench(async workbench => {
      await workbench.exchange()
    })
  }

  /** Whether the server answers again, now that all that was open is closed. */
  async #recovers(): Promise<boolean> {
    const deadline = performance.now() + recoveryMsMax
    while (performance.now() < deadline && !this.#isGone() && !this.#options.signal.aborted) {
      if ((await this.#probe()) === undefined) return true
      await new Promise(resolve => setTimeout(resolve, retryMs))
    }
    return false
  }

  #isGone(): boolean {
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

  /** Does something with connections that are all closed at its end, in time; answers what the server did wrong. */
  async #withWorkbench(
    work: (workbench: Workbench) => Promise<void>,
    exceedsMemoryLimit?: () => boolean,
  ): Promise<string | undefined> {
    const { signal } = this.#options
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
      return isLate ? `not over within ${formatSetting(trialMsMax)}: ${messageOf(error)}` : error.message
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      await workbench.leave()
      workbench.destroy()
    }
  }
}

function skipped({ name, does }: Trial, detail: string): TrialResult {
  return { name, does, verdict: 'skipped', detail, elapsedMs: 0 }
}
