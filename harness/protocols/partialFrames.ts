/** A link keeps a buffer up to this size for its next partial frame; a larger one is released once it is empty. */
const reusedBytesMax = 16 * 1024
const smallestBytes = 256
const noBytes = new Uint8Array(0)

/**
 * The bytes of each connection that are not yet a whole frame. Most reads end with a frame, and then nothing is copied:
 * `join` returns the bytes it was given. Buffers double in size and do not trust an announced length, so memory follows
 * the bytes that have arrived, and a long frame in small pieces costs time in proportion to its length.
 */
export class PartialFrames {
  /** The range set by `join`: the link's partial frame and the bytes that followed it. */
  bytes: Uint8Array = noBytes
  from = 0
  to = 0
  /** Memory held by the buffers, in bytes. */
  heldBytes = 0
  readonly #ofLink: (PartialFrame | undefined)[] = []

  /** Sets `bytes`, `from` and `to` to the link's partial frame, if it has one, followed by `bytes[from, to)`. */
  join(link: number, bytes: Uint8Array, from: number, to: number): void {
    const partial = this.#ofLink[link]
    if (partial === undefined || partial.from === partial.to) {
      this.bytes = bytes
      this.from = from
      this.to = to
      return
    }
    this.#append(partial, bytes, from, to)
    this.bytes = partial.bytes
    this.from = partial.from
    this.to = partial.to
  }

  /** Sets `bytes`, `from` and `to` to the link's partial frame; empty where it has none. */
  show(link: number): void {
    const partial = this.#ofLink[link]
    this.bytes = partial?.bytes ?? noBytes
    this.from = partial?.from ?? 0
    this.to = partial?.to ?? 0
  }

  /** Keeps `bytes[from, to)`, the end of the range set by `join`, for the next `join`; nothing when it is empty. */
  keep(link: number, bytes: Uint8Array, from: number, to: number): void {
    let partial = this.#ofLink[link]
    if (from === to) {
      if (partial !== undefined) this.#clear(partial)
      return
    }
    if (partial === undefined) partial = this.#create(link)
    if (partial.bytes === bytes) {
      partial.from = from
      partial.to = to
      return
    }
    partial.from = 0
    partial.to = 0
    this.#append(partial, bytes, from, to)
  }

  /** Whether the link has the beginning of a frame. */
  holds(link: number): boolean {
    const partial = this.#ofLink[link]
    return partial !== undefined && partial.from < partial.to
  }

  /** Releases the link's memory: its connection is closed. */
  drop(link: number): void {
    this.heldBytes -= this.#ofLink[link]?.bytes.length ?? 0
    if (link < this.#ofLink.length) this.#ofLink[link] = undefined
  }

  #append(partial: PartialFrame, bytes: Uint8Array, from: number, to: number): void {
    const held = partial.to - partial.from
    const wanted = held + to - from
    if (partial.to + to - from > partial.bytes.length) {
      // Moving the bytes to the front is worth the copy only if it frees at least half of the buffer. A buffer that a
      // long frame has made much too large for what followed is not worth keeping.
      const room = partial.bytes.length
      if (wanted * 2 <= room && (room <= reusedBytesMax || wanted * 8 > room)) {
        partial.bytes.copyWithin(0, partial.from, partial.to)
      } else {
        const grown = new Uint8Array(capacityFor(wanted))
        grown.set(partial.bytes.subarray(partial.from, partial.to))
        this.heldBytes += grown.length - partial.bytes.length
        partial.bytes = grown
      }
      partial.from = 0
      partial.to = held
    }
    partial.bytes.set(bytes.subarray(from, to), partial.to)
    partial.to += to - from
  }

  #clear(partial: PartialFrame): void {
    partial.from = 0
    partial.to = 0
    if (partial.bytes.length <= reusedBytesMax) return
    this.heldBytes -= partial.bytes.length
    if (this.bytes === partial.bytes) this.bytes = noBytes
    partial.bytes = noBytes
  }

  #create(link: number): PartialFrame {
    while (this.#ofLink.length <= link) this.#ofLink.push(undefined)
    const partial = { bytes: noBytes, from: 0, to: 0 }
    this.#ofLink[link] = partial
    return partial
  }
}

interface PartialFrame {
  bytes: Uint8Array
  from: number
  to: number
}

function capacityFor(bytes: number): number {
  let capacity = smallestBytes
  while (capacity < bytes) capacity *= 2
  return capacity
}
