import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { builtFile } from '../built.ts'

/** How long a child may take to end in order once it is asked to. */
const stopMsMax = 8000
const errorTextMax = 4096

/** What a child process tells over its channel. */
export type ChildMessage = Readonly<Record<string, unknown>> & { readonly type: string }

/** A child process of ours, from its start to its end. */
export interface Child {
  readonly pid: number
  /** Resolves with the first message of a type; rejects when the child ends first, or the signal fires. */
  told(type: string, signal: AbortSignal): Promise<ChildMessage>
  /** Calls back for each message of a type. */
  on(type: string, callback: (message: ChildMessage) => void): void
  /** How it ended, when it did so of itself. */
  ended(): string | undefined
  /** The last lines it wrote on stderr, to be put behind a message. */
  errorText(): string
  /** Ends it, in order if it lets itself be; resolves when it is gone. */
  stop(): Promise<void>
}

/** The children that are alive. Their channel tells them when we are gone, in whatever way; this is only sooner. */
const children = new Set<ChildProcess>()
process.on('exit', () => {
  // A supervisor that was killed could not end what it watches over.
  for (const child of children) child.kill('SIGTERM')
})

/** Starts a compiled module as a child with a channel to it; `env` is put over our variables, undefined takes one away. */
export function startChild(
  module: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Child {
  // A group of its own: Ctrl-C in a terminal reaches us alone, and we end the child when its run is over.
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
    told: (type, signal) =>
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
