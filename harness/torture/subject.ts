import type { HandshakeRequest } from '../engine/client/singleRequests.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'

/** What a server is tried with: its protocol, and a request that it answers. */
export interface Subject {
  readonly spec: ProtocolSpec
  readonly protocol: Protocol
  /** The valid request, whole, as it goes over the wire. */
  readonly request: Uint8Array
  /** Requests that go first on each new connection, one after the other: its handshake. */
  readonly greeting: readonly HandshakeRequest[]
  /** The server ends a connection once it has answered one request. */
  readonly closes: boolean
}

/** `count` valid requests; with ids from 1 on where the protocol has them. */
export function validRequests({ protocol: { requestId }, request }: Subject, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    if (requestId === undefined) return request
    const frame = request.slice()
    requestId.write(frame, 0, idOf(requestId.bits, index))
    return frame
  })
}

/** The id of request `index`: a small one, never 0, which some servers take for none. */
export function idOf(bits: number, index: number): number {
  return 1 + (index % (2 ** bits - 1))
}
