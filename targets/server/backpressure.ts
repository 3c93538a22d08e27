import type { ServedConnection } from './connection.ts'
import type { RunningTotals } from './counters.ts'
import type { Service } from './service.ts'

/** Bytes that a connection may have waiting to be sent, unless the settings say otherwise. */
export const maxSendBufferBytesDefault = 104_856
/** The same limit for short replies: each one that waits costs an object. */
const sendQueueWritesMax = 4096
/**
 * Requests of one connection that may wait for their replies, where a service makes them wait. Without this limit one
 * client that never stops sending would fill the memory, and the queue ahead of all other clients.
 */
export const pendingMax = 16_384

/**
 * Decides when a server stops reading from a connection, and when it reads again: nothing is read while too many bytes
 * wait to be sent to it or too many of its requests wait for their replies.
 */
export class Backpressure {
  readonly #service: Service
  readonly #totals: RunningTotals
  readonly #maxSendBufferBytes: number
  #pendingMax = pendingMax

  constructor(service: Service, totals: RunningTotals, maxSendBufferBytes = maxSendBufferBytesDefault) {
    this.#service = service
    this.#totals = totals
    this.#maxSendBufferBytes = maxSendBufferBytes
  }

  /** Requests of the connection that wait for their replies. */
  pending(connection: ServedConnection): number {
    return this.#service.pending?.(connection) ?? 0
  }

  /** Whether no more requests of the connection may be taken until some of its replies are made and sent. */
  isFull(connection: ServedConnection): boolean {
    return this.#isBufferFull(connection) || this.pending(connection) >= this.#pendingMax
  }

  /** Stops reading from the connection if it is full. */
  pauseIfFull(connection: ServedConnection): void {
    const { socket } = connection
    if (socket.queuedBytes === 0) connection.queuedWrites = 0
    else connection.queuedWrites++
    const isBufferFull = this.#isBufferFull(connection) || connection.queuedWrites > sendQueueWritesMax
    if (connection.paused || !(isBufferFull || this.pending(connection) >= this.#pendingMax)) return
    connection.paused = true
    socket.socket.pause()
    if (!isBufferFull) return
    connection.bufferFull = true
    this.#totals.buffersFull++
    this.#service.bufferFull?.(connection)
  }

  /** Marks a paused connection as read again; false while too many of its requests wait to make that worthwhile. */
  release(connection: ServedConnection): boolean {
    if (this.pending(connection) > this.#pendingMax / 2) return false
    connection.paused = false
    if (connection.bufferFull) {
      connection.bufferFull = false
      this.#totals.buffersDrained++
      this.#service.bufferDrained?.(connection)
    }
    return true
  }

  /** Lifts the limit on requests that wait for replies: a server that stops answers whatever was sent to it. */
  liftPendingLimit(): void {
    this.#pendingMax = Number.POSITIVE_INFINITY
  }

  #isBufferFull({ socket }: ServedConnection): boolean {
    return socket.queuedBytes > this.#maxSendBufferBytes
  }
}
