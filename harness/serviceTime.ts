import type { Prng } from './prng.ts'
import { parseDuration } from './units.ts'

export const serviceTimeForms = 'fixed:2ms, exponential:1ms, bimodal:1ms,20ms,2% or fixed:5ms@2s,fixed:1ms'

const serviceMsMax = 3_600_000
const uint32Values = 0x1_0000_0000

/** The distribution of service times, in milliseconds; `slowShare` is from 0 to 1. */
export type Distribution =
  | { readonly kind: 'fixed'; readonly ms: number }
  | { readonly kind: 'exponential'; readonly meanMs: number }
  | { readonly kind: 'bimodal'; readonly fastMs: number; readonly slowMs: number; readonly slowShare: number }

/** The distribution for jobs that begin before `untilMs`, in milliseconds after the first request. */
export interface ServicePhase {
  readonly distribution: Distribution
  readonly untilMs: number
}

/** Consecutive phases; the last one has no end. */
export type ServiceTime = readonly ServicePhase[]

/**
 * Reads `fixed:T`, `exponential:MEAN` or `bimodal:FAST,SLOW,SHARE%`, or several of them separated by commas, where all but
 * the last end with `@UNTIL`: `fixed:5ms@2s,fixed:1ms`. Undefined for other texts.
 */
export function parseServiceTime(text: string): ServiceTime | undefined {
  const parts = text.split(/,(?=[a-z]+:)/)
  const phases: ServicePhase[] = []
  let beforeMs = 0
  for (const [index, part] of parts.entries()) {
    const [distributionText, untilText, ...more] = part.split('@')
    const distribution = parseDistribution(distributionText!)
    const isLast = index === parts.length - 1
    if (distribution === undefined || more.length > 0 || isLast !== (untilText === undefined)) return undefined
    const untilMs = untilText === undefined ? Number.POSITIVE_INFINITY : (parseDuration(untilText) ?? 0)
    if (untilMs <= beforeMs) return undefined
    phases.push({ distribution, untilMs })
    beforeMs = untilMs
  }
  return phases
}

/** Draws how long a job takes that begins `beginMs` after the first request, in milliseconds. */
export function drawServiceMs(serviceTime: ServiceTime, beginMs: number, prng: Prng): number {
  const phase = serviceTime.find(({ untilMs }) => beginMs < untilMs) ?? serviceTime.at(-1)!
  const { distribution } = phase
  if (distribution.kind === 'fixed') return distribution.ms
  // Half a step above the drawn number, so that it is never 0, whose logarithm is not finite.
  const uniform = (prng.next32() + 0.5) / uint32Values
  if (distribution.kind === 'exponential') return -Math.log(uniform) * distribution.meanMs
  return uniform < distribution.slowShare ? distribution.slowMs : distribution.fastMs
}

function parseDistribution(text: string): Distribution | undefined {
  const [kind, values = ''] = text.split(':')
  const [first = '', second = '', share = '', ...more] = values.split(',')
  const ms = parseServiceMs(first)
  if (ms === undefined || text.split(':').length !== 2 || more.length > 0) return undefined
  if (kind === 'bimodal') {
    const slowMs = parseServiceMs(second)
    const percent = /^\d+(\.\d+)?%$/.test(share) ? Number(share.slice(0, -1)) : Number.NaN
    if (slowMs === undefined || !(percent <= 100)) return undefined
    return { kind, fastMs: ms, slowMs, slowShare: percent / 100 }
  }
  if (values.includes(',')) return undefined
  if (kind === 'fixed') return { kind, ms }
  return kind === 'exponential' ? { kind, meanMs: ms } : undefined
}

function parseServiceMs(text: string): number | undefined {
  const ms = parseDuration(text)
  return ms !== undefined && ms <= serviceMsMax ? ms : undefined
}
