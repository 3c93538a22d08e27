import { spawn } from 'node:child_process'

/**
 * Runs a shell command as the leader of a process group and ends the whole group when it is told to, or when the
 * process that started it is gone in whatever way: a `command:` target never outlives its run.
 *
 * Tells its parent `{ type: 'pid', pid }`, and exits as the command does.
 */
const killAfterMs = 3000

// Before there is a command: a signal that came between would end us and leave the command behind.
process.on('disconnect', end)
process.on('SIGTERM', end)
process.on('SIGINT', end)

const child = spawn('/bin/sh', ['-c', process.argv[2]!], { stdio: ['ignore', 'ignore', 'inherit'], detached: true })
child.on('exit', (code, signal) => {
  // What the command itself left running goes with it.
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
    // The group is gone already.
  }
}
