#!/usr/bin/env node
import { type ExitCode, exitCode } from '../errors.ts'
import { loadingShortage } from '../host/descriptors.ts'
import { fileDescriptorsMax } from '../host/processes.ts'

let code: ExitCode = exitCode.pass
let stop: AbortController | undefined

/** Fires with the first SIGINT or SIGTERM; a second one ends the process at once. */
function interruption(): AbortSignal {
  if (stop !== undefined) return stop.signal
  const controller = new AbortController()
  stop = controller
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted)
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return controller.signal
}

// A reader may close its end of the pipe, as in "volley ... | head": that is no error and needs no message.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', error => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    process.exit(code)
  })
}

// Read before they may be used up.
const descriptors = fileDescriptorsMax()
/** Imported by itself, as its files are opened at once, which takes more file descriptors than "ulimit -n" may allow. */
const { runCommand } = await import('./program.ts').catch((error: NodeJS.ErrnoException) => {
  if (error.code !== 'EMFILE') throw error
  const { message, hint } = loadingShortage(process.argv.slice(2), descriptors)
  process.stderr.write(`${message}\n  ${hint}\n`)
  process.exit(exitCode.couldNotRun)
})
code = await runCommand(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  get signal() {
    return interruption()
  },
})
// Exiting before this would lose output that a pipe has not taken yet.
const flushed = [process.stdout, process.stderr].map(stream => new Promise(resolve => stream.write('', resolve)))
await Promise.all(flushed)
process.exit(code)
