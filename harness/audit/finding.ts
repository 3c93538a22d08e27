export type Verdict = 'trusted' | 'suspect' | 'invalid'

/** Doubt about a figure: kept in the report, shown with it, and told what to do about it. */
export interface Finding {
  /** A check of the audit, by its code, such as `conservation`. */
  readonly code: string
  readonly severity: 'note' | 'suspect' | 'invalid'
  readonly message: string
  readonly hint: string
  readonly value: number
  readonly limit: number
}

/** The worst of the findings; a note alone does not tell against a run. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(finding => finding.severity === 'invalid')) return 'invalid'
  return findings.some(finding => finding.severity === 'suspect') ? 'suspect' : 'trusted'
}

/** A fraction as a message has it: `0.12 %`. */
export function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(2))} %`
}
