import { IdleTimeout, type Watched } from '../server/idleTimeout.ts'
import type { Replies } from '../server/replies.ts'
import type { Connection, Service } from '../server/service.ts'

/** A client that has not shown within this time that it is to be served is turned away. */
export const handshakeMsMax = 5000

/** What became of a message of a handshake: another has to follow, it was the last, or the frame that turns the client away. */
export type HandshakeStep = 'more' | 'done' | Uint8Array

/** One side of a handshake with one client. */
export interface Handshake {
  /** Answers the message in `bytes[from, end)`, unless the client is turned away. */
  message(bytes: Uint8Array, from: number, end: number, replies: Replies): HandshakeStep
}

/** How a service finds out whom it serves. */
export interface Authentication {
  /** A connection is there. */
  begin(): Handshake
  /** What a client is told that takes too long, and one whose first message is too long. */
  readonly lateFrame: Uint8Array
  readonly overlongFrame: Uint8Array
}

/**
 * A service for those who pass a gate: on each connection nothing is served until its handshake is done. Whoever sends
 * something else or takes too long is told so, and the connection ended.
 */
export function authenticatedService(
  service: Service,
  authentication: Authentication,
  withinMs = handshakeMsMax,
): Service {
  const { overlong } = service
  /** By link; nothing once the handshake is done. */
  const pending: (Unauthenticated | undefined)[] = []
  const deadlines = new IdleTimeout<Unauthenticated>(withinMs, ({ connection }) => {
    connection.refuseNow(authentication.lateFrame)
  })

  /** It stays a stranger until it is gone, but has no deadline any more: it is turned away once. */
  function turnAway(client: Unauthenticated, frame: Uint8Array, replies: Replies): void {
    deadlines.delete(client)
    replies.append(frame)
    client.connection.reject()
  }

  return {
    ...service,
    connect(connection) {
      const client = { connection, handshake: authentication.begin(), activeTick: 0, wheelSlot: 0 }
      pending[connection.link] = client
      deadlines.add(client)
      service.connect?.(connection)
    },
    message(connection, bytes, from, end, replies) {
      const client = pending[connection.link]
      if (client === undefined) {
        service.message(connection, bytes, from, end, replies)
        return
      }
      const step = client.handshake.message(bytes, from, end, replies)
      if (step === 'more') return
      if (step === 'done') {
        pending[connection.link] = undefined
        deadlines.delete(client)
        return
      }
      turnAway(client, step, replies)
    },
    ...(overlong && {
      overlong(connection, bytes, from, replies) {
        const client = pending[connection.link]
        if (client === undefined) overlong(connection, bytes, from, replies)
        else turnAway(client, authentication.overlongFrame, replies)
      },
    }),
    close(connection) {
      const client = pending[connection.link]
      if (client !== undefined) deadlines.delete(client)
      pending[connection.link] = undefined
      service.close?.(connection)
    },
  }
}

/** A connection whose client has yet to show that it is to be served. */
interface Unauthenticated extends Watched {
  readonly connection: Connection
  readonly handshake: Handshake
}
