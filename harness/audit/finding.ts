export type Verdict = 'trusted' | 'suspect' | 'invalid'

/** A doubt about a figure, with a hint on what to do about it; it is saved in the report and shown with the figures. */
export interface Finding {
  /** The check that found it, such as `conservation`. */
  readonly code: string
  readonly severity: 'note' | 'suspect' | 'invalid'
  readonly message: string
  readonly hint: string
  readonly value: number
  readonly limit: number
}

/** The verdict of the worst finding; a note does not count against a run. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(finding => finding.severity === 'invalid')) return 'invalid'
  return findings.some(finding => finding.severity === 'suspect') ? 'suspect' : 'trusted'
}
