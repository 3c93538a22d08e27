import { formatCount, formatPercent } from '../units.ts'
import type { Finding } from './finding.ts'
import { limits } from './limits.ts'

/** What more workers found in a short trial after the run, against the same target. */
export interface WorkerTrial {
  readonly workers: number
  /** Requests completed per second. */
  readonly perSecond: number
  /** How long that was measured. */
  readonly seconds: number
}

export interface TrialInputs {
  readonly workers: number
  /** Requests per second in the measured part, and in its windows, which are equally long. */
  readonly throughput: number
  readonly throughputs: readonly number[]
  readonly windowSeconds: number
  readonly trial: WorkerTrial
}

/** By how much the trial found more, as a share of the run's throughput; 0 where that may be chance. */
export function trialGain({ throughput, throughputs, windowSeconds, trial }: TrialInputs): number {
  const gain = trial.perSecond / throughput - 1
  // The run itself was faster at times: a trial says something only where it beats the best part of the same length.
  const best = bestOf(throughputs, Math.max(1, Math.round(trial.seconds / windowSeconds)))
  return gain > limits.trialNote && trial.perSecond > best ? gain : 0
}

/** The highest mean of so many consecutive values. */
function bestOf(values: readonly number[], length: number): number {
  let best = 0
  let total = 0
  values.forEach((value, index) => {
    total += value - (index >= length ? values[index - length]! : 0)
    if (index >= length - 1) best = Math.max(best, total / length)
  })
  return best
}

/** What a trial adds to the check of the client's ceiling (7), where that has found nothing or would advise more workers. */
export function withTrial(limited: Finding | undefined, inputs: TrialInputs): Finding | undefined {
  const { trial, throughput, workers } = inputs
  const gain = trialGain(inputs)
  const found = `${formatCount(trial.perSecond)}/s in a short trial with ${trial.workers} workers`
  if (gain === 0) {
    // More of the client gets no more out of the server, so it is not the client that limits.
    return (
      limited && {
        ...limited,
        severity: 'note',
        message: `${limited.message}; but one worker more found no more: ${found}`,
        hint: 'the server is the limit, or the machine as a whole: compare servers by their CPU per request',
      }
    )
  }
  const more = `another worker finds ${formatPercent(gain)} more: ${found}, against ${formatCount(throughput)}/s with ${workers}`
  return {
    code: 'client-limited',
    severity: gain <= limits.trialSuspect && limited?.severity !== 'suspect' ? 'note' : 'suspect',
    message:
      limited === undefined ? `${more} (limit ${formatPercent(limits.trialSuspect)})` : `${limited.message}; ${more}`,
    hint: `add workers (-w ${trial.workers})`,
    value: limited?.value ?? gain,
    limit: limited?.limit ?? limits.trialSuspect,
  }
}
