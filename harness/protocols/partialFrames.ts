/** A buffer up to this size stays with its link for the next leftover; a larger one is let go once it is empty. */
const reusedBytesMax = 16 * 1024
const smallestBytes = 256
const noBytes = new Uint8Array(0)

/**
 * What came in on each connection and is not yet a whole frame. Most reads end with a frame, and then nothing is
 * copied: `join` hands back the very bytes it was given. It doubles its buffers rather than trust an announced length,
 * so that memory follows what has come in and a long frame in small pieces costs time in proportion to its length.
 */
export class PartialFrames {
  /** The range that `join` made: the link's bytes so far. */
  bytes: Uint8Array = noBytes
  from = 0
  to = 0
  /** Memory in buffers for leftovers, in bytes. */
  heldBytes = 0
  readonly #rests: (Rest | undefined)[] = []

  /** Sets `bytes`, `from` and `to` to what the link left over, if anything, and `bytes[from, to)` after it. */
  join(link: number, bytes: Uint8Array, from: number, to: number): void {
    const rest = this.#rests[link]
    if (rest === undefined || rest.from === rest.to) {
      this.bytes = bytes
      this.from = from
      this.to = to
      return
    }
    this.#append(rest, bytes, from, to)
    this.bytes = rest.bytes
    this.from = rest.from
    this.to = rest.to
  }

  /** Keeps `bytes[from, to)`, the end of what `join` made, for the next `join`; nothing is kept of an empty range. */
  keep(link: number, bytes: Uint8Array, from: number, to: number): void {
    let rest = this.#rests[link]
    if (from === to) {
      if (rest !== undefined) this.#empty(rest)
      return
    }
    if (rest === undefined) rest = this.#newRest(link)
    if (rest.bytes === bytes) {
      rest.from = from
      rest.to = to
      return
    }
    rest.from = 0
    rest.to = 0
    this.#append(rest, bytes, from, to)
  }

  /** Forgets the link and its memory: the connection is gone. */
  drop(link: number): void {
    this.heldBytes -= this.#rests[link]?.bytes.length ?? 0
    if (link < this.#rests.length) this.#rests[link] = undefined
  }

  #append(rest: Rest, bytes: Uint8Array, from: number, to: number): void {
    const held = rest.to - rest.from
    const wanted = held + to - from
    if (rest.to + to - from > rest.bytes.length) {
      // Moving to the front is worth its copy only where it makes at least half of the buffer free again, and keeping
      // the buffer only where it is not one that a long frame made, and much too large for what came after it.
      const room = rest.bytes.length
      if (wanted * 2 <= room && (room <= reusedBytesMax || wanted * 8 > room)) {
        rest.bytes.copyWithin(0, rest.from, rest.to)
      } else {
        const grown = new Uint8Array(capacityFor(wanted))
        grown.set(rest.bytes.subarray(rest.from, rest.to))
        this.heldBytes += grown.length - rest.bytes.length
        rest.bytes = grown
      }
      rest.from = 0
      rest.to = held
    }
    rest.bytes.set(bytes.subarray(from, to), rest.to)
    rest.to += to - from
  }

  #empty(rest: Rest): void {
    rest.from = 0
    rest.to = 0
    if (rest.bytes.length <= reusedBytesMax) return
    this.heldBytes -= rest.bytes.length
    if (this.bytes === rest.bytes) this.bytes = noBytes
    rest.bytes = noBytes
  }

  #newRest(link: number): Rest {
    while (this.#rests.length <= link) this.#rests.push(undefined)
    const rest = { bytes: noBytes, from: 0, to: 0 }
    this.#rests[link] = rest
    return rest
  }
}

interface Rest {
  bytes: Uint8Array
  from: number
  to: number
}

function capacityFor(bytes: number): number {
  let capacity = smallestBytes
  while (capacity < bytes) capacity *= 2
  return capacity
}
