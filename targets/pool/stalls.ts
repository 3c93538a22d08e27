import type { Stall } from '../../harness/stall.ts'

/** When work can begin that is there at `ms`: then, or at the end of the stall; Infinity where that has no end. */
export function beginMs(stall: Stall | undefined, ms: number): number {
  if (stall === undefined) return ms
  if (stall.kind === 'forever') return ms < stall.fromMs ? ms : Number.POSITIVE_INFINITY
  const periods = Math.floor(ms / stall.periodMs)
  return ms - periods * stall.periodMs < stall.periodMs - stall.lengthMs ? ms : (periods + 1) * stall.periodMs
}

/**
 * When `workMs` of work are done that begin at `ms`, which is in no stall: the stalls on the way come on top. Work that
 * is done the moment a stall begins is done in time.
 */
export function endMs(stall: Stall | undefined, ms: number, workMs: number): number {
  if (stall === undefined || workMs === 0) return ms + workMs
  if (stall.kind === 'forever') return ms + workMs <= stall.fromMs ? ms + workMs : Number.POSITIVE_INFINITY
  const workingMs = stall.periodMs - stall.lengthMs
  const remainderMs = ms % stall.periodMs
  // A period's very beginning may be rounded to the end of the one before.
  const offsetMs = remainderMs < workingMs ? remainderMs : 0
  const stalls = Math.ceil((offsetMs + workMs) / workingMs) - 1
  return ms + workMs + stalls * stall.lengthMs
}
