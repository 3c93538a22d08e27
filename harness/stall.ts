import { parseDuration } from './units.ts'

export const stallForms = '1s/10s (a stall shorter than its period) or forever@54s'

const stallMsMax = 24 * 3_600_000

/**
 * When no work is done: the last `lengthMs` of each `periodMs`, or all the time from `fromMs` on. Times count from the
 * first request. A stall includes its start and excludes its end.
 */
export type Stall =
  | { readonly kind: 'repeated'; readonly lengthMs: number; readonly periodMs: number }
  | { readonly kind: 'forever'; readonly fromMs: number }

/** Reads `LENGTH/PERIOD` or `forever@FROM`; undefined for other texts. */
export function parseStall(text: string): Stall | undefined {
  const [first, second, more] = text.split(/[/@]/)
  const secondMs = parseDuration(second ?? '')
  if (secondMs === undefined || secondMs > stallMsMax || more !== undefined) return undefined
  if (text.startsWith('forever@')) return { kind: 'forever', fromMs: secondMs }
  const lengthMs = text.includes('/') ? parseDuration(first!) : undefined
  if (lengthMs === undefined || lengthMs <= 0 || lengthMs >= secondMs) return undefined
  return { kind: 'repeated', lengthMs, periodMs: secondMs }
}

/** When work that arrives at `ms` can begin: then, or at the end of the stall; Infinity where that has no end. */
export function beginMs(stall: Stall | undefined, ms: number): number {
  if (stall === undefined) return ms
  if (stall.kind === 'forever') return ms < stall.fromMs ? ms : Number.POSITIVE_INFINITY
  const periods = Math.floor(ms / stall.periodMs)
  return ms - periods * stall.periodMs < stall.periodMs - stall.lengthMs ? ms : (periods + 1) * stall.periodMs
}

/**
 * When `workMs` of work that begins at `ms`, outside a stall, is done: the stalls in between are added. Work that is done
 * at the moment a stall begins is not delayed by it.
 */
export function endMs(stall: Stall | undefined, ms: number, workMs: number): number {
  if (stall === undefined || workMs === 0) return ms + workMs
  if (stall.kind === 'forever') return ms + workMs <= stall.fromMs ? ms + workMs : Number.POSITIVE_INFINITY
  const workingMs = stall.periodMs - stall.lengthMs
  const remainderMs = ms % stall.periodMs
  // The beginning of a period may be rounded to the end of the one before.
  const offsetMs = remainderMs < workingMs ? remainderMs : 0
  const stalls = Math.ceil((offsetMs + workMs) / workingMs) - 1
  return ms + workMs + stalls * stall.lengthMs
}
