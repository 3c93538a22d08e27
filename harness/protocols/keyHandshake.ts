import { assert } from '../errors.ts'
import type { Protocol } from './protocol.ts'

/** What a server's message means to a client that does the handshake. */
export type KeyReply = 'challenge' | 'welcome' | 'refusal' | 'other'

/** The client's half of a handshake with a key: bytes in, bytes out. It has no state; all connections share one. */
export interface KeyHandshakeClient {
  /** The frame that a client sends first. */
  helloFrame(): Uint8Array
  /** The meaning of the whole frame `bytes[from, end)`. */
  kindOf(bytes: Uint8Array, from: number, end: number): KeyReply
  /** The signature of the challenge in the whole frame `bytes[from, end)`. */
  signature(bytes: Uint8Array, from: number, end: number): Uint8Array
  /** The frame that answers the challenge in the whole frame `bytes[from, end)`. */
  signatureFrame(bytes: Uint8Array, from: number, end: number): Uint8Array
}

/** The client's half for this key; the protocol must have a handshake with a key, and encodes with its layers. */
export function createKeyHandshakeClient(protocol: Protocol, key: string): KeyHandshakeClient {
  const { keyHandshake } = protocol
  assert(keyHandshake !== undefined, `${protocol.name} has no handshake with a key`)
  const { helloType, challengeType, signatureType, welcomeType, sign } = keyHandshake
  const signature = (bytes: Uint8Array, from: number, end: number) => sign(key, protocol.decode(bytes, from, end).body)
  return {
    helloFrame: () => protocol.encode({ type: helloType, body: new Uint8Array(0) }),
    kindOf(bytes, from, end) {
      const type = protocol.type?.read(bytes, from)
      if (type === challengeType) return 'challenge'
      if (type === welcomeType) return 'welcome'
      return protocol.isRefusal?.(bytes, from, end) === true ? 'refusal' : 'other'
    },
    signature,
    signatureFrame: (bytes, from, end) => protocol.encode({ type: signatureType, body: signature(bytes, from, end) }),
  }
}
