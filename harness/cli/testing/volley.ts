import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { builtFile, packageRoot } from '../../built.ts'
import type { Report } from '../../report/record.ts'
import type { CommandIo } from '../io.ts'
import { runCommand } from '../program.ts'

const runMsMax = Number(process.env['TEST_RUN_MS_MAX'] ?? 25_000)
const pollMs = 10
/** Commands that have not ended yet. */
const running = new Set<{ readonly ended: Promise<unknown>; kill(): void }>()
const cleanups: (() => unknown)[] = []

/** Ends what a test has started, children by their id, and removes its folders: for afterEach or afterAll. */
export async function cleanUp(): Promise<void> {
  const commands = [...running]
  for (const command of commands) command.kill()
  await Promise.allSettled(commands.map(({ ended }) => ended))
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}

/** Has something done by the next `cleanUp`. */
export function cleanUpWith(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

/** A folder that `cleanUp` removes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'volley-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A scenario file that `cleanUp` removes. */
export function scenarioFile(yaml: string, name = 'test.yaml'): string {
  const file = join(temporaryFolder(), name)
  writeFileSync(file, yaml)
  return file
}

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The outcome of a run. */
export interface Ran extends Pick<Ended, 'code' | 'stdout'> {
  readonly report: Report
}

/** What a command has printed so far. */
class Printed {
  stdout = ''
  stderr = ''
  protected hasEnded = false

  /** Waits until a text has been printed on stderr or stdout; a pattern has to match stderr. */
  async says(text: string | RegExp): Promise<void> {
    const deadline = performance.now() + runMsMax
    const said = () => (typeof text === 'string' ? (this.stderr + this.stdout).includes(text) : text.test(this.stderr))
    while (!said()) {
      if (performance.now() > deadline || this.hasEnded) {
        throw new Error(`waited for ${text}; stderr: ${this.stderr}; stdout: ${this.stdout}`)
      }
      await new Promise(resolve => setTimeout(resolve, pollMs))
    }
  }

  protected result(code: number): Ended {
    this.hasEnded = true
    return { code, stdout: this.stdout, stderr: this.stderr }
  }
}

export interface InvocationOptions {
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string | Uint8Array
  /** By default a busy run is not followed by a measurement of what its client can do. */
  readonly ceiling?: 'measure' | 'never'
}

/**
 * A command line run in this process. Servers that it starts get the variables of this process, not those of the options,
 * and reports go below the working directory unless --out says otherwise.
 */
export class Invocation extends Printed {
  readonly ended: Promise<Ended>
  readonly #stop = new AbortController()

  constructor(args: readonly string[], { env = {}, stdin = '', ceiling = 'never' }: InvocationOptions = {}) {
    super()
    const io: CommandIo = {
      stdout: {
        write: text => {
          this.stdout += text
        },
      },
      stderr: {
        write: text => {
          this.stderr += text
        },
      },
      stdin: Readable.from([Buffer.from(stdin)]),
      env: { ...process.env, XDG_CACHE_HOME: temporaryFolder(), ...env },
      signal: this.#stop.signal,
      ...(ceiling === 'never' && { ceiling }),
    }
    const startedAt = performance.now()
    const timer = setTimeout(() => this.stop(), runMsMax)
    const command = { ended: runCommand(args, io), kill: () => this.stop() }
    running.add(command)
    this.ended = command.ended
      .then(code => {
        const isLate = performance.now() - startedAt > runMsMax
        if (isLate) throw new Error(`${args.join(' ')}: not over in ${runMsMax} ms; it said: ${this.stderr}`)
        return this.result(code)
      })
      .finally(() => {
        clearTimeout(timer)
        this.hasEnded = true
        running.delete(command)
      })
    // A test that has failed already does not wait for it.
    this.ended.catch(() => {})
  }

  /** Does what Ctrl-C does in a terminal. */
  stop(): void {
    this.#stop.abort()
  }
}

export interface SpawnOptions {
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Without it there is no standard input. */
  readonly stdin?: string | undefined
  /** The working directory. */
  readonly folder?: string
  /** The program's file, by default that of `volley`. */
  readonly main?: string
}

/** The program in a process of its own; killed when it is not over in 25 s. */
export class Volley extends Printed {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>

  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    stdin?: string,
    folder: string = packageRoot,
    main: string = builtFile('harness/cli/main'),
  ) {
    super()
    this.process = spawn(process.execPath, [main, ...args], {
      cwd: folder,
      // The figures that runs keep of this machine are not to be those of its user.
      env: { ...process.env, XDG_CACHE_HOME: temporaryFolder(), ...env },
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    this.process.stdin?.end(stdin)
    this.process.stdout!.on('data', chunk => {
      this.stdout += chunk
    })
    this.process.stderr!.on('data', chunk => {
      this.stderr += chunk
    })
    const kill = () => void this.process.kill('SIGKILL')
    const timer = setTimeout(kill, runMsMax)
    this.ended = once(this.process, 'close').then(([code]) => {
      clearTimeout(timer)
      running.delete(command)
      return this.result(code)
    })
    const command = { ended: this.ended, kill }
    running.add(command)
  }
}

/** Starts the program in a process of its own. */
export function spawnVolley(args: readonly string[], { env, stdin, folder, main }: SpawnOptions = {}): Volley {
  return new Volley(args, env, stdin, folder, main)
}

/** Runs a command line to its end in this process. */
export function volley(...args: string[]): Promise<Ended> {
  return new Invocation(args).ended
}

/** Runs `volley run` in this process, with a folder of its own, and reads the report. */
export function run(...args: string[]): Promise<RunEnded> {
  return startRun(args).ended()
}

export interface RunEnded extends Ended {
  readonly report: Report
  readonly folder: string
}

/** A `volley run` under way. */
export interface Running<Command> {
  readonly volley: Command
  /** Waits for the end, and reads the report. */
  ended(): Promise<RunEnded>
}

/** Starts `volley run` in this process, with a folder of its own. */
export function startRun(args: readonly string[], options: InvocationOptions = {}): Running<Invocation> {
  return runningIn(folder => new Invocation(['run', ...args, '--out', folder], options))
}

/** Starts `volley run` in a process of its own, with a folder of its own. */
export function spawnRun(args: readonly string[], options: SpawnOptions = {}): Running<Volley> {
  return runningIn(folder => spawnVolley(['run', ...args, '--out', folder], options))
}

function runningIn<Command extends { readonly ended: Promise<Ended> }>(
  start: (folder: string) => Command,
): Running<Command> {
  const folder = temporaryFolder()
  const volley = start(folder)
  return {
    volley,
    async ended() {
      const ended = await volley.ended
      const file = join(folder, 'report.json')
      if (!existsSync(file)) throw new Error(`no report was saved: ${ended.stderr}${ended.stdout}`)
      return { ...ended, report: JSON.parse(readFileSync(file, 'utf8')), folder }
    },
  }
}

/** Starts a reference server in a process of its own, as `volley serve` with these arguments; `cleanUp` ends it. */
export async function startServer(
  args: readonly string[],
): Promise<{ readonly url: string; readonly process: ChildProcess }> {
  const server = spawnVolley([...args, '--listen', '127.0.0.1:0'], { main: builtFile('targets/main') })
  await server.says('listening on ')
  return { url: `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`, process: server.process }
}

/** A TCP server in this process that hands each connection to `handle`; `cleanUp` closes it. */
export async function listen(handle: (socket: net.Socket) => void): Promise<{ url: string; port: number }> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    handle(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as net.AddressInfo
  return { url: `tcp://127.0.0.1:${port}`, port }
}

/** Whether every request of a report is accounted for. */
export function balances({ totals }: Report): boolean {
  return totals.sent === totals.completed + totals.failed + totals.inFlightAtEnd
}
