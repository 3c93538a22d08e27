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
export interface Gate {
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
export function gatedService(service: Service, gate: Gate, withinMs = handshakeMsMax): Service {
  const { overlong } = service
  /** By link; nothing once the handshake is done. */
  const strangers: (Stranger | undefined)[] = []
  const deadlines = new IdleTimeout<Stranger>(withinMs, ({ connection }) => {
    connection.refuseNow(gate.lateFrame)
  })

  /** It stays a stranger until it is gone, but has no deadline any more: it is turned away once. */
  function turnAway(stranger: Stranger, frame: Uint8Array, replies: Replies): void {
    deadlines.delete(stranger)
    replies.append(frame)
    stranger.connection.reject()
  }

  return {
    ...service,
    connect(connection) {
      const stranger = { connection, handshake: gate.begin(), activeTick: 0, wheelSlot: 0 }
      strangers[connection.link] = stranger
      deadlines.add(stranger)
      service.connect?.(connection)
    },
    message(connection, bytes, from, end, replies) {
      const stranger = strangers[connection.link]
      if (stranger === undefined) {
        service.message(connection, bytes, from, end, replies)
        return
      }
      const step = stranger.handshake.message(bytes, from, end, replies)
      if (step === 'more') return
      if (step === 'done') {
        strangers[connection.link] = undefined
        deadlines.delete(stranger)
        return
      }
      turnAway(stranger, step, replies)
    },
    ...(overlong && {
      overlong(connection, bytes, from, replies) {
        const stranger = strangers[connection.link]
        if (stranger === undefined) overlong(connection, bytes, from, replies)
        else turnAway(stranger, gate.overlongFrame, replies)
      },
    }),
    close(connection) {
      const stranger = strangers[connection.link]
      if (stranger !== undefined) deadlines.delete(stranger)
      strangers[connection.link] = undefined
      service.close?.(connection)
    },
  }
}

/** A connection whose client has yet to show that it is to be served. */
interface Stranger extends Watched {
  readonly connection: Connection
  readonly handshake: Handshake
}
