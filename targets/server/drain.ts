import type { ServedConnection } from './connection.ts'
import type { Connections } from './connections.ts'

/** How long a connection that we have ended may take to read what still waits for it. */
export const lingerQueuedMs = 4000
/**
 * A server that is to stop goes on with each connection until nothing has come in for `quietMs`, longer than TCP holds
 * an acknowledgement, and with it the bytes behind it, back (40 ms on Linux); but with none for more than `readOnMs`, or
 * `readOnHeldMs` where it was held back, and much may wait in the kernel. Then each has `lingerQueuedMs` to take its
 * replies, from when the last of them is made.
 */
const quietMs = 50
const readOnMs = 1000
const readOnHeldMs = 3000

/** A server whose connections are to be ended. */
export interface EndingServer {
  readonly connections: Connections<ServedConnection>
  /** What a sign of life is marked with; each look at the connections is a tick. */
  readonly activity: { tick: number }
  /** Requests of the connection that wait for their replies. */
  pending(connection: ServedConnection): number
  /** Ends our side once what is in hand is answered. */
  end(connection: ServedConnection): void
  /** Resolves when no connection is left. */
  empty(): Promise<void>
}

/**
 * Ends every connection once what its client has sent is answered, and breaks off those that are there after `answerMs`;
 * resolves when all are gone, with how many requests were not answered.
 */
export async function drain(server: EndingServer, answerMs: number): Promise<number> {
  const { connections, activity } = server
  const beganMs = performance.now()
  const empty = server.empty()
  while (connections.length > 0) {
    activity.tick++
    await Promise.race([empty, new Promise(resolve => setTimeout(resolve, quietMs))])
    const elapsedMs = performance.now() - beganMs
    if (elapsedMs >= answerMs) break
    for (const connection of connections) look(server, connection, elapsedMs)
  }
  let unanswered = 0
  for (const connection of connections) {
    unanswered += server.pending(connection)
    connection.socket.destroy()
  }
  await empty
  return unanswered
}

/** Ends a connection from which nothing more comes or is waited for, and breaks it off when its time is over. */
function look(server: EndingServer, connection: ServedConnection, elapsedMs: number): void {
  if (server.pending(connection) > 0) {
    connection.lastPendingMs = elapsedMs
    connection.probe()
  }
  if (elapsedMs >= Math.max(readOnMs, connection.lastPendingMs) + lingerQueuedMs) connection.socket.destroy()
  else if (connection.paused) connection.wasHeldBack = true
  else if (connection.activeTick !== server.activity.tick) server.end(connection)
  else if (elapsedMs >= (connection.wasHeldBack ? readOnHeldMs : readOnMs)) server.end(connection)
}
