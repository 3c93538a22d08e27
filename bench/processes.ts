import { type ChildProcess, spawn } from 'node:child_process'
import { builtFile, packageRoot } from '../harness/built.ts'

const textMax = 1024 * 1024
const killAfterMs = 2000
const serverLifeMs = 3_600_000

/** A program to be run, held to some cores where `cores` says which. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  /** As taskset takes them: `0` or `0,1`. */
  readonly cores?: string | undefined
}

/** The command as one would type it. */
export function commandLine(command: Command): string {
  return words(command).map(quote).join(' ')
}

/** A program that was started, with what it has said. */
export interface Child {
  readonly pid: number
  stdout(): string
  stderr(): string
  /** Resolves when it has ended, with the exit code, or what ended it. Never rejects. */
  readonly ended: Promise<number | string>
  hasEnded(): boolean
  /** Ends it, by force if it does not end of itself. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** It is ended after so long whatever it does. */
  readonly lifeMs: number
  /** Its standard input stays open until it is stopped; without it there is none. */
  readonly input?: boolean
}

/** Everything that one bench has started, so that it can all be ended. */
export class Processes {
  private readonly running = new Set<ChildProcess>()

  /** Starts a program in the package's folder. */
  start(command: Command, { lifeMs, input = false }: StartOptions): Child {
    const [program, ...args] = words(command)
    const stdin = input ? 'pipe' : 'ignore'
    return this.follow(
      spawn(program!, args, { cwd: packageRoot, env: plainEnvironment(), stdio: [stdin, 'pipe', 'pipe'] }),
      lifeMs,
    )
  }

  /**
   * Starts a server that would not notice that we are gone: a supervisor, which does, ends it then. The child is the
   * supervisor; the server's own output is not kept.
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

  /** Tells everything that still runs to end; a supervisor takes its server with it. */
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
    // A program may be gone before all is written to it, or never have been there.
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

function words({ program, args, cores }: Command): string[] {
  return cores === undefined ? [program, ...args] : ['taskset', '-c', cores, program, ...args]
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Our environment without what would change how volley runs: its own variables, options for Node, CI. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const isOurs = (name: string) => /^(VOLLEY_|NODE_|VITEST|CI$|FORCE_COLOR$|NO_COLOR$)/.test(name)
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)))
}
