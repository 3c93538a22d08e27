import type { HandshakeLogin, HandshakeRequest } from '../engine/client/singleRequests.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'

/** What trials know of a server: its protocol, and a request that it answers. */
export interface Subject {
  readonly spec: ProtocolSpec
  readonly protocol: Protocol
  /** The names of its layers; absent where there are none. */
  readonly layers?: readonly string[]
  /** The frame of a valid request, with its layers. */
  readonly request: Uint8Array
  /** The format of its reply, where that ends unlike the others. */
  readonly replyFormat?: Protocol
  /** Requests that are sent first on each new connection, each after the reply to the one before, and logins. */
  readonly handshake: readonly (HandshakeRequest | HandshakeLogin)[]
  /** The server closes a connection after one reply. */
  readonly closes: boolean
}

/** `count` valid requests, with ids from 1 up if the protocol has ids. */
export function validRequests({ protocol: { requestId, seal }, request }: Subject, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    if (requestId === undefined) return request
    const frame = request.slice()
    requestId.write(frame, 0, idOf(requestId.max, index))
    seal?.(frame, 0, frame.length)
    return frame
  })
}

/** The id of request `index`, up to `max`: small, and never 0, which some servers take for a missing id. */
export function idOf(max: number, index: number): number {
  return 1 + (index % max)
}
