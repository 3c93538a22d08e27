import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cleanUpWith } from './volley.ts'

const waitMsMax = 15_000
const pollMs = 10

/** As whom a program runs, and where. */
interface SpawnedAs {
  readonly uid?: number
  readonly gid?: number
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Skips a test that needs a program which is not installed, and says so; in CI it has to be installed. */
export function skipWithout(program: string, flag: string, aptPackage: string, skip: (why: string) => void): void {
  // Some print their help with a status that says they have failed.
  if (spawnSync(program, [flag]).error === undefined) return
  if (process.env['CI'] === 'true') throw new Error(`${program} is not installed, and CI must have it`)
  console.warn(`skipped: ${program} is not installed ("apt-get install ${aptPackage}")`)
  skip(`${program} is not installed`)
}

/** Skips a test that needs a program which CI does not have, as it takes long to install or to start, and says so. */
export function skipUnless(isThere: boolean, what: string, aptPackage: string, skip: (why: string) => void): void {
  if (isThere) return
  console.warn(`skipped: ${what} is not installed ("apt-get install ${aptPackage}")`)
  skip(`${what} is not installed`)
}

/** A program that is not part of volley, killed by `cleanUp`, with what it has printed. */
export class Program {
  output = ''
  readonly #process: ChildProcess
  readonly #closed: Promise<unknown>

  constructor(command: string, args: readonly string[], as: SpawnedAs = {}) {
    this.#process = spawn(command, args, { ...as, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#closed = once(this.#process, 'close')
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      stream.on('data', chunk => {
        this.output += chunk
      })
    }
    cleanUpWith(() => this.#process.kill('SIGKILL'))
  }

  /** Waits until it prints a match of the pattern; returns the first group of the match. */
  async says(pattern: RegExp, msMax = waitMsMax): Promise<string> {
    const said = () => {
      if (this.#process.exitCode !== null) throw new Error(`it ended: ${this.output}`)
      return pattern.test(this.output)
    }
    await until(`${pattern}; it said: ${this.output}`, said, msMax)
    return pattern.exec(this.output)![1] ?? ''
  }

  /** Ends it gracefully; returns all that it has printed. */
  async end(): Promise<string> {
    this.#process.kill('SIGTERM')
    await this.#closed
    return this.output
  }
}

/** Resolves as soon as the condition holds; rejects when it does not within 15 s, or so many milliseconds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  msMax = waitMsMax,
): Promise<void> {
  const deadline = performance.now() + msMax
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${msMax} ms for ${what}`)
    await new Promise(resolve => setTimeout(resolve, pollMs))
  }
}

/** The ids of a process's children. */
export function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`
  const lists = readdirSync(tasks).map(task => readFileSync(`${tasks}/${task}/children`, 'utf8'))
  return lists.flatMap(list => list.trim().split(/\s+/).map(Number)).filter(child => child > 0)
}

export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap(child => [child, ...descendantsOf(child)])
}

export function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}
