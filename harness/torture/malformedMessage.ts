/** The wrong length: zero, negative when read as signed, or far more than is sent. */
export type LengthKind = 'zero' | 'negative' | 'huge'

/** Bytes to send on a connection of their own, and what is wrong with them. */
export interface MalformedMessage {
  readonly what: string
  readonly bytes: Uint8Array
}

/** The largest signed 32-bit number: 2 GiB less one byte. */
export const hugeLength = 2 ** 31 - 1
/** Bytes of body that follow a huge length. */
export const hugeSentBytes = 64 * 1024
