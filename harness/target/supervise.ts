import { spawn } from 'node:child_process'

/**
 * Runs a shell command as the leader of a process group. It ends the whole group on a signal, or when the process that
 * started it has exited in whatever way, so that a `command:` target never outlives its run.
 *
 * It sends its parent `{ type: 'pid', pid }`, and exits with the command's exit code.
 */
const killAfterMs = 3000

// The handlers come before the command: a signal between the two would end this process and leave the command running.
process.on('disconnect', end)
process.on('SIGTERM', end)
process.on('SIGINT', end)

const child = spawn('/bin/sh', ['-c', process.argv[2]!], { stdio: ['ignore', 'ignore', 'inherit'], detached: true })
child.on('exit', (code, signal) => {
  // Processes that the command left running end with it.
  signalGroup('SIGKILL')
  process.exit(code ?? (signal === null ? 1 : 128))
})
process.send?.({ type: 'pid', pid: child.pid })

function end(): void {
  signalGroup('SIGTERM')
  setTimeout(() => signalGroup('SIGKILL'), killAfterMs)
}

function signalGroup(signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal)
  } catch {
    // The group has exited already.
  }
}
