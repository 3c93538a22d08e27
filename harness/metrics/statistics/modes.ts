/**
 * Delays that the kernel's TCP adds to a response time (Linux: TCP_DELACK_MIN, TCP_RTO_MIN, TCP_TIMEOUT_INIT), and whether
 * one may be added to every reply of a connection.
 */
const delays = [
  { offsetMs: 40, name: 'delayed ACK', isRepeated: true },
  { offsetMs: 200, name: 'retransmission timeout', isRepeated: true },
  { offsetMs: 1000, name: 'SYN retransmission', isRepeated: false },
] as const

/** Half the width of a peak, as a share of its middle. */
const reach = 0.1
const countMin = 10
/** A peak must have this many times the mean count of its neighbourhoods. */
const prominenceMin = 5

/** The count of a histogram's bucket, and a value within it. */
export interface LatencyBucket {
  readonly valueMs: number
  readonly count: number
}

/** A peak in a histogram, and its known cause. */
export interface DelayedMode {
  readonly offsetMs: number
  readonly name: (typeof delays)[number]['name']
  readonly count: number
}

/**
 * Peaks at the median plus a delay of TCP, if the median is less than half of the delay. Each peak is compared with the
 * ranges on either side of it, which are as wide as its own, as a ratio. The thresholds are this project's own.
 */
export function delayedModes(buckets: readonly LatencyBucket[], p50Ms: number): DelayedMode[] {
  return delays
    .filter(({ offsetMs }) => p50Ms < offsetMs / 2)
    .map(delay => ({ ...delay, ...peakAt(buckets, p50Ms + delay.offsetMs) }))
    .filter(({ count, around }) => count >= countMin && count >= prominenceMin * around)
    .map(({ offsetMs, name, count }) => ({ offsetMs, name, count }))
}

/** A delay of TCP at which most replies stand, and the share of those that do. */
export interface StandingDelay {
  readonly offsetMs: number
  readonly name: (typeof delays)[number]['name']
  readonly share: number
}

/** Replies later than the delay by up to this share of it stand at it: the kernel's timers are late by a few milliseconds. */
const lateShare = 0.12
/** A timer may seem early by this share of it: the clocks of histogram and kernel round. */
const earlyShare = 0.01
/** A network whose least round trip is longer may explain such response times. */
const roundTripMsMax = 2
/** Fewer replies would stand there by chance. */
const standingMin = 20

/**
 * The delay of TCP at which the median stands, although the network's least round trip is far below it. A server that
 * works for just that long looks the same; nothing in the response times tells them apart.
 */
export function standingDelay(
  buckets: readonly LatencyBucket[],
  p50Ms: number,
  leastRoundTripMs: number,
): StandingDelay | undefined {
  const stands = (valueMs: number, offsetMs: number) =>
    valueMs >= offsetMs * (1 - earlyShare) && valueMs <= offsetMs * (1 + lateShare)
  const delay = delays.find(({ offsetMs, isRepeated }) => isRepeated && stands(p50Ms, offsetMs))
  if (delay === undefined || leastRoundTripMs > roundTripMsMax) return undefined
  const { offsetMs, name } = delay
  const total = buckets.reduce((sum, { count }) => sum + count, 0)
  const standing = buckets.reduce((sum, { valueMs, count }) => sum + (stands(valueMs, offsetMs) ? count : 0), 0)
  return standing < standingMin ? undefined : { offsetMs, name, share: standing / total }
}

function peakAt(buckets: readonly LatencyBucket[], middleMs: number): { count: number; around: number } {
  const fromMs = middleMs * (1 - reach)
  const toMs = middleMs * (1 + reach)
  const ratio = toMs / fromMs
  let count = 0
  let neighbours = 0
  for (const bucket of buckets) {
    if (bucket.valueMs >= fromMs && bucket.valueMs <= toMs) count += bucket.count
    else if (bucket.valueMs >= fromMs / ratio && bucket.valueMs <= toMs * ratio) neighbours += bucket.count
  }
  return { count, around: neighbours / 2 }
}
