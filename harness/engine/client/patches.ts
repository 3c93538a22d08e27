import type { Patch, PatchKind } from '../../plan/bank.ts'
import type { Prng } from '../../prng.ts'
import { writeBig, writeLittle } from '../../protocols/integers.ts'

const zero = 0x30
const letters = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const hexDigits = new TextEncoder().encode('0123456789abcdef')
const kinds = [
  'seq',
  'connection',
  'uuid',
  'random',
  'stamp',
  'number',
  'signature',
  'utc',
  'count',
] as const satisfies readonly PatchKind[]
const [seq, connection, uuid, random, stamp, number, signature, utc] = [0, 1, 2, 3, 4, 5, 6, 7]
const dayMs = 86_400_000
/** Added to a kind whose value is a number in bytes. */
const inBytes = kinds.length

export interface PatcherOptions {
  readonly prng: Prng
  readonly index: number
  readonly workers: number
  /** Added to the time of the transport, this gives the time since 1970. */
  readonly epochOffsetMs: number
  /** Connections of this worker; one by default. */
  readonly connections?: number
  /** The number of the first of them over all workers. */
  readonly firstConnection?: number
}

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
  /** By frame: 1 where it has the number of its message. */
  readonly #isCounted: Uint8Array
  /** By connection of this worker: the number of the latest message that has one. */
  readonly #messages: Float64Array
  readonly #firstConnection: number
  #sequence: number

  /** The sequence numbers of worker `index` of `workers` are 1 + index, and every `workers`-th from there. */
  constructor(
    patches: readonly (readonly Patch[])[],
    { prng, index, workers, epochOffsetMs, connections = 1, firstConnection = 0 }: PatcherOptions,
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
    this.#isCounted = Uint8Array.from(patches, list => (list.some(({ kind }) => kind === 'count') ? 1 : 0))
    this.#messages = new Float64Array(this.#isCounted.includes(1) ? connections : 0)
    this.#firstConnection = firstConnection
  }

  /** The messages of a new connection are counted from 1. */
  opened(link: number): void {
    if (this.#messages.length > 0) this.#messages[link] = 0
  }

  /** Whether a frame has anything that differs from one request to the next. */
  changes(frame: number): boolean {
    return this.#first[frame] !== this.#first[frame + 1]
  }

  /** Patches a copy of `frame` that begins at `bytes[at]`; `connectionNumber` counts over all workers. */
  apply(frame: number, bytes: Uint8Array, at: number, connectionNumber: number, now: number): void {
    const end = this.#first[frame + 1]!
    if (this.#first[frame] === end) return
    if (this.#isCounted[frame] === 1) this.#messages[connectionNumber - this.#firstConnection]!++
    for (let patch = this.#first[frame]!; patch < end; patch++) {
      const from = at + this.#offset[patch]!
      const length = this.#length[patch]!
      const kind = this.#kind[patch]
      if (kind === random) this.#writeLetters(bytes, from, length)
      else if (kind === uuid) this.#writeUuid(bytes, from)
      else if (kind === utc) writeUtc(bytes, from, Math.floor(now + this.#epochOffsetMs))
      else if (kind === signature) bytes.set(this.signature, from)
      else if (kind! < inBytes) {
        writeDigits(bytes, from, length, this.#numberOf(kind!, patch, connectionNumber, now))
      } else {
        const value = this.#numberOf(kind! - inBytes, patch, connectionNumber, now)
        if (this.#isLittle[patch] === 1) writeLittle(bytes, from, length, value)
        else writeBig(bytes, from, length, value)
      }
    }
  }

  /** The value of a slot that is a number. */
  #numberOf(kind: number, patch: number, connectionNumber: number, now: number): number {
    if (kind === seq) {
      const value = this.#sequence
      this.#sequence += this.#stride
      return value
    }
    if (kind === number) return this.#least[patch]! + this.#prng.below(this.#count[patch]!)
    if (kind === connection) return connectionNumber
    if (kind === stamp) return Math.floor((now + this.#epochOffsetMs) * 1000)
    return this.#messages[connectionNumber - this.#firstConnection]!
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

/** Writes a time as `YYYYMMDD-HH:MM:SS.sss`, from milliseconds since 1970. */
function writeUtc(bytes: Uint8Array, from: number, epochMs: number): void {
  const date = dateOf(Math.floor(epochMs / dayMs))
  const time = epochMs % dayMs
  writeDigits(bytes, from, 8, date)
  bytes[from + 8] = 0x2d
  writeDigits(bytes, from + 9, 2, Math.floor(time / 3_600_000))
  bytes[from + 11] = 0x3a
  writeDigits(bytes, from + 12, 2, Math.floor(time / 60_000) % 60)
  bytes[from + 14] = 0x3a
  writeDigits(bytes, from + 15, 2, Math.floor(time / 1000) % 60)
  bytes[from + 17] = 0x2e
  writeDigits(bytes, from + 18, 3, time % 1000)
}

/** The date of a day since 1970 as the digits of `YYYYMMDD` (Hinnant, chrono-compatible low-level date algorithms). */
function dateOf(days: number): number {
  // Counted from 1 March of year 0, so that a leap day is the last of its year.
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return (year * 100 + month) * 100 + day
}

/** Writes decimal digits with leading zeros; of a number that is too long the last digits. */
function writeDigits(bytes: Uint8Array, from: number, length: number, value: number): void {
  for (let place = from + length - 1; place >= from; place--) {
    const rest = Math.floor(value / 10)
    bytes[place] = zero + (value - rest * 10)
    value = rest
  }
}
