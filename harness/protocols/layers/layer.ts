/** What a body passes through on its way out, and back through on its way in. Bytes in, bytes out; it throws nothing. */
export interface Layer {
  /** Whether `unwrap` finds any change of the bytes. */
  readonly verifies: boolean
  /** The most bytes that `wrap` makes of a body of so many. */
  wrappedBytesMax(bodyBytes: number): number
  wrap(body: Uint8Array): Uint8Array
  /** What was wrapped; undefined where `bytes` is not what `wrap` makes, or of more than `bodyBytesMax` bytes. */
  unwrap(bytes: Uint8Array, bodyBytesMax: number): Uint8Array | undefined
}
