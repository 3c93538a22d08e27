import { type Command, CommanderError } from 'commander'
import { type ExitCode, exitCode } from '../harness/errors.ts'

/** Parses the flags of this process; returns the exit code if they are wrong or ask for help, else undefined. */
export function parseFlags(command: Command): ExitCode | undefined {
  try {
    command.exitOverride().parse()
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? exitCode.pass : exitCode.couldNotRun
  }
}
