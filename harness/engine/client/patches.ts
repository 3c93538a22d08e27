import type { Patch, PatchKind } from '../../plan/bank.ts'
import type { Prng } from '../../prng.ts'
import { writeBig, writeLittle } from '../../protocols/integers.ts'

const zero = 0x30
const letters = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const hexDigits = new TextEncoder().encode('0123456789abcdef')
const kinds: readonly PatchKind[] = ['seq', 'connection', 'uuid', 'random', 'stamp', 'number', 'signature']
const [seq, connection, uuid, random, stamp, number] = [0, 1, 2, 3, 4, 5]
/** Added to a kind whose value is a number in bytes. */
const inBytes = kinds.length

/**
 * Overwrites the parts of a request that differ each time. They have a fixed length, so that no frame changes its size.
 */
export class Patcher {
  /** The bytes that patches of the kind `signature` write; set before the frame is sent. */
  signature: Uint8Array = new Uint8Array(0)
  readonly #first: Int32Array
  readonly #kind: Uint8Array
  /** Numbers in bytes: 1 for those whose lowest byte comes first. */
  readonly #isLittle: Uint8Array
  readonly #offset: Int32Array
  readonly #length: Int32Array
  /** Patches of the kind `number`: the least value, and how many values there are. */
  readonly #least: Float64Array
  readonly #count: Float64Array
  readonly #prng: Prng
  readonly #stride: number
  readonly #epochOffsetMs: number
  #sequence: number

  /** The sequence numbers of worker `index` of `workers` are 1 + index, and every `workers`-th from there. */
  constructor(
    patches: readonly (readonly Patch[])[],
    { prng, index, workers, epochOffsetMs }: { prng: Prng; index: number; workers: number; epochOffsetMs: number },
  ) {
    const all = patches.flat()
    this.#first = new Int32Array(patches.length + 1)
    patches.forEach((list, frame) => {
      this.#first[frame + 1] = this.#first[frame]! + list.length
    })
    this.#kind = Uint8Array.from(all, patch => kinds.indexOf(patch.kind) + (patch.binary === undefined ? 0 : inBytes))
    this.#isLittle = Uint8Array.from(all, patch => (patch.binary === 'little' ? 1 : 0))
    this.#offset = Int32Array.from(all, patch => patch.offset)
    this.#length = Int32Array.from(all, patch => patch.length)
    this.#least = Float64Array.from(all, patch => patch.from ?? 0)
    this.#count = Float64Array.from(all, patch => (patch.to ?? 0) - (patch.from ?? 0) + 1)
    this.#prng = prng
    this.#stride = workers
    this.#sequence = 1 + index
    this.#epochOffsetMs = epochOffsetMs
  }

  /** Whether a frame has anything that differs from one request to the next. */
  changes(frame: number): boolean {
    return this.#first[frame] !== this.#first[frame + 1]
  }

  /** Patches a copy of `frame` that begins at `bytes[at]`; `connectionNumber` counts over all workers. */
  apply(frame: number, bytes: Uint8Array, at: number, connectionNumber: number, now: number): void {
    const end = this.#first[frame + 1]!
    if (this.#first[frame] === end) return
    for (let patch = this.#first[frame]!; patch < end; patch++) {
      const from = at + this.#offset[patch]!
      const length = this.#length[patch]!
      const kind = this.#kind[patch]
      if (kind === seq) {
        writeDigits(bytes, from, length, this.#sequence)
        this.#sequence += this.#stride
      } else if (kind === connection) writeDigits(bytes, from, length, connectionNumber)
      else if (kind === random) this.#writeLetters(bytes, from, length)
      else if (kind === uuid) this.#writeUuid(bytes, from)
      else if (kind === stamp) writeDigits(bytes, from, length, Math.floor((now + this.#epochOffsetMs) * 1000))
      else if (kind === number) writeDigits(bytes, from, length, this.#drawn(patch))
      else if (kind! < inBytes) bytes.set(this.signature, from)
      else {
        const value = this.#numberOf(kind! - inBytes, patch, connectionNumber, now)
        if (this.#isLittle[patch] === 1) writeLittle(bytes, from, length, value)
        else writeBig(bytes, from, length, value)
      }
    }
  }

  #drawn(patch: number): number {
    return this.#least[patch]! + this.#prng.below(this.#count[patch]!)
  }

  /** The value of a slot that is written as a number in bytes. */
  #numberOf(kind: number, patch: number, connectionNumber: number, now: number): number {
    if (kind === connection) return connectionNumber
    if (kind === stamp) return Math.floor((now + this.#epochOffsetMs) * 1000)
    if (kind === number) return this.#drawn(patch)
    const value = this.#sequence
    this.#sequence += this.#stride
    return value
  }

  #writeLetters(bytes: Uint8Array, from: number, length: number): void {
    let bits = 0
    for (let index = 0; index < length; index++) {
      if (index % 5 === 0) bits = this.#prng.next32()
      bytes[from + index] = letters[bits & 63]!
      bits >>>= 6
    }
  }

  /** A random UUID, version 4 (RFC 9562, section 5.4). */
  #writeUuid(bytes: Uint8Array, from: number): void {
    let bits = 0
    for (let index = 0, digit = 0; index < 36; index++) {
      if (index === 8 || index === 13 || index === 18 || index === 23) {
        bytes[from + index] = 0x2d
        continue
      }
      if (digit++ % 8 === 0) bits = this.#prng.next32()
      let value = bits & 15
      if (index === 14) value = 4
      if (index === 19) value = 8 | (value & 3)
      bytes[from + index] = hexDigits[value]!
      bits >>>= 4
    }
  }
}

/** Writes decimal digits with leading zeros; of a number that is too long the last digits. */
function writeDigits(bytes: Uint8Array, from: number, length: number, value: number): void {
  for (let place = from + length - 1; place >= from; place--) {
    const rest = Math.floor(value / 10)
    bytes[place] = zero + (value - rest * 10)
    value = rest
  }
}
