/** A transformation that is applied to each body sent and undone for each body received. It never throws. */
export interface Layer {
  /** Whether `unwrap` detects any change of the bytes. */
  readonly verifies: boolean
  /** The most bytes that `wrap` can return for a body of `bodyBytes` bytes. */
  wrappedBytesMax(bodyBytes: number): number
  wrap(body: Uint8Array): Uint8Array
  /**
   * The body that was wrapped; undefined where `bytes` are not valid, or hold a body of more than `bodyBytesMax` bytes.
   */
  unwrap(bytes: Uint8Array, bodyBytesMax: number): Uint8Array | undefined
}
