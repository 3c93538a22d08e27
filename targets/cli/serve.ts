import cluster from 'node:cluster'
import { exitCode } from '../../harness/errors.ts'
import { formatListen, type ListenAddress } from '../../harness/listenAddress.ts'
import type { OptionTexts } from '../../harness/serverOptions.ts'
import { describeSocket, grantedBuffers, hasBuffers, loadSocketCalls } from '../../harness/socketOptions.ts'
import { formatSize } from '../../harness/units.ts'
import { keepAwake } from '../pool/pool.ts'
import { DaemonLog, isDaemon, launchDaemon, serveAsDaemon } from '../process/daemon.ts'
import { serveForParent, serverTexts, serveUntilStopped } from '../process/lifecycle.ts'
import { serveAsWorker } from '../process/workerProcess.ts'
import { startWorkers } from '../process/workers.ts'
import { startServer } from '../server/tcp.ts'
import { TrafficLog } from '../server/trafficLog.ts'
import { startUdpServer } from '../server/udp.ts'
import { loggedService } from '../services/logged.ts'
import type { CommandContext } from './commandOptions.ts'
import { type ServingSettings, serverSettings } from './settings.ts'

/** Serves until it is stopped, in the foreground, as a worker or in the background; throws a UserError. */
export async function serve(name: string, options: OptionTexts, context: CommandContext): Promise<number> {
  const settings = serverSettings(name, options)
  const { workers, reloadEveryMs, listen } = settings
  const print = (line: string) => void context.stdout.write(`${line}\n`)
  const printError = (line: string) => void context.stderr.write(`${line}\n`)
  const files = { pidFile: textOf(options.pidFile), logFile: textOf(options.logFile) }
  const isDetached = options.detach === true
  // A process that reloads replace cannot be the one that holds the listening socket.
  const isAlone = workers === 1 && reloadEveryMs === undefined && !isDetached
  if (options.busyWait && (isAlone || cluster.isWorker)) keepAwake()
  if (cluster.isWorker) return serveAsWorker(() => startServer(withLog(settings, print)))
  if (isDetached && !isDaemon) {
    print(await launchDaemon(name, listen, files))
    return exitCode.pass
  }
  const quiet = options.quiet === true
  if (isDetached) return serveDetached(name, settings, { ...files, quiet })
  const server = settings.overUdp
    ? await startUdpServer(withLog(settings, print))
    : isAlone
      ? await startServer(withLog(settings, print))
      : await startWorkers({ ...workersOf(settings), print: printError })
  const title = titleOf(name, settings, server.address)
  const output = { title, quiet, texts: serverTexts, print, printError }
  return process.send ? serveForParent(server, output) : serveUntilStopped(server, output)
}

async function serveDetached(
  name: string,
  settings: ServingSettings,
  daemon: { readonly pidFile: string | undefined; readonly logFile: string | undefined; readonly quiet: boolean },
): Promise<number> {
  const log = new DaemonLog()
  cluster.setupPrimary({ silent: true })
  const server = await startWorkers({ ...workersOf(settings), print: log.print })
  try {
    const title = titleOf(name, settings, server.address)
    return await serveAsDaemon(server, { ...daemon, target: name, title }, log)
  } finally {
    await server.kill()
  }
}

function workersOf({ workers, reloadTimeoutMs, reloadEveryMs }: ServingSettings) {
  return { count: workers, reloadTimeoutMs, reloadEveryMs }
}

/** The settings with a log of the traffic, where one is asked for; what is not logged costs nothing. */
function withLog(settings: ServingSettings, print: (line: string) => void) {
  const { logging } = settings
  if (logging === undefined) return settings
  // The process in the background puts the time before what its workers print.
  const log = new TrafficLog({ ...logging, print, isTimed: !isDaemon })
  return { ...settings, log, service: loggedService(settings.service, log) }
}

function titleOf(name: string, settings: ServingSettings, address: ListenAddress): string {
  const { workers, overUdp, maxFrame, socket } = settings
  const processes = workers === 1 ? '1 process' : `${workers} workers`
  const place = formatListen(address, overUdp ? 'udp' : 'tcp').replace('tcp://', '')
  const calls = hasBuffers(socket) ? loadSocketCalls() : ''
  const sockets = describeSocket(socket, typeof calls === 'string' ? {} : grantedBuffers(calls, socket))
  return `${name} listening on ${place}   ${[processes, `frames up to ${formatSize(maxFrame)}`, ...sockets].join(', ')}`
}

function textOf(option: string | true | undefined): string | undefined {
  return typeof option === 'string' ? option : undefined
}
