import { IdleTimeout, type Watched } from '../server/idleTimeout.ts'
import type { Replies } from '../server/replies.ts'
import type { Connection, Service } from '../server/service.ts'

/** A client that has not finished the handshake within this time is refused. */
export const handshakeMsMax = 5000

/** The outcome of a message of a handshake: another one must follow, it was the last, or the frame of a refusal. */
export type HandshakeStep = 'more' | 'done' | Uint8Array

/** One side of a handshake with one client. */
export interface Handshake {
  /** Answers the message in `bytes[from, end)`, unless the client is refused. */
  message(bytes: Uint8Array, from: number, end: number, replies: Replies): HandshakeStep
}

/** How a service authenticates its clients. */
export interface Authentication {
  /** Begins the handshake of a new connection. */
  begin(): Handshake
  /** The refusals of a client that takes too long, and of one whose first message is too long. */
  readonly lateFrame: Uint8Array
  readonly overlongFrame: Uint8Array
}

/**
 * A service for authenticated clients: on each connection nothing is served until its handshake is done. A client that sends
 * anything else or takes too long gets a refusal, and its connection is closed.
 */
export function authenticatedService(
  service: Service,
  authentication: Authentication,
  withinMs = handshakeMsMax,
): Service {
  const { overlong } = service
  /** By link; undefined once the handshake is done. */
  const pending: (Unauthenticated | undefined)[] = []
  const deadlines = new IdleTimeout<Unauthenticated>(withinMs, ({ connection }) => {
    connection.refuseNow(authentication.lateFrame)
  })

  /** The client stays unauthenticated until it disconnects, but has no deadline any more: it is refused once. */
  function refuse(client: Unauthenticated, frame: Uint8Array, replies: Replies): void {
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
      refuse(client, step, replies)
    },
    ...(overlong && {
      overlong(connection, bytes, from, replies) {
        const client = pending[connection.link]
        if (client === undefined) overlong(connection, bytes, from, replies)
        else refuse(client, authentication.overlongFrame, replies)
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

/** A connection whose handshake is not done. */
interface Unauthenticated extends Watched {
  readonly connection: Connection
  readonly handshake: Handshake
}
