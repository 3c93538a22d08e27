/** Avoids division by 0 in an idle run. */
const inFlightMin = 1e-9
/** Sampling error, apart from requests cut at either end of the run (docs/measurement.md, check 8). */
const samplingShare = 0.01

/** The error of L = X R (Little 1961) as a share of L, the mean number of requests in flight. */
export function littlesLawError(inFlightMean: number, throughputPerSecond: number, responseSeconds: number): number {
  return Math.abs(inFlightMean - throughputPerSecond * responseSeconds) / Math.max(inFlightMean, inFlightMin)
}

/** The largest acceptable error: 1 %, and the requests in flight at both ends as a share of all requests. */
export function littlesLawLimit(connectionsTimesDepth: number, requests: number): number {
  return samplingShare + (2 * connectionsTimesDepth) / requests
}
