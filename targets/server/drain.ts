import type { ServedConnection } from './connection.ts'
import type { Connections } from './connections.ts'

/** How long a server that stops waits for its connections, in milliseconds. */
export interface DrainTimes {
  /**
   * A connection is closed once nothing has come in for this long. TCP may delay an acknowledgement, and with it the
   * bytes behind it, by 40 ms on Linux, so the default is longer than that.
   */
  readonly quietMs: number
  /** A connection that keeps sending is read for no longer than this. */
  readonly readOnMs: number
  /** The same for a connection that was paused: much may wait in the kernel. */
  readonly readOnPausedMs: number
  /** How long a closed connection may take to read the replies that wait to be sent, counted from the last one. */
  readonly lingerQueuedMs: number
  /** How long a closed connection with nothing left to send may take until the client closes its side. */
  readonly lingerMs: number
}

export const drainTimesDefault: DrainTimes = {
  quietMs: 50,
  readOnMs: 1000,
  readOnPausedMs: 3000,
  lingerQueuedMs: 4000,
  lingerMs: 1000,
}

/** A server whose connections are to be closed gracefully. */
export interface DrainingServer {
  readonly connections: Connections<ServedConnection>
  readonly drainTimes: DrainTimes
  /** A connection's `activeTick` is set to this tick when bytes come in; `drain` advances it at each check. */
  readonly activity: { tick: number }
  /** Requests of the connection that wait for their replies. */
  pending(connection: ServedConnection): number
  /** Closes our side of the connection once its pending requests are answered. */
  end(connection: ServedConnection): void
  /** Resolves when no connection is left. */
  empty(): Promise<void>
}

/**
 * Closes every connection once what its client has sent is answered, and destroys those that are left after `answerMs`.
 * Resolves when all are closed, with the number of requests that were not answered.
 */
export async function drain(server: DrainingServer, answerMs: number): Promise<number> {
  const { connections, activity, drainTimes } = server
  const beganMs = performance.now()
  const empty = server.empty()
  while (connections.length > 0) {
    activity.tick++
    await Promise.race([empty, new Promise(resolve => setTimeout(resolve, drainTimes.quietMs))])
    const elapsedMs = performance.now() - beganMs
    if (elapsedMs >= answerMs) break
    for (const connection of connections) check(server, connection, elapsedMs)
  }
  let unanswered = 0
  for (const connection of connections) {
    unanswered += server.pending(connection)
    connection.socket.destroy()
  }
  await empty
  return unanswered
}

/** Closes a connection that is quiet or has been read for long enough; destroys one that does not take its replies. */
function check(server: DrainingServer, connection: ServedConnection, elapsedMs: number): void {
  const { readOnMs, readOnPausedMs, lingerQueuedMs } = server.drainTimes
  if (server.pending(connection) > 0) {
    connection.lastPendingMs = elapsedMs
    connection.probe()
  }
  if (elapsedMs >= Math.max(readOnMs, connection.lastPendingMs) + lingerQueuedMs) connection.socket.destroy()
  else if (connection.paused) connection.wasPaused = true
  else if (connection.activeTick !== server.activity.tick) server.end(connection)
  else if (elapsedMs >= (connection.wasPaused ? readOnPausedMs : readOnMs)) server.end(connection)
}
