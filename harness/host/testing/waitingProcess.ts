import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

const children: ChildProcess[] = []

/** Starts a process that prints a line when it is ready, then waits. */
export async function startWaiting(program: string) {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
  return child
}

/** Ends the processes that were started: for afterEach. */
export function endWaiting(): void {
  for (const child of children.splice(0)) child.kill('SIGKILL')
}
