import { type Command, Option } from 'commander'
import type { OptionValue } from '../../harness/optionValue.ts'
import { flagOf } from '../../harness/serverOptions.ts'

/** A flag as a table of options has it. */
export interface FlagRow {
  readonly description: string
  readonly value: OptionValue
  readonly placeholder?: string
  readonly short?: string
  readonly default?: string
}

/** Output and environment of a command: those of the process, or of a test. */
export interface CommandContext {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  readonly env: NodeJS.ProcessEnv
}

/** Adds the flags of a table to a command; `notes` are appended to their descriptions. */
export function addOptions(
  command: Command,
  rows: readonly (readonly [string, FlagRow])[],
  notes: Readonly<Record<string, string>> = {},
): Command {
  for (const [name, row] of rows) {
    const flags = `${row.short === undefined ? '' : `-${row.short}, `}${flagOf(name)} ${row.placeholder ?? ''}`.trim()
    const option = new Option(flags, `${row.description}${notes[name] ?? ''}`)
    // A name such as --no-delay does not mean the opposite of --delay, as commander takes it.
    option.negate = false
    command.addOption(row.default === undefined ? option : option.default(row.default, row.default))
  }
  return command
}

/** A command that throws in place of ending the process, and writes to the given context. */
export function configureCommand(command: Command, { stdout, stderr }: CommandContext): Command {
  return command.exitOverride().configureOutput({
    writeOut: text => stdout.write(text),
    writeErr: text => stderr.write(text),
    outputError: (text, write) => write(text.replace(/^error: /, '')),
  })
}
