/** Delays that the kernel's TCP adds to a response time (Linux: TCP_DELACK_MIN, TCP_RTO_MIN, TCP_TIMEOUT_INIT). */
const delays = [
  { offsetMs: 40, name: 'delayed ACK' },
  { offsetMs: 200, name: 'retransmission timeout' },
  { offsetMs: 1000, name: 'SYN retransmission' },
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
