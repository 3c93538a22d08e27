/**
 * What is kept of replies that were not as expected. The order is part of the slab's layout: add at the end.
 * `unexpected` answers a request and fails its check; `stray` answers no request; `surplus` does so after the end;
 * `greeting` came before anything was sent; `unfinished` lay on a connection that closed; `partial` still lies there;
 * `reply` is the reply to a step in a single pass over the steps, and is as expected.
 */
export const sampleKinds = [
  'unexpected',
  'stray',
  'surplus',
  'greeting',
  'malformed',
  'too-large',
  'unfinished',
  'partial',
  'reply',
] as const
export type SampleKind = (typeof sampleKinds)[number]

export const sampleIndex = Object.fromEntries(sampleKinds.map((kind, index) => [kind, index])) as Record<
  SampleKind,
  number
>

/** Kinds that differ by step or key, so that there may be any number of them; every other kind has one entry of its own. */
const isMany: readonly boolean[] = sampleKinds.map(kind => kind === 'unexpected' || kind === 'reply')
const kindsOfOne = isMany.filter(many => !many).length

/** Kinds of unexpected replies that a worker keeps at most, and the bytes it keeps of each. */
export const sampleEntries = 16
export const sampleBytesMax = 256
/** The longest first word of an error that is looked at. */
export const errorWordBytesMax = 32

/** Words of an entry; the floats lie behind them. */
const word = { published: 0, kind: 1, step: 2, key: 3, length: 4, kept: 5 } as const
/** An announced length of 32 bits would be negative in a word. */
const float = { count: 3, at: 4, announced: 5 } as const
const headerBytes = 48
const entryBytes = headerBytes + sampleBytesMax
/** The entries, and behind them the number of replies for which there was no entry. */
export function sampleTableBytes(entries: number): number {
  return (entries + kindsOfOne) * entryBytes + Float64Array.BYTES_PER_ELEMENT
}

/** One reply as it was kept. */
export interface Sample {
  readonly kind: SampleKind
  /** The step that it answers; -1 where it answers none. */
  readonly step: number
  /** An HTTP status, the type of a message, or a hash of the first word of an error; 0 where there is none. */
  readonly key: number
  readonly count: number
  /** When the first one came, in milliseconds on the clock that all threads share. */
  readonly at: number
  /** All of its bytes, of which `bytes` are the first. */
  readonly length: number
  readonly bytes: Uint8Array
  /** The length of the frame that its bytes announce; 0 where they do not. */
  readonly announced: number
}

/** What a sample is filled with. */
export type SampleContent = Pick<Sample, 'at' | 'length' | 'bytes' | 'announced'>

/**
 * The first reply of each kind, step and key, and how many there were. A worker writes it and the main thread may read
 * it at any time: an entry is filled and then published with one atomic store. A reply like an earlier one costs a
 * search through a few entries and an addition, so that a server which refuses everything is not slowed down. However
 * many unexpected replies there are, a kind of which there is one entry always has room: a finding may depend on it.
 */
export class SampleTable {
  readonly #entries: number
  readonly #manyMax: number
  readonly #words: Int32Array
  readonly #floats: Float64Array
  readonly #bytes: Uint8Array
  /** Entries in use, and those of them whose kind may have several; only the writer's own. */
  #used = 0
  #many = 0

  /** With room for so many kinds of unexpected replies. */
  constructor(memory: SharedArrayBuffer, fromByte: number, entries: number = sampleEntries) {
    const length = sampleTableBytes(entries)
    this.#entries = entries + kindsOfOne
    this.#manyMax = entries
    this.#words = new Int32Array(memory, fromByte, length / Int32Array.BYTES_PER_ELEMENT)
    this.#floats = new Float64Array(memory, fromByte, length / Float64Array.BYTES_PER_ELEMENT)
    this.#bytes = new Uint8Array(memory, fromByte, length)
  }

  /** Counts a reply; true when it is the first of its kind, step and key, and has to be passed to `keep`. */
  count(kind: number, step: number, key: number): boolean {
    const words = this.#words
    for (let entry = 0; entry < this.#used; entry++) {
      const at = wordOf(entry)
      if (words[at + word.kind] === kind && words[at + word.step] === step && words[at + word.key] === key) {
        this.#floats[floatOf(entry) + float.count]!++
        return false
      }
    }
    if (!isMany[kind]! || this.#many < this.#manyMax) return true
    this.#floats[floatOf(this.#entries)]!++
    return false
  }

  /** Keeps the reply for which `count` has returned true. */
  keep(kind: number, step: number, key: number, { at, length, bytes, announced }: SampleContent): void {
    const entry = this.#used++
    if (isMany[kind]!) this.#many++
    const kept = Math.min(bytes.length, sampleBytesMax)
    const words = this.#words
    const start = wordOf(entry)
    words[start + word.kind] = kind
    words[start + word.step] = step
    words[start + word.key] = key
    words[start + word.length] = length
    words[start + word.kept] = kept
    this.#floats[floatOf(entry) + float.count] = 1
    this.#floats[floatOf(entry) + float.at] = at
    this.#floats[floatOf(entry) + float.announced] = announced
    this.#bytes.set(bytes.subarray(0, kept), entry * entryBytes + headerBytes)
    Atomics.store(words, start + word.published, 1)
  }

  /** The entries that are published; their bytes are copies. */
  read(): Sample[] {
    const samples: Sample[] = []
    for (let entry = 0; entry < this.#entries; entry++) {
      const at = wordOf(entry)
      const words = this.#words
      if (Atomics.load(words, at + word.published) === 0) break
      const bytesFrom = entry * entryBytes + headerBytes
      samples.push({
        kind: sampleKinds[words[at + word.kind]!]!,
        step: words[at + word.step]!,
        key: words[at + word.key]!,
        count: this.#floats[floatOf(entry) + float.count]!,
        at: this.#floats[floatOf(entry) + float.at]!,
        length: words[at + word.length]!,
        bytes: this.#bytes.slice(bytesFrom, bytesFrom + words[at + word.kept]!),
        announced: this.#floats[floatOf(entry) + float.announced]!,
      })
    }
    return samples
  }

  /** Replies that had no entry any more. */
  get notKept(): number {
    return this.#floats[floatOf(this.#entries)]!
  }
}

/** The samples of several workers as one list: equal ones are added up, and the earliest is shown. */
export function mergeSamples(tables: readonly SampleTable[]): Sample[] {
  const merged = new Map<string, Sample>()
  for (const sample of tables.flatMap(table => table.read())) {
    const id = `${sample.kind} ${sample.step} ${sample.key}`
    const other = merged.get(id)
    const first = other !== undefined && other.at <= sample.at ? other : sample
    merged.set(id, other === undefined ? sample : { ...first, count: other.count + sample.count })
  }
  return [...merged.values()].sort((a, b) => b.count - a.count || a.at - b.at)
}

function wordOf(entry: number): number {
  return (entry * entryBytes) / Int32Array.BYTES_PER_ELEMENT
}

function floatOf(entry: number): number {
  return (entry * entryBytes) / Float64Array.BYTES_PER_ELEMENT
}
