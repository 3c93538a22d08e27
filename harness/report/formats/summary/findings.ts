import { leadersOf } from '../../../audit/causes.ts'
import { type Colors, printable, wrapWords } from '../../../terminal/cells.ts'
import { verdictPaint } from '../../figures.ts'
import type { Finding, Report, Verdict } from '../../record.ts'
import { entry, flagged } from './layout.ts'

/** Why the run stopped early, if it did. */
export function errorLines({ error }: Report, colors: Colors): string[] {
  return error === undefined ? [] : flagged(`the run stopped early: ${error}`, colors.red)
}

/**
 * The findings that count against the run, each with its hint. Those that another explains are folded into one line below
 * it, notes too: they go when it goes.
 */
export function doubtLines({ findings }: Report, colors: Colors): string[] {
  const leaders = leadersOf(findings).filter(({ severity }) => severity !== 'note')
  return leaders.flatMap((leader, index) => {
    const { code, severity, message, hint } = leader
    const paint = verdictPaint(severity as Verdict, colors)
    const isLast = leaders.findLastIndex(other => other.code === code) === index
    return [
      ...flagged(`${code}   ${message}: ${hint}`, paint),
      ...(isLast ? foldedLines(leader, findings, colors) : []),
    ]
  })
}

/** What a leader explains: `also: quantile-ci, warm-up (explained by this)`; one that is worse than it is marked. */
function foldedLines(leader: Finding, findings: readonly Finding[], colors: Colors): string[] {
  const folded = findings.filter(({ explainedBy }) => explainedBy === leader.code)
  if (folded.length === 0) return []
  const invalid = folded.filter(({ severity }) => severity === 'invalid').map(({ code }) => code)
  const isWorse = invalid.length > 0 && leader.severity !== 'invalid'
  const codes = [...new Set(folded.map(({ code }) => code))].map(code =>
    isWorse && invalid.includes(code) ? `${code} (invalid)` : code,
  )
  const lines = wrapWords(printable(`also: ${codes.join(', ')} (explained by this)`), foldedCells)
  return lines.map(line => (isWorse ? colors.red : colors.dim)(`    ${line}`))
}

/** The findings that do not count against the run. */
export function noteLines({ findings }: Report, colors: Colors): string[] {
  return leadersOf(findings)
    .filter(({ severity }) => severity === 'note')
    .flatMap(({ message, hint }) => entry('note', printable(`${message}: ${hint}`).split(' '), colors, ' '))
}

const foldedCells = 76
