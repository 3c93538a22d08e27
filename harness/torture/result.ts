/** How a server came through a trial. */
export type TrialVerdict = 'pass' | 'fail' | 'skipped'

/** What came of a trial. */
export interface TrialResult {
  readonly name: string
  readonly does: string
  readonly verdict: TrialVerdict
  readonly detail: string
  readonly elapsedMs: number
  /** How far the server's memory rose over what it was before, where it is watched. */
  readonly memoryRoseBytes?: number
}
