export type TrialVerdict = 'pass' | 'fail' | 'skipped'

/** The outcome of a trial. */
export interface TrialResult {
  readonly name: string
  readonly does: string
  readonly verdict: TrialVerdict
  readonly detail: string
  readonly elapsedMs: number
  /** How far the server's resident memory rose above its value before the trial, if it is watched. */
  readonly memoryRoseBytes?: number
}
