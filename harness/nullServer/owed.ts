export const noBytes: Uint8Array = new Uint8Array(0)

/** The bytes still to be written to a connection: `left` of them, from `at` on in `block`, which repeats at its end. */
export interface Owed {
  block: Uint8Array
  at: number
  left: number
  /** The block is used again by the next answer: what is not written at once has to be copied. */
  isShared: boolean
}

/** Makes the replies to requests, for all connections of one thread. */
export interface NullReplies {
  /**
   * Sets `owed` to the reply to `buffer[0, length)`; it must be empty before. False when the bytes are not a request.
   */
  answer(owed: Owed, link: number, buffer: Uint8Array, length: number): boolean
  /** The connection is closed. */
  drop(link: number): void
}

/** The state of a connection to which nothing is to be written. */
export function nothingOwed(): Owed {
  return { block: noBytes, at: 0, left: 0, isShared: false }
}
