import { type ChildProcess, spawn } from 'node:child_process'
import { builtFile, packageRoot } from '../harness/built.ts'

const textMax = 1024 * 1024
const killAfterMs = 2000
const serverLifeMs = 3_600_000

/** A program to run, pinned to `cores` if given. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  /** In the format of taskset: `0` or `0,1`. */
  readonly cores?: string | undefined
}

/** The command as typed in a shell. */
export function commandLine(command: Command): string {
  return argumentsOf(command).map(quote).join(' ')
}

/** A program that was started, and its output. */
export interface Child {
  readonly pid: number
  stdout(): string
  stderr(): string
  /** Resolves when it has ended, with its exit code or what ended it. Never rejects. */
  readonly ended: Promise<number | string>
  hasEnded(): boolean
  /** Ends it, by force after 2 s. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** It is killed after this time. */
  readonly lifeMs: number
  /** Whether it has a standard input, which stays open until it is stopped. */
  readonly input?: boolean
}

/** All processes that a bench has started, so that they can be ended. */
export class Processes {
  private readonly running = new Set<ChildProcess>()

  /** Starts a program in the folder of the package. */
  start(command: Command, { lifeMs, input = false }: StartOptions): Child {
    const [program, ...args] = argumentsOf(command)
    const stdin = input ? 'pipe' : 'ignore'
    return this.follow(
      spawn(program!, args, { cwd: packageRoot, env: plainEnvironment(), stdio: [stdin, 'pipe', 'pipe'] }),
      lifeMs,
    )
  }

  /**
   * Starts a server under a supervisor, which ends it when this process ends in any way. The child is the supervisor; the
   * server's output is not kept.
   */
  supervise(command: Command): Child {
    const supervisor = builtFile('harness/target/supervise')
    const child = spawn(process.execPath, [supervisor, `exec ${commandLine(command)}`], {
      cwd: packageRoot,
      env: plainEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    return this.follow(child, serverLifeMs)
  }

  /** Ends every process that still runs; a supervisor ends its server. */
  endAll(): void {
    for (const child of this.running) child.kill('SIGTERM')
  }

  private follow(child: ChildProcess, lifeMs: number): Child {
    this.running.add(child)
    let stdout = ''
    let stderr = ''
    let end: number | string | undefined
    child.stdout?.setEncoding('utf8').on('data', text => {
      stdout = (stdout + text).slice(-textMax)
    })
    child.stderr?.setEncoding('utf8').on('data', text => {
      stderr = (stderr + text).slice(-textMax)
    })
    // Writing fails if the program has exited or was never started.
    child.stdin?.on('error', () => {})
    const life = setTimeout(() => child.kill('SIGKILL'), lifeMs)
    const ended = new Promise<number | string>(resolve => {
      const finish = (how: number | string) => {
        clearTimeout(life)
        this.running.delete(child)
        end ??= how
        resolve(end)
      }
      child.on('error', error => finish(error.message))
      child.on('close', (code, signal) => finish(code ?? `ended by ${signal}`))
    })
    const stop = async () => {
      if (end !== undefined) return
      child.stdin?.end()
      child.kill('SIGTERM')
      const force = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
      await ended
      clearTimeout(force)
    }
    return {
      pid: child.pid ?? 0,
      stdout: () => stdout,
      stderr: () => stderr,
      ended,
      hasEnded: () => end !== undefined,
      stop,
    }
  }
}

function argumentsOf({ program, args, cores }: Command): string[] {
  return cores === undefined ? [program, ...args] : ['taskset', '-c', cores, program, ...args]
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** This process's environment without variables that would change how volley runs. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const isExcluded = (name: string) => /^(VOLLEY_|NODE_|VITEST|CI$|FORCE_COLOR$|NO_COLOR$)/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isExcluded(name)))
}
