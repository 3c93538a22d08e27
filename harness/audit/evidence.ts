import type { Load } from '../scenario/scenario.ts'
import { formatCount, formatDuration, formatSeconds, formatSetting, plural } from '../units.ts'
import type { Finding } from './finding.ts'
import { limits } from './limits.ts'

/** The reading that ends the warm-up may be this late on a busy machine, and shortens the measured part. */
const lateReadingMs = 250
/** An automatic warm-up may take this long of the duration that was asked for. */
const warmupRoomMs = 2000

/** How much there was to look at. */
export interface EvidenceInputs {
  /** The length of the measured part, and the requests completed in it. */
  readonly measuredMs: number
  readonly completed: number
  readonly interrupted: boolean
  readonly mode: Load['mode']
  /** As asked for (-d), without the warm-up. */
  readonly durationMs: number
  /** A number of requests (-n) ends the run. */
  readonly isCounted: boolean
  /** The length of the run is that of its stages, beside which there is no -d. */
  readonly hasStages: boolean
  /** Groups of connections that each have their own number. */
  readonly hasGroups?: boolean
  readonly isWarmupAutomatic: boolean
}

/** A pass over the steps, which is to show what comes back: its figures are of too few requests to say anything. */
export function isOnlyPass(inputs: Pick<EvidenceInputs, 'mode' | 'measuredMs' | 'completed'>): boolean {
  return inputs.mode === 'once' && (isShort(inputs) || isSparse(inputs))
}

function isShort({ measuredMs }: Pick<EvidenceInputs, 'measuredMs'>): boolean {
  return measuredMs < limits.measuredMsMin - lateReadingMs
}

function isSparse({ completed }: Pick<EvidenceInputs, 'completed'>): boolean {
  return completed < limits.completedMin
}

/** Whether the measured part is long enough, and has enough requests, for the other checks to find what they look for. */
export function auditEvidence(inputs: EvidenceInputs): Finding[] {
  const { measuredMs, completed, interrupted } = inputs
  const [short, sparse] = [isShort(inputs), isSparse(inputs)]
  if ((!short && !sparse) || isOnlyPass(inputs)) return []
  const seconds = formatSeconds(measuredMs / 1000)
  const had = sparse ? `${plural(completed, 'request')} in ${seconds} measured` : `${seconds} measured`
  const enough = `${formatCount(limits.completedMin)} requests`
  const long = formatDuration(limits.measuredMsMin)
  const needed = short && sparse ? `${long} and ${enough}` : short ? long : enough
  return [
    {
      code: 'unproven',
      severity: 'unproven',
      message: `${interrupted ? 'interrupted: ' : ''}${had}`,
      hint: `a verdict needs ${needed} (${adviceOf(inputs)})`,
      value: short ? measuredMs / 1000 : completed,
      limit: short ? limits.measuredMsMin / 1000 : limits.completedMin,
    },
  ]
}

/** What to ask for, so that the next run has enough. */
function adviceOf(inputs: EvidenceInputs): string {
  const { measuredMs, completed, interrupted, durationMs, isCounted, hasStages, isWarmupAutomatic } = inputs
  const perMs = measuredMs > 0 ? completed / measuredMs : 0
  const neededMs = Math.max(limits.measuredMsMin, perMs > 0 ? limits.completedMin / perMs : 0)
  const length = formatSetting(Math.ceil((neededMs + (isWarmupAutomatic ? warmupRoomMs : 0)) / 1000) * 1000)
  if (interrupted && !isCounted && durationMs >= neededMs) return 'let it run to its end'
  if (hasStages) return `load.stages of ${length} in all`
  return isCounted ? `-d ${length} in place of -n` : `-d ${length}`
}
