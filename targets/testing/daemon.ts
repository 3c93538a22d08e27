import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtFile } from '../../harness/built.ts'
import { assert } from '../../harness/errors.ts'
import { type DaemonState, isAlive, readPidFile } from '../process/pidFile.ts'
import { until } from './client.ts'
import { runCommand } from './command.ts'

const commandMsMax = 20_000

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A folder of its own for servers in the background, with the commands for them. */
export class DaemonFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'volley-daemon-'))

  /** Starts a server in the background, or another command of `volley serve`, in a process with these variables. */
  async start(args: readonly string[], variables: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const file = builtFile('targets/main')
    assert(existsSync(file), `${file} does not exist: run npm run build first`)
    const env = { ...process.env, ...variables, XDG_RUNTIME_DIR: this.path }
    const child = spawn(process.execPath, [file, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), commandMsMax)
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', text => {
      stdout += text
    })
    child.stderr.on('data', text => {
      stderr += text
    })
    const [code] = await once(child, 'close')
    clearTimeout(timer)
    return { code, stdout, stderr }
  }

  /** Runs stop, reload or status in this process. */
  run(...args: string[]): Promise<Outcome> {
    return runCommand(args, { XDG_RUNTIME_DIR: this.path })
  }

  /** The state of the only server that has a pid file here. */
  state(): DaemonState {
    const [path, ...others] = this.pidFiles()
    assert(path !== undefined && others.length === 0, 'there is one pid file')
    return readPidFile(path)!
  }

  pidFiles(): string[] {
    return this.files('.pid')
  }

  log(): string {
    return this.files('.log')
      .map(file => readFileSync(file, 'utf8'))
      .join('')
  }

  files(suffix: string): string[] {
    return readdirSync(this.path, { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith(suffix))
      .map(file => join(this.path, file))
  }

  /** Kills every server that still runs, by its process id, and removes the folder. */
  async remove(): Promise<void> {
    const states = this.pidFiles().flatMap(path => readPidFile(path) ?? [])
    for (const state of states.filter(isAlive)) {
      process.kill(state.pid, 'SIGKILL')
      await until('the end of a server', () => !isAlive(state))
    }
    rmSync(this.path, { recursive: true, force: true })
  }
}
