import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { basename, dirname, join, resolve } from 'node:path'
import { assert, exitCode, messageOf, UserError } from '../../harness/errors.ts'
import { formatListen, type ListenAddress } from '../../harness/listenAddress.ts'
import { formatCount, formatTimeOfDay } from '../../harness/units.ts'
import { serveUntilStopped, statsLine } from './lifecycle.ts'
import { LogFile } from './logFile.ts'
import { type DaemonState, PidFile, readPidFile, refuseLiving } from './pidFile.ts'
import { processStart } from './processStart.ts'
import { daemonName, makeRuntimeFolder, pidFileOf } from './runtimeFolder.ts'
import type { WorkerServer } from './workers.ts'

/** How long a server may take to go to the background. */
const launchMsMax = 20_000
const errorTextMax = 64 * 1024
const stateEveryMs = 500

/** Tells the process that goes on in the background from the one that was started in the foreground. */
const daemonVariable = 'VOLLEY_SERVE_DAEMON'
export const isDaemon = process.env[daemonVariable] === '1'

/** Where a server in the background has its files; what is not said is in the runtime folder. */
export interface DaemonFiles {
  readonly pidFile?: string | undefined
  readonly logFile?: string | undefined
}

type Ready = { readonly type: 'ready'; readonly text: string }

/** Starts this very program again in the background; resolves when that one serves, with what it says. */
export async function launchDaemon(target: string, listen: ListenAddress, files: DaemonFiles): Promise<string> {
  // Before anything is started, where it is known already; the one in the background looks again.
  if (files.pidFile !== undefined || !('port' in listen) || listen.port !== 0) {
    const { pidFile } = filesOf(target, listen, files)
    const found = readPidFile(pidFile)
    if (found !== undefined) refuseLiving(pidFile, found)
  }
  const child = spawn(process.execPath, process.argv.slice(1), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // A session of its own: no terminal's signal reaches it.
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
      child.signalCode === null ? `it exited with code ${child.exitCode}` : `it was ended by ${child.signalCode}`
    throw new UserError(errorText.trim() || `the server did not go to the background: ${cause}`)
  }
  child.disconnect()
  child.stderr!.destroy()
  child.unref()
  return outcome.text
}

/** What a server in the background is, beside its processes. */
export interface Daemon extends DaemonFiles {
  readonly target: string
  readonly title: string
  readonly quiet: boolean
}

/**
 * Lives with a server in the background, as told by signals: SIGHUP reloads, SIGTERM and SIGINT end it. From here on the
 * words of its processes, for which there is `log`, go to the log file as well.
 */
export async function serveAsDaemon(server: WorkerServer, daemon: Daemon, log: DaemonLog): Promise<number> {
  const { target, title, quiet } = daemon
  const address = formatListen(server.address)
  const { pidFile: pidPath, logFile: logPath } = filesOf(target, server.address, daemon)
  const file = new LogFile(logPath)
  const print = (line: string) => file.print(line)
  const printNow = (line: string) => print(`${formatTimeOfDay(new Date())}  ${line}`)
  const start = processStart(process.pid)
  assert(start !== undefined, 'this process is there')
  const state: DaemonState = {
    pid: process.pid,
    start,
    target,
    address,
    logFile: logPath,
    startedAt: new Date().toISOString(),
    ...server.processes,
    reloads: 0,
    isReloading: false,
  }
  const pidFile = PidFile.claim(pidPath, state, printNow)
  try {
    log.goTo(printNow)
    process.on('uncaughtExceptionMonitor', error => printNow(`the server ends: ${error.stack ?? messageOf(error)}`))
    const tell = stateTeller(server, pidFile, printNow)
    process.on('SIGHUP', () => {
      file.reopen()
      void reload(server, tell, printNow)
    })
    const over = serveUntilStopped(server, { title, quiet, line: statsLine, print, printError: printNow })
    const ready: Ready = {
      type: 'ready',
      text: `${title}\n  process ${process.pid}, pid file ${pidPath}, log file ${logPath}`,
    }
    process.send?.(ready)
    const code = await over
    const { requests, bytesIn, bytesOut } = server.counters()
    const done = code === exitCode.pass || server.unanswered > 0 ? 'stopped' : 'ended at once'
    printNow(`${done}; ${formatCount(requests)} requests in all, ${bytesIn} bytes in, ${bytesOut} bytes out`)
    return code
  } finally {
    pidFile.remove()
    file.close()
  }
}

/** Where the words of a server's processes go: to stderr, until there is a log file. */
export class DaemonLog {
  #print: (line: string) => void = line => console.error(line)

  readonly print = (line: string): void => this.#print(line)

  goTo(print: (line: string) => void): void {
    this.#print = print
    // Who started us reads no more of it.
    process.stderr.on('error', () => {})
  }
}

interface StateTeller {
  reloads: number
  waiting: number
  reloadError: string | undefined
  update(): void
}

/** Keeps the pid file true: at once where it is asked for, and soon when an old process is gone. */
function stateTeller(server: WorkerServer, pidFile: PidFile, print: (line: string) => void): StateTeller {
  let told = ''
  const teller: StateTeller = {
    reloads: 0,
    waiting: 0,
    reloadError: undefined,
    update() {
      const { reloads, waiting, reloadError } = teller
      const change = {
        ...server.processes,
        reloads,
        isReloading: waiting > 0,
        ...(reloadError !== undefined && { reloadError }),
      }
      const text = JSON.stringify(change)
      if (text === told) return
      told = text
      try {
        pidFile.update(change)
      } catch (error) {
        // A full disk does not end a server.
        print(`the pid file is not up to date: ${messageOf(error)}`)
      }
    },
  }
  setInterval(() => teller.update(), stateEveryMs).unref()
  return teller
}

async function reload(server: WorkerServer, teller: StateTeller, print: (line: string) => void): Promise<void> {
  teller.waiting++
  teller.update()
  try {
    await server.reload()
    teller.reloadError = undefined
    const { serving, finishing } = server.processes
    print(`reloaded: ${serving.length} new, ${finishing.length} old finishing`)
  } catch (error) {
    teller.reloadError = messageOf(error)
    print(`not reloaded: ${teller.reloadError}`)
  }
  teller.waiting--
  teller.reloads++
  teller.update()
}

function filesOf(target: string, address: ListenAddress, files: DaemonFiles): { pidFile: string; logFile: string } {
  const pidFile = resolve(files.pidFile ?? pidFileOf(makeRuntimeFolder(), daemonName(target, address)))
  return { pidFile, logFile: resolve(files.logFile ?? join(dirname(pidFile), `${basename(pidFile, '.pid')}.log`)) }
}
