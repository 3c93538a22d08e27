import { type Fault, UserError, unexpectedText } from '../errors.ts'
import { printable } from '../terminal/cells.ts'
import type { CommandIo, OutputStream } from './io.ts'

/** The variable that has the stack of an error printed. */
const debugVariable = 'VOLLEY_DEBUG'

/** Prints anything that ended a command: what a user did wrong, or what went wrong in the system or in volley itself. */
export function printThrown(error: unknown, { stderr, env }: Pick<CommandIo, 'stderr' | 'env'>): void {
  if (error instanceof UserError) printError(error, stderr)
  else stderr.write(printableLines(unexpectedText(error, { stack: (env[debugVariable] ?? '') !== '' })))
}

/** Prints a user's faults, one per line with the places in their own column, then the hint. */
export function printError({ faults, hint }: UserError, stderr: OutputStream): void {
  const width = Math.max(...faults.map(fault => fault.place.length))
  const lines = faults.map(fault => line(fault, width))
  if (faults.length > 1 || faults[0]?.place) {
    lines.push(`${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}; nothing was sent`)
  }
  if (hint !== undefined) lines.push(`  ${hint}`)
  stderr.write(printableLines(`${lines.join('\n')}\n`))
}

function line({ place, message }: Fault, width: number): string {
  return width === 0 ? message : `${place.padEnd(width)}  ${message}`
}

/** User and password in a URL. */
const login = /\/\/[^\s/?#@"]*:[^\s/?#@"]*@/g

/** An error may quote a server, such as the names in its certificate, a file, or a URL with a password. */
function printableLines(text: string): string {
  return text.replace(login, '//***@').split('\n').map(printable).join('\n')
}
