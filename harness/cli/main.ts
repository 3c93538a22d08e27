#!/usr/bin/env node
import { type ExitCode, exitCode } from '../errors.ts'
import { loadingShortage } from '../host/descriptors.ts'
import { fileDescriptorsMax } from '../host/processes.ts'
import { checkArguments } from './arguments.ts'
import { printThrown } from './errors.ts'
import { watchOutput } from './output.ts'

let stop: AbortController | undefined

/** Fires with the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once. */
function interruption(): AbortSignal {
  if (stop !== undefined) return stop.signal
  const controller = new AbortController()
  stop = controller
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted)
    controller.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  return controller.signal
}

const { env, stdin } = process
// Opening a stream may fail too, for lack of file descriptors.
process.on('uncaughtException', error => {
  printThrown(error, process)
  process.exit(exitCode.couldNotRun)
})
const { stdout, stderr } = process
const output = watchOutput(stdout)
const messages = watchOutput(stderr)

/** The figures are what a command is run for: without them it has not done what it was to do. */
function withOutput(code: ExitCode): ExitCode {
  const failure = output.failure()
  if (failure === undefined || code === exitCode.interrupted) return code
  stderr.write(`volley: cannot write to stdout: ${failure}\n`)
  return exitCode.couldNotRun
}

const args = process.argv.slice(2)
checkArguments(args)
// Read before they may be used up.
const descriptors = fileDescriptorsMax()
// Imported here, as the files of a program may be more than the process may open at once ("ulimit -n 64").
const { runCommand } = await import('./program.ts').catch((error: NodeJS.ErrnoException) => {
  if (error.code !== 'EMFILE') throw error
  const { message, hint } = loadingShortage(args, descriptors)
  stderr.write(`${message}\n  ${hint}\n`)
  process.exit(exitCode.couldNotRun)
})
const code = await runCommand(args, {
  stdout,
  stderr,
  stdin,
  env,
  readerGone: output.gone,
  get signal() {
    return interruption()
  },
})
await output.flushed()
const ended = withOutput(code)
await messages.flushed()
process.exit(ended)
