import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtFile } from '../../harness/built.ts'
import { assert } from '../../harness/errors.ts'
import { type DaemonState, isAlive, readPidFile } from '../process/pidFile.ts'
import { until } from './client.ts'

const commandMsMax = 20_000

/** A folder of its own for servers in the background, and the commands that are given there. */
export class DaemonFolder {
  /** Variables that its commands get beside our own. */
  env: Record<string, string> = {}
  readonly path = mkdtempSync(join(tmpdir(), 'volley-daemon-'))

  /** Runs a command of `volley serve` to its end. */
  async serve(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const file = builtFile('targets/main')
    assert(existsSync(file), `${file} is not there: run npm run build first`)
    const env = { ...process.env, ...this.env, XDG_RUNTIME_DIR: this.path }
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

  /** The one server that has a pid file here. */
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

  /** Ends by its process id every server that is still there, and removes the folder. */
  async remove(): Promise<void> {
    const states = this.pidFiles().flatMap(path => readPidFile(path) ?? [])
    for (const state of states.filter(isAlive)) {
      process.kill(state.pid, 'SIGKILL')
      await until('the end of a server', () => !isAlive(state))
    }
    rmSync(this.path, { recursive: true, force: true })
  }
}
