import { leadersOf } from '../../../audit/causes.ts'
import { printable, wrapWords } from '../../../terminal/cells.ts'
import { verdictPaint } from '../../figures.ts'
import type { Finding, Report, Verdict } from '../../record.ts'
import { entry, flagged, type SummaryStyle } from './layout.ts'

/** Why the run stopped early, if it did. */
export function errorLines({ error }: Report, style: SummaryStyle): string[] {
  return error === undefined ? [] : flagged(`the run stopped early: ${error}`, style.red, style)
}

/**
 * The findings that count against the run, each with its hint. Those that another explains are folded into one line below
 * it, notes too: they go when it goes.
 */
export function doubtLines({ findings }: Report, style: SummaryStyle): string[] {
  const leaders = leadersOf(findings).filter(({ severity }) => severity !== 'note')
  return leaders.flatMap((leader, index) => {
    const { code, severity } = leader
    const paint = verdictPaint(severity as Verdict, style)
    const isLast = leaders.findLastIndex(other => other.code === code) === index
    return [
      ...flagged(`${code}   ${adviceOf(leader)}`, paint, style),
      ...(isLast ? foldedLines(leader, findings, style) : []),
    ]
  })
}

/** What a leader explains: `also: quantile-ci, warm-up (explained by this)`; one that is worse than it is marked. */
function foldedLines(leader: Finding, findings: readonly Finding[], style: SummaryStyle): string[] {
  const folded = findings.filter(({ explainedBy }) => explainedBy === leader.code)
  if (folded.length === 0) return []
  const invalid = folded.filter(({ severity }) => severity === 'invalid').map(({ code }) => code)
  const isWorse = invalid.length > 0 && leader.severity !== 'invalid'
  const codes = [...new Set(folded.map(({ code }) => code))].map(code =>
    isWorse && invalid.includes(code) ? `${code} (invalid)` : code,
  )
  const lines = wrapWords(printable(`also: ${codes.join(', ')} (explained by this)`), style.columns - 4)
  return lines.map(line => (isWorse ? style.red : style.dim)(`    ${line}`))
}

/** The findings that do not count against the run. */
export function noteLines({ findings }: Report, style: SummaryStyle): string[] {
  return leadersOf(findings)
    .filter(({ severity }) => severity === 'note')
    .flatMap(note => entry('note', printable(adviceOf(note)).split(' '), style, ' '))
}

/** Where the checks are explained that found something; a run that is too short needs no explanation. */
export function detailLines({ findings }: Report, docs = 'docs/measurement.md', style: SummaryStyle): string[] {
  const leaders = leadersOf(findings).filter(({ severity }) => severity !== 'unproven')
  const [first, ...others] = [...new Set(leaders.map(({ code }) => `#${code}`))]
  if (first === undefined) return []
  const anchors = [`${printable(docs)}${first}`, ...others]
  const parts = anchors.map((anchor, index) => (index < anchors.length - 1 ? `${anchor},` : anchor))
  return entry('details', parts, style, ' ')
}

/** The finding, and what to do. */
function adviceOf({ message, hint }: Finding): string {
  return `${message}: ${hint}`
}
