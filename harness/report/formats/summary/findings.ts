import { type Colors, printable } from '../../../terminal/cells.ts'
import type { Report } from '../../record.ts'
import { entry, flagged } from './layout.ts'

/** Why the run stopped early, if it did. */
export function errorLines({ error }: Report, colors: Colors): string[] {
  return error === undefined ? [] : flagged(`the run stopped early: ${error}`, colors.red)
}

/** The findings that count against the run, each with its hint. */
export function doubtLines({ findings }: Report, colors: Colors): string[] {
  return findings
    .filter(({ severity }) => severity !== 'note')
    .flatMap(({ code, severity, message, hint }) =>
      flagged(`${code}   ${message}: ${hint}`, severity === 'invalid' ? colors.red : colors.yellow),
    )
}

/** The findings that do not count against the run. */
export function noteLines({ findings }: Report, colors: Colors): string[] {
  return findings
    .filter(({ severity }) => severity === 'note')
    .flatMap(({ message, hint }) => entry('note', printable(`${message}: ${hint}`).split(' '), colors, ' '))
}
