import { type Command, CommanderError } from 'commander'
import { type ExitCode, exitCode } from '../harness/errors.ts'

/** Takes the flags of this process; answers how it is to end where they are at fault, or were a question for help. */
export function parseFlags(command: Command): ExitCode | undefined {
  try {
    command.exitOverride().parse()
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? exitCode.pass : exitCode.couldNotRun
  }
}
