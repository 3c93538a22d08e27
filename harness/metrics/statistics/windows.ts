/** A run window by window: requests completed per second, their mean response time, and requests in flight. */
export interface WindowSeries {
  readonly throughputs: readonly number[]
  readonly meansMs: readonly number[]
  readonly inFlights: readonly number[]
}

/** A window with fewer requests, on average, shows chance rather than a change. */
const requestsPerWindowMin = 10

/** The most windows, up to those that there are, of which each has enough requests on average. */
export function windowsWithEnough(windows: number, completed: number): number {
  return Math.min(windows, Math.floor(completed / requestsPerWindowMin))
}

/**
 * The same series in fewer windows of about equal length; `count` is at most their number. A mean response time is that
 * of the requests, not of the windows: one without replies does not count, and takes the value before it if all of its
 * parts are such.
 */
export function mergeWindows({ throughputs, meansMs, inFlights }: WindowSeries, count: number): WindowSeries {
  const edges = windowEdges(throughputs.length, count)
  const parts = (values: readonly number[]) => edges.slice(1).map((to, index) => values.slice(edges[index]!, to))
  const means = parts(meansMs)
  return {
    throughputs: parts(throughputs).map(meanOf),
    meansMs: parts(throughputs).map((weights, index) => weightedMean(means[index]!, weights)),
    inFlights: parts(inFlights).map(meanOf),
  }
}

/** The indexes at which merged windows begin, and the end of the last. */
export function windowEdges(windows: number, count: number): number[] {
  return Array.from({ length: count + 1 }, (_, index) => Math.floor((index * windows) / count))
}

function weightedMean(values: readonly number[], weights: readonly number[]): number {
  const weight = weights.reduce((sum, value) => sum + value, 0)
  return weight === 0 ? values[0]! : values.reduce((sum, value, index) => sum + value * weights[index]!, 0) / weight
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
