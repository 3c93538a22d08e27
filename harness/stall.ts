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
