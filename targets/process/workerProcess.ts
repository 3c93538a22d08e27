import cluster from 'node:cluster'
import { UserError } from '../../harness/errors.ts'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import type { ServerCounters } from '../server/counters.ts'
import type { RunningServer } from '../server/tcp.ts'
import { processCpuMicros } from './lifecycle.ts'

/** A message of the first process to a worker. */
export type WorkerCommand =
  | { readonly type: 'count' }
  /** Accept no more connections. */
  | { readonly type: 'close' }
  /** Serve until the clients have closed all connections, for at most `withinMs`; then close them, as `stop` does. */
  | { readonly type: 'finish'; readonly withinMs: number; readonly answerMs: number }

/** A message of a worker to the first process. */
export type WorkerMessage =
  | { readonly type: 'listening'; readonly address: ListenAddress }
  | { readonly type: 'failed'; readonly message: string }
  /** No connection is accepted from now on: it is given back. */
  | { readonly type: 'closed' }
  | (ServerCounters & {
      readonly type: 'counters'
      readonly cpuMicros: number
      readonly unanswered: number
      /** Counting has stopped. */
      readonly final: boolean
    })

/**
 * Runs a worker: it serves what `start` starts and follows the commands of the first process. It ignores signals, which a
 * terminal sends to both processes, and exits when the first process does.
 */
export async function serveAsWorker(start: () => Promise<RunningServer>): Promise<number> {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  const parentExited = new Promise<number>(resolve => {
    process.on('disconnect', () => resolve(0))
    // A message could not be sent to it because it is just exiting.
    cluster.worker?.on('error', () => resolve(0))
  })
  try {
    const server = await start()
    const count = (final: boolean) =>
      send({
        type: 'counters',
        ...server.counters(),
        cpuMicros: processCpuMicros(),
        unanswered: server.unanswered,
        final,
      })
    process.on('message', (command: WorkerCommand) => {
      if (command.type === 'count') count(false)
      else if (command.type === 'close') {
        server.stopAccepting()
        send({ type: 'closed' })
      } else void finish(server, command).then(() => count(true))
    })
    send({ type: 'listening', address: server.address })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    send({ type: 'failed', message: error.message })
  }
  return parentExited
}

type FinishCommand = Extract<WorkerCommand, { type: 'finish' }>

function finish(server: RunningServer, { withinMs, answerMs }: FinishCommand): Promise<void> {
  return withinMs > 0 ? server.retire(withinMs) : server.stop(answerMs)
}

function send(message: WorkerMessage): void {
  process.send?.(message)
}
