import { readFileSync } from 'node:fs'
import { UserError } from '../errors.ts'
import { utf8Fault } from '../utf8.ts'

/** What Node puts in the place of bytes that are no UTF-8. */
const replacement = '\ufffd'

/**
 * Throws a UserError for arguments that are not UTF-8, as other bytes would be sent than those that were written. Only
 * where the system tells the bytes of a command line, which is Linux.
 */
export function checkArguments(args: readonly string[], commandLine: () => Uint8Array = readCommandLine): void {
  if (!args.some(text => text.includes(replacement))) return
  const raw = split(commandLine()).slice(-args.length)
  const faults = args.flatMap((text, index) => {
    const fault = text.includes(replacement) && raw[index] ? utf8Fault(raw[index]) : undefined
    if (fault === undefined) return []
    const byte = `byte 0x${fault.byte.toString(16)}`
    return [{ place: text, message: `expected UTF-8 text, got ${byte}; a scenario takes other bytes as { hex: ... }` }]
  })
  if (faults.length > 0) throw new UserError(faults)
}

function readCommandLine(): Uint8Array {
  try {
    return readFileSync('/proc/self/cmdline')
  } catch {
    return new Uint8Array(0)
  }
}

/** The arguments of a command line, each of which ends with a zero. */
function split(commandLine: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  let from = 0
  for (let to = commandLine.indexOf(0); to >= 0; to = commandLine.indexOf(0, from)) {
    parts.push(commandLine.subarray(from, to))
    from = to + 1
  }
  return parts
}
