/** `unproven`: no check found a problem, but there was too little to look at. */
export type Verdict = 'trusted' | 'unproven' | 'suspect' | 'invalid'

/** A doubt about a figure, with a hint on what to do about it; it is saved in the report and shown with the figures. */
export interface Finding {
  /** The check that found it, such as `conservation`. */
  readonly code: string
  readonly severity: 'note' | 'unproven' | 'suspect' | 'invalid'
  readonly message: string
  readonly hint: string
  readonly value: number
  readonly limit: number
  /** The code of the finding that is its cause, where another one is (`causes.ts`). */
  readonly explainedBy?: string
}

/** The verdict of the worst finding, whether another explains it or not; a note does not count against a run. */
export function verdictOf(findings: readonly Pick<Finding, 'severity'>[]): Verdict {
  const worst = (['invalid', 'suspect', 'unproven'] as const).find(verdict =>
    findings.some(({ severity }) => severity === verdict),
  )
  return worst ?? 'trusted'
}

/** Whether a check found a problem: neither a note nor too little to look at. */
export function isDoubt({ severity }: Pick<Finding, 'severity'>): boolean {
  return severity === 'suspect' || severity === 'invalid'
}
