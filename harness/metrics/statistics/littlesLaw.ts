/** Keeps an idle run from being divided by 0. */
const inFlightMin = 1e-9
/** What sampling may be wrong by, apart from requests cut at either end of the run (measurement, check 8). */
const samplingShare = 0.01

/** How far L = X R (Little 1961) is from holding, as a share of L, the mean number of requests in flight. */
export function littlesLawError(inFlightMean: number, throughputPerSecond: number, responseSeconds: number): number {
  return Math.abs(inFlightMean - throughputPerSecond * responseSeconds) / Math.max(inFlightMean, inFlightMin)
}

/** The error that is still no fault: 1 %, and what is in flight at either end of so many requests. */
export function littlesLawLimit(connectionsTimesDepth: number, requests: number): number {
  return samplingShare + (2 * connectionsTimesDepth) / requests
}
