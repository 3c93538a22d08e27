import { randomBytes, timingSafeEqual } from 'node:crypto'
import { assert } from '../harness/errors.ts'
import { IdleTimeout, type Watched } from './idleTimeout.ts'
import type { Replies } from './replies.ts'
import type { Connection, Service } from './service.ts'

/** A client that has not shown within this time that it knows the key is turned away. */
export const handshakeMsMax = 5000

const wrongKeyText = 'the key is wrong'
const handshakeFirstText = 'this server has a key: the handshake comes first'
const lateText = 'the handshake took too long'

/**
 * A service for those who know the key: on each connection nothing is served until the protocol's own handshake is done.
 * Whoever sends something else, signs wrongly or takes too long is told so, and the connection ended.
 */
export function keyedService(service: Service, key: string, withinMs = handshakeMsMax): Service {
  const { protocol, overlong } = service
  const handshake = protocol.keyHandshake
  assert(handshake !== undefined, `${protocol.name} has no handshake with a key`)
  const encode = (type: number, body: Uint8Array) => protocol.encode({ type, body })
  const refusals = new Map(
    [wrongKeyText, handshakeFirstText, lateText].map(text => [
      text,
      encode(handshake.refusalType, new TextEncoder().encode(text)),
    ]),
  )
  const welcome = encode(handshake.welcomeType, new Uint8Array(0))
  /** By link; nothing once the handshake is done. */
  const strangers: (Stranger | undefined)[] = []
  const deadlines = new IdleTimeout<Stranger>(withinMs, ({ connection }) => {
    connection.endNow(refusals.get(lateText))
    connection.reject()
  })

  function refuse(connection: Connection, text: string, replies: Replies): void {
    replies.append(refusals.get(text)!)
    connection.reject()
  }

  function shakeHands(stranger: Stranger, bytes: Uint8Array, from: number, end: number, replies: Replies): void {
    const { connection, challenge } = stranger
    const { type, body } = protocol.decode(bytes, from, end)
    const awaited = challenge === undefined ? handshake!.helloType : handshake!.signatureType
    if (type !== awaited) {
      refuse(connection, handshakeFirstText, replies)
      return
    }
    if (challenge === undefined) {
      stranger.challenge = randomBytes(handshake!.challengeBytes)
      replies.append(encode(handshake!.challengeType, stranger.challenge))
      return
    }
    const signature = handshake!.sign(key, challenge)
    // Its length is no secret, and what is compared in constant time must be equally long.
    if (body.length !== signature.length || !timingSafeEqual(body, signature)) {
      refuse(connection, wrongKeyText, replies)
      return
    }
    strangers[connection.link] = undefined
    deadlines.delete(stranger)
    replies.append(welcome)
  }

  return {
    ...service,
    connect(connection) {
      const stranger = { connection, challenge: undefined, activeTick: 0, wheelSlot: 0 }
      strangers[connection.link] = stranger
      deadlines.add(stranger)
      service.connect?.(connection)
    },
    message(connection, bytes, from, end, replies) {
      const stranger = strangers[connection.link]
      if (stranger === undefined) service.message(connection, bytes, from, end, replies)
      else shakeHands(stranger, bytes, from, end, replies)
    },
    ...(overlong && {
      overlong(connection, bytes, from, replies) {
        if (strangers[connection.link] === undefined) overlong(connection, bytes, from, replies)
        else refuse(connection, handshakeFirstText, replies)
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

/** A connection whose client has yet to show that it knows the key. */
interface Stranger extends Watched {
  readonly connection: Connection
  /** What it was given to sign, once it has said hello. */
  challenge: Uint8Array | undefined
}
