import cluster from 'node:cluster'
import { UserError } from '../../harness/errors.ts'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import type { ServerCounters } from '../server/counters.ts'
import type { RunningServer } from '../server/tcp.ts'
import { processCpuMicros } from './lifecycle.ts'

/** What the first process says to a worker. */
export type Order =
  | { readonly type: 'count' }
  /** Take no more connections. */
  | { readonly type: 'close' }
  /** Go on until all connections are ended by their clients, for so long at most; then end them, as `stop` does. */
  | { readonly type: 'finish'; readonly withinMs: number; readonly answerMs: number }

/** What a worker says to the first process. */
export type Answer =
  | { readonly type: 'listening'; readonly address: ListenAddress }
  | { readonly type: 'failed'; readonly message: string }
  /** No connection that comes from now on is taken: it is handed back. */
  | { readonly type: 'closed' }
  | (ServerCounters & {
      readonly type: 'counters'
      readonly cpuMicros: number
      readonly unanswered: number
      /** Nothing is counted any more. */
      readonly final: boolean
    })

/**
 * A worker's life: it serves what `start` begins, and does what the first process says. Signals are left to that one,
 * as a terminal sends them to both; when it is gone, so is the worker.
 */
export async function serveAsWorker(start: () => Promise<RunningServer>): Promise<number> {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  const gone = new Promise<number>(resolve => {
    process.on('disconnect', () => resolve(0))
    // Something could not be said to it, as it went this very moment.
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
    process.on('message', (order: Order) => {
      if (order.type === 'count') count(false)
      else if (order.type === 'close') {
        server.stopAccepting()
        send({ type: 'closed' })
      } else void finish(server, order).then(() => count(true))
    })
    send({ type: 'listening', address: server.address })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    send({ type: 'failed', message: error.message })
  }
  return gone
}

type FinishOrder = Extract<Order, { type: 'finish' }>

function finish(server: RunningServer, { withinMs, answerMs }: FinishOrder): Promise<void> {
  return withinMs > 0 ? server.retire(withinMs) : server.stop(answerMs)
}

function send(answer: Answer): void {
  process.send?.(answer)
}
