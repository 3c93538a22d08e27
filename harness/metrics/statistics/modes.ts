/** What the kernel's TCP adds to a response time (Linux: TCP_DELACK_MIN, TCP_RTO_MIN, TCP_TIMEOUT_INIT). */
const delays = [
  { offsetMs: 40, name: 'delayed ACK' },
  { offsetMs: 200, name: 'retransmission timeout' },
  { offsetMs: 1000, name: 'SYN retransmission' },
] as const

/** A bump reaches so far to either side of its middle. */
const reach = 0.1
const countMin = 10
/** How many times the mean of its neighbourhoods a bump must hold. */
const prominenceMin = 5

/** How many latencies fell into a bucket of a histogram, by a value within it. */
export interface LatencyBucket {
  readonly valueMs: number
  readonly count: number
}

/** A bump in a histogram, by what is known to make one there. */
export interface DelayedMode {
  readonly offsetMs: number
  readonly name: (typeof delays)[number]['name']
  readonly count: number
}

/**
 * Bumps at the median plus what TCP adds to it, where the median is under half of that. Each is held against what lies
 * on either side of it in ranges as wide as its own, as a ratio. The thresholds are this project's own.
 */
export function delayedModes(buckets: readonly LatencyBucket[], p50Ms: number): DelayedMode[] {
  return delays
    .filter(({ offsetMs }) => p50Ms < offsetMs / 2)
    .map(delay => ({ ...delay, ...bumpAt(buckets, p50Ms + delay.offsetMs) }))
    .filter(({ count, around }) => count >= countMin && count >= prominenceMin * around)
    .map(({ offsetMs, name, count }) => ({ offsetMs, name, count }))
}

function bumpAt(buckets: readonly LatencyBucket[], middleMs: number): { count: number; around: number } {
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
