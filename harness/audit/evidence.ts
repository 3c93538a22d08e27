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
  readonly isWarmupAutomatic: boolean
}

/** Whether the measured part is long enough, and has enough requests, for the other checks to find what they look for. */
export function auditEvidence(inputs: EvidenceInputs): Finding[] {
  const { measuredMs, completed, interrupted } = inputs
  const isShort = measuredMs < limits.measuredMsMin - lateReadingMs
  const isSparse = completed < limits.completedMin
  if (!isShort && !isSparse) return []
  const seconds = formatSeconds(measuredMs / 1000)
  const had = isSparse ? `${plural(completed, 'request')} in ${seconds} measured` : `${seconds} measured`
  const enough = `${formatCount(limits.completedMin)} requests`
  const long = formatDuration(limits.measuredMsMin)
  const needed = isShort && isSparse ? `${long} and ${enough}` : isShort ? long : enough
  return [
    {
      code: 'unproven',
      severity: 'unproven',
      message: `${interrupted ? 'interrupted: ' : ''}${had}`,
      hint: `a verdict needs ${needed} (${adviceOf(inputs)})`,
      value: isShort ? measuredMs / 1000 : completed,
      limit: isShort ? limits.measuredMsMin / 1000 : limits.completedMin,
    },
  ]
}

/** What to ask for, so that the next run has enough. */
function adviceOf(inputs: EvidenceInputs): string {
  const { measuredMs, completed, interrupted, mode, durationMs, isCounted, isWarmupAutomatic } = inputs
  const perMs = measuredMs > 0 ? completed / measuredMs : 0
  const neededMs = Math.max(limits.measuredMsMin, perMs > 0 ? limits.completedMin / perMs : 0)
  const longest = `-d ${formatSetting(Math.ceil((neededMs + (isWarmupAutomatic ? warmupRoomMs : 0)) / 1000) * 1000)}`
  if (mode === 'once') return `mode loop, ${longest}`
  if (interrupted && !isCounted && durationMs >= neededMs) return 'let it run to its end'
  return isCounted ? `${longest} in place of -n` : longest
}
