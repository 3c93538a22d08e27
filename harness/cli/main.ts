#!/usr/bin/env node
import { type ExitCode, exitCode } from '../errors.ts'
import { loadingShortage } from '../host/descriptors.ts'

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

const shortage = loadingShortage(process.argv.slice(2))
if (shortage !== undefined) {
  process.stderr.write(`${shortage.message}\n  ${shortage.hint}\n`)
  process.exit(exitCode.couldNotRun)
}
// Imported here, as with few file descriptors the files of the program cannot be opened.
const { runCommand } = await import('./program.ts')
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
