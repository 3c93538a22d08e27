/** The audit's verdict on one run. */
export interface Audited {
  readonly kind: string
  readonly verdict: string
  /** Codes of its findings that count against the run; the first is the leading one. */
  readonly codes: readonly string[]
}

/** Verdicts in the order of the table. */
const verdicts = ['trusted', 'unproven', 'suspect', 'invalid']

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
    ...verdicts.map(verdict => counts(verdict, run => run.verdict === verdict)),
    ...codes.map(code => counts(code, run => run.codes.includes(code))),
  ].join('\n')
}

/** Of the runs that are suspect or invalid, the share in which a finding leads; undefined without such runs. */
export function shareLedBy(code: string, runs: readonly Audited[]): number | undefined {
  const doubted = runs.filter(({ verdict }) => verdict === 'suspect' || verdict === 'invalid')
  if (doubted.length === 0) return undefined
  return doubted.filter(({ codes }) => codes[0] === code).length / doubted.length
}

/** The share of runs that are suspect or invalid for another cause than the given one. */
export function shareDoubtedBeside(code: string, runs: readonly Audited[]): number {
  const doubted = runs.filter(({ verdict }) => verdict === 'suspect' || verdict === 'invalid')
  return doubted.filter(({ codes }) => codes[0] !== code).length / runs.length
}
