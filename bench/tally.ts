/** The audit's verdict on one run. */
export interface Audited {
  readonly kind: string
  readonly verdict: string
  /** Codes of its findings, without notes. */
  readonly codes: readonly string[]
}

/** A table of the runs of each kind: their number, their verdicts, and how many had each finding. */
export function tallyOf(runs: readonly Audited[]): string {
  const kinds = [...new Set(runs.map(({ kind }) => kind))]
  const codes = [...new Set(runs.flatMap(run => run.codes))].sort()
  const counts = (name: string, matches: (run: Audited) => boolean) => {
    const of = (kind?: string) => runs.filter(run => (kind === undefined || run.kind === kind) && matches(run)).length
    const all = of()
    return row(name, [...kinds.map(kind => String(of(kind))), `${all} (${((all / runs.length) * 100).toFixed(1)} %)`])
  }
  const widths = kinds.map(kind => kind.length)
  function row(name: string, cells: readonly string[]): string {
    return `${name.padEnd(18)}${cells.map((cell, index) => cell.padStart((widths[index] ?? 12) + 2)).join('')}`
  }
  return [
    row('', [...kinds, 'all']),
    counts('runs', () => true),
    ...['trusted', 'unproven', 'suspect', 'invalid'].map(verdict => counts(verdict, run => run.verdict === verdict)),
    ...codes.map(code => counts(code, run => run.codes.includes(code))),
  ].join('\n')
}
