import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtFile, packageRoot } from '../../built.ts'
import type { Report } from '../../report/record.ts'

const runMsMax = 25_000
const running = new Set<ChildProcess>()
const cleanups: (() => unknown)[] = []

/** Ends what a test has started, by its id, and removes its folders. */
export async function cleanUp(): Promise<void> {
  for (const child of running) child.kill('SIGKILL')
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}

/** Has something done when the test is over. */
export function cleanUpWith(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'volley-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A scenario file that goes with the test. */
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

/** What came of a run. */
export interface Ran extends Pick<Ended, 'code' | 'stdout'> {
  readonly report: Report
}

/** The command line program, started; `ended` tells what came of it. */
export class Volley {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''

  constructor(
    args: readonly string[],
    env: Record<string, string> = {},
    stdin?: string,
    folder: string = packageRoot,
    main: string = builtFile('harness/cli/main'),
  ) {
    this.process = spawn(process.execPath, [main, ...args], {
      cwd: folder,
      // What a run keeps of this machine is the test's own.
      env: { ...process.env, XDG_CACHE_HOME: temporaryFolder(), ...env },
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    running.add(this.process)
    this.process.stdin?.end(stdin)
    this.process.stdout!.on('data', chunk => {
      this.stdout += chunk
    })
    this.process.stderr!.on('data', chunk => {
      this.stderr += chunk
    })
    const timer = setTimeout(() => this.process.kill('SIGKILL'), runMsMax)
    this.ended = once(this.process, 'close').then(([code]) => {
      clearTimeout(timer)
      running.delete(this.process)
      return { code, stdout: this.stdout, stderr: this.stderr }
    })
  }

  /** Waits until a text has come on stderr or stdout. */
  async says(text: string | RegExp): Promise<void> {
    const deadline = performance.now() + runMsMax
    const said = () => (typeof text === 'string' ? (this.stderr + this.stdout).includes(text) : text.test(this.stderr))
    while (!said()) {
      if (performance.now() > deadline || this.process.exitCode !== null) {
        throw new Error(`waited for ${text}; stderr: ${this.stderr}; stdout: ${this.stdout}`)
      }
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
}

/** Runs the command line program to its end. */
export function volley(...args: string[]): Promise<Ended> {
  return new Volley(args).ended
}

/** Runs `volley run` with a folder of its own, and reads the report. */
export function run(...args: string[]): ReturnType<Running['ended']> {
  return startRun(args).ended()
}

/** A `volley run` under way, and what comes of it. */
export interface Running {
  readonly volley: Volley
  ended(): Promise<Ended & { report: Report; folder: string }>
}

/** Starts `volley run` with a folder of its own; the report is read at its end. */
export function startRun(args: readonly string[], env: Record<string, string> = {}): Running {
  const folder = temporaryFolder()
  const volley = new Volley(['run', ...args, '--out', folder], env)
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

/** A TCP server on this machine that treats each connection as told; closed with the test. */
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

/** Whether the accounts of a report are in order. */
export function balances({ totals }: Report): boolean {
  return totals.sent === totals.completed + totals.failed + totals.inFlightAtEnd
}
