import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename, dirname, join, resolve } from 'node:path'
import { assert, messageOf, UserError } from '../../harness/errors.ts'
import { formatListen, type ListenAddress } from '../../harness/listenAddress.ts'
import { processStart } from '../../harness/processStart.ts'
import { formatTimeOfDay } from '../../harness/units.ts'
import { serverTexts, serveUntilStopped } from './lifecycle.ts'
import { LogFile } from './logFile.ts'
import { type DaemonState, PidFile, readPidFile, refuseRunning } from './pidFile.ts'
import { daemonName, makeRuntimeFolder, pidFileOf } from './runtimeFolder.ts'
import type { WorkerServer } from './workers.ts'

/** How long a server may take to go to the background. */
const launchMsMax = 20_000
const errorTextMax = 64 * 1024
const stateEveryMs = 500

/** Set in the process that stays in the background, and not in the one that was started in the foreground. */
const daemonVariable = 'VOLLEY_SERVE_DAEMON'
export const isDaemon = process.env[daemonVariable] === '1'

/** The files of a server in the background; by default they are in the runtime folder. */
export interface DaemonFiles {
  readonly pidFile?: string | undefined
  readonly logFile?: string | undefined
}

type Ready = { readonly type: 'ready'; readonly text: string }

/** Starts this very program again in the background; resolves with its first lines once it serves. */
export async function launchDaemon(target: string, listen: ListenAddress, files: DaemonFiles): Promise<string> {
  // A pid file whose name is known by now is checked before anything starts; the background process checks it again.
  if (files.pidFile !== undefined || !('port' in listen) || listen.port !== 0) {
    const { pidFile } = filesOf(target, listen, files)
    const found = readPidFile(pidFile)
    if (found !== undefined) refuseRunning(pidFile, found)
  }
  const child = spawn(process.execPath, process.argv.slice(1), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // A session of its own: signals of the terminal do not reach it.
    detached: true,
    env: { ...process.env, [daemonVariable]: '1' },
  })
  let errorText = ''
  child.stderr!.on('data', text => {
    errorText = (errorText + text).slice(-errorTextMax)
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), launchMsMax)
  const ready = new Promise<Ready>(resolve => {
    child.on('message', message => resolve(message as Ready))
  })
  const outcome = await Promise.race([ready, once(child, 'close').then(() => undefined)])
  clearTimeout(timer)
  if (outcome === undefined) {
    const cause =
      child.signalCode === null ? `it exited with code ${child.exitCode}` : `it was killed by ${child.signalCode}`
    throw new UserError(errorText.trim() || `the server did not go to the background: ${cause}`)
  }
  child.disconnect()
  child.stderr!.destroy()
  child.unref()
  return outcome.text
}

/** A server in the background, apart from its processes. */
export interface Daemon extends DaemonFiles {
  readonly target: string
  readonly title: string
  readonly quiet: boolean
}

/**
 * Runs a server in the background until a signal stops it: SIGHUP reloads, SIGTERM and SIGINT stop it. From here on the
 * output of its processes, which `log` receives, goes to the log file.
 */
export async function serveAsDaemon(server: WorkerServer, daemon: Daemon, log: DaemonLog): Promise<number> {
  const { target, title, quiet } = daemon
  const { pidFile: pidPath, logFile: logPath } = filesOf(target, server.address, daemon)
  const file = new LogFile(logPath)
  const print = (line: string) => file.print(line)
  const printNow = (line: string) => print(`${formatTimeOfDay(new Date())}  ${line}`)
  const pidFile = PidFile.claim(pidPath, stateOf(target, server, logPath), printNow)
  try {
    log.goTo(printNow)
    process.on('uncaughtExceptionMonitor', error => printNow(`the server stops: ${error.stack ?? messageOf(error)}`))
    const writer = stateWriter(server, pidFile, printNow)
    process.on('SIGHUP', () => {
      file.reopen()
      void reload(server, writer, printNow)
    })
    const over = serveUntilStopped(server, { title, quiet, texts: serverTexts, print, printError: printNow })
    const ready: Ready = {
      type: 'ready',
      text: `${title}\n  process ${process.pid}, pid file ${pidPath}, log file ${logPath}`,
    }
    process.send?.(ready)
    return await over
  } finally {
    pidFile.remove()
    file.close()
  }
}

function stateOf(target: string, server: WorkerServer, logFile: string): DaemonState {
  const start = processStart(process.pid)
  assert(start !== undefined, 'this process exists')
  return {
    pid: process.pid,
    start,
    target,
    address: formatListen(server.address),
    logFile,
    startedAt: new Date().toISOString(),
    ...server.processes,
    reloads: 0,
    isReloading: false,
  }
}

/** Receives the output of a server's processes: it goes to stderr until there is a log file. */
export class DaemonLog {
  #print: (line: string) => void = line => console.error(line)

  readonly print = (line: string): void => this.#print(line)

  goTo(print: (line: string) => void): void {
    this.#print = print
    // The process that started this one no longer reads its stderr.
    process.stderr.on('error', () => {})
  }
}

interface StateWriter {
  reloads: number
  waiting: number
  reloadError: string | undefined
  update(): void
}

/** Keeps the pid file up to date: at once where `update` is called, and soon after an old process has exited. */
function stateWriter(server: WorkerServer, pidFile: PidFile, print: (line: string) => void): StateWriter {
  let written = ''
  const writer: StateWriter = {
    reloads: 0,
    waiting: 0,
    reloadError: undefined,
    update() {
      const { reloads, waiting, reloadError } = writer
      const change = {
        ...server.processes,
        reloads,
        isReloading: waiting > 0,
        ...(reloadError !== undefined && { reloadError }),
      }
      const text = JSON.stringify(change)
      if (text === written) return
      written = text
      try {
        pidFile.update(change)
      } catch (error) {
        // A full disk does not stop a server.
        print(`the pid file is not up to date: ${messageOf(error)}`)
      }
    },
  }
  setInterval(() => writer.update(), stateEveryMs).unref()
  return writer
}

async function reload(server: WorkerServer, writer: StateWriter, print: (line: string) => void): Promise<void> {
  writer.waiting++
  writer.update()
  try {
    await server.reload()
    writer.reloadError = undefined
    const { serving, finishing } = server.processes
    print(`reloaded: ${serving.length} new, ${finishing.length} old finishing`)
  } catch (error) {
    writer.reloadError = messageOf(error)
    print(`not reloaded: ${writer.reloadError}`)
  }
  writer.waiting--
  writer.reloads++
  writer.update()
}

function filesOf(target: string, address: ListenAddress, files: DaemonFiles): { pidFile: string; logFile: string } {
  const pidFile = resolve(files.pidFile ?? pidFileOf(makeRuntimeFolder(process.env), daemonName(target, address)))
  return { pidFile, logFile: resolve(files.logFile ?? join(dirname(pidFile), `${basename(pidFile, '.pid')}.log`)) }
}
