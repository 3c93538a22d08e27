/** A longer reply is not kept. */
export const firstReplyBytesMax = 64 * 1024

const tooLongLength = -1

/** The first reply to a step, a word where it was longer than what is kept, or undefined where none came. */
export type FirstReply = Uint8Array | 'too-long' | undefined

/** The memory of the first replies to so many steps. */
export function firstRepliesBytes(steps: number): number {
  return steps * (Int32Array.BYTES_PER_ELEMENT + firstReplyBytesMax)
}

/**
 * The first reply to each step of the loop that was as expected, whole, with which a null server can answer in place of the
 * target. A worker writes it, and the main thread reads it when the run is over. Memory is touched only where a reply is
 * kept; every other reply costs one look at a flag.
 */
export class FirstReplies {
  readonly #lengths: Int32Array
  readonly #bytes: Uint8Array
  /** By step: 1 until its reply is kept; only the writer's own. */
  readonly #isWanted: Uint8Array

  constructor(memory: SharedArrayBuffer, fromByte: number, steps: number) {
    const lengthsBytes = steps * Int32Array.BYTES_PER_ELEMENT
    this.#lengths = new Int32Array(memory, fromByte, steps)
    this.#bytes = new Uint8Array(memory, fromByte + lengthsBytes, steps * firstReplyBytesMax)
    this.#isWanted = new Uint8Array(steps).fill(1)
  }

  /** Keeps the whole reply `bytes[from, end)` to a step if it is the first. */
  offer(step: number, bytes: Uint8Array, from: number, end: number): void {
    if (this.#isWanted[step] === 1) this.#keep(step, bytes, from, end)
  }

  #keep(step: number, bytes: Uint8Array, from: number, end: number): void {
    this.#isWanted[step] = 0
    const length = end - from
    const fits = length <= firstReplyBytesMax
    if (fits) this.#bytes.set(bytes.subarray(from, end), step * firstReplyBytesMax)
    Atomics.store(this.#lengths, step, fits ? length : tooLongLength)
  }

  /** By step; the bytes are copies. */
  read(): FirstReply[] {
    return Array.from(this.#lengths, (_, step): FirstReply => {
      const length = Atomics.load(this.#lengths, step)
      if (length === tooLongLength) return 'too-long'
      const from = step * firstReplyBytesMax
      return length === 0 ? undefined : this.#bytes.slice(from, from + length)
    })
  }
}

/** By step, the reply that any of the workers has kept. */
export function mergeFirstReplies(tables: readonly FirstReplies[]): FirstReply[] {
  const [first = [], ...others] = tables.map(table => table.read())
  return first.map((reply, step) => {
    const all = [reply, ...others.map(each => each[step])]
    return all.find(each => each instanceof Uint8Array) ?? all.find(each => each !== undefined)
  })
}
