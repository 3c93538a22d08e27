import { parseServiceTime, serviceTimeForms } from '../../harness/serviceTime.ts'
import { parseStall, stallForms } from '../../harness/stall.ts'
import type { ScheduleSettings } from './schedule.ts'

const poolSizeMax = 1_000_000

/** The flags of a job pool as they were given. */
export interface PoolFlags {
  readonly poolSize?: string
  readonly serviceTime?: string
  readonly stall?: string
}

/**
 * What the flags ask for; undefined when they ask for no pool. `wanted` is told, for a flag at fault, what is wanted
 * and what was given.
 */
export function poolSettings(
  flags: PoolFlags,
  seed: number,
  wanted: (flag: string, what: string, got: string) => void,
): ScheduleSettings | undefined {
  const { poolSize = '1' } = flags
  const size = poolSize === 'unlimited' ? Number.POSITIVE_INFINITY : /^\d+$/.test(poolSize) ? Number(poolSize) : 0
  if (size < 1 || (size > poolSizeMax && poolSize !== 'unlimited')) {
    wanted('--pool-size', `a whole number from 1 to ${poolSizeMax}, or unlimited`, poolSize)
  }
  const serviceTime = flags.serviceTime === undefined ? undefined : parseServiceTime(flags.serviceTime)
  if (flags.serviceTime !== undefined && serviceTime === undefined) {
    wanted('--service-time', serviceTimeForms, flags.serviceTime)
  }
  const stall = flags.stall === undefined ? undefined : parseStall(flags.stall)
  if (flags.stall !== undefined && stall === undefined) wanted('--stall', stallForms, flags.stall)
  // Without a service time jobs take none: a pool all the same, with its bounds on requests in hand.
  if (flags.poolSize === undefined && serviceTime === undefined && stall === undefined) return undefined
  return {
    poolSize: size,
    seed,
    ...(serviceTime !== undefined && { serviceTime }),
    ...(stall !== undefined && { stall }),
  }
}
