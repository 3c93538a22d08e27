import { Command, CommanderError } from 'commander'
import { type ExitCode, exitCode } from '../errors.ts'
import { toolVersion } from '../version.ts'
import { addCompare } from './compare.ts'
import { addCompletion } from './completion.ts'
import { printThrown } from './errors.ts'
import { withImpliedRun } from './impliedRun.ts'
import { addInit } from './init.ts'
import type { CommandIo } from './io.ts'
import { addList } from './list.ts'
import { addProtocol, addProtocols } from './protocols.ts'
import { addReport } from './report.ts'
import { addRun } from './run.ts'
import { addSchema } from './schema.ts'
import { addServe } from './serve.ts'
import { addTalk } from './talk.ts'
import { addTorture } from './torture.ts'
import { addValidate } from './validate.ts'

const commands = [
  addRun,
  addServe,
  addTalk,
  addTorture,
  addValidate,
  addSchema,
  addList,
  addProtocols,
  addProtocol,
  addCompare,
  addReport,
  addInit,
  addCompletion,
]

/** Runs one command line, given without the program's name; returns its exit code. Whatever is thrown is printed: exit 2. */
export async function runCommand(argv: readonly string[], io: CommandIo): Promise<ExitCode> {
  let code: ExitCode = exitCode.pass
  const program = createProgram(io)
  for (const add of commands) {
    add(program, io, result => {
      code = result
    })
  }
  try {
    const names = program.commands.map(command => command.name())
    const run = program.commands.find(command => command.name() === 'run')!
    const withValue = run.options.filter(({ required }) => required)
    const valueFlags = withValue.flatMap(({ short, long }) => [short, long].filter(flag => flag !== undefined))
    await program.parseAsync(withImpliedRun(argv, ['help', ...names], valueFlags), { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.pass : exitCode.couldNotRun
    printThrown(error, io)
    return exitCode.couldNotRun
  }
}

function createProgram({ stdout, stderr }: CommandIo): Command {
  return new Command('volley')
    .description('Load-tests servers of any request/reply protocol over TCP or UDP')
    .version(toolVersion)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: text => void stdout.write(text),
      writeErr: text => void stderr.write(text),
      getOutHelpWidth: () => stdout.columns || 80,
      getErrHelpWidth: () => stderr.columns || 80,
    })
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
Exit codes: 0 pass; 1 a threshold, a step of --once, a trial or --fail-if failed;
2 could not run; 3 it cannot be said; 4 the run is invalid, or with --strict
suspect or unproven; 130 interrupted.

  volley run scenarios/echo-loopback.yaml
  volley run tcp://127.0.0.1:8080 -c 10 -d 10s --send "Hello World!"
  volley http://127.0.0.1:8080/path -c 50          "run" may be left out
  volley init http://127.0.0.1:8080/path -o mine.yaml
  volley serve tlv --listen 127.0.0.1:8080
  volley torture tcp://127.0.0.1:8080 --protocol tlv`,
    )
}
