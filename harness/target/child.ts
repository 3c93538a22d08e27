import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { builtFile } from '../built.ts'

/** How long a child may take to end by itself once it is asked to. */
const stopMsMax = 8000
const errorTextMax = 4096

/** A message that a child process sends over its IPC channel. */
export type ChildMessage = Readonly<Record<string, unknown>> & { readonly type: string }

/** A child process, from its start to its exit. */
export interface Child {
  readonly pid: number
  /** Resolves with the first message of a type; rejects when the child ends first, or the signal fires. */
  firstMessage(type: string, signal: AbortSignal): Promise<ChildMessage>
  /** Calls back for each message of a type. */
  on(type: string, callback: (message: ChildMessage) => void): void
  /** How it exited, if it did so by itself. */
  ended(): string | undefined
  /** The last lines it wrote to stderr, to be added to a message. */
  errorText(): string
  /** Ends it with SIGTERM, and with SIGKILL if it does not exit; resolves when it has exited. */
  stop(): Promise<void>
}

/**
 * The children that are alive. They exit by themselves when their channel breaks; ending them on exit only makes it
 * sooner.
 */
const children = new Set<ChildProcess>()
process.on('exit', () => {
  // SIGTERM, not SIGKILL: a supervisor that is killed cannot end its command.
  for (const child of children) child.kill('SIGTERM')
})

/** Starts a compiled module as a child with an IPC channel. `env` changes the variables it inherits; undefined removes one. */
export function startChild(
  module: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Child {
  // A process group of its own: Ctrl-C in a terminal reaches only this process, which ends the child after the run.
  const child = spawn(process.execPath, [builtFile(module), ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
    env: { ...process.env, ...env },
  })
  children.add(child)
  let errorText = ''
  let ended: string | undefined
  let stopping = false
  const exited = once(child, 'exit').then(([code, signal]) => {
    children.delete(child)
    if (!stopping) ended = signal === null ? `it exited with code ${code}` : `it was killed by ${signal}`
  })
  child.on('error', () => {})
  child.stderr!.on('data', chunk => {
    errorText = (errorText + chunk).slice(-errorTextMax)
  })
  function on(type: string, callback: (message: ChildMessage) => void): void {
    child.on('message', message => {
      if ((message as ChildMessage).type === type) callback(message as ChildMessage)
    })
  }
  return {
    pid: child.pid!,
    on,
    ended: () => ended,
    errorText: () => (errorText.trim() === '' ? '' : `\n  ${errorText.trim().split('\n').slice(-5).join('\n  ')}`),
    firstMessage: (type, signal) =>
      new Promise((resolve, reject) => {
        on(type, resolve)
        void exited.then(() => reject(new Error(ended ?? 'it ended')))
        signal.addEventListener('abort', () => reject(signal.reason))
        if (signal.aborted) reject(signal.reason)
      }),
    async stop() {
      stopping = true
      if (!children.has(child)) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
      await exited
      clearTimeout(timer)
    },
  }
}
