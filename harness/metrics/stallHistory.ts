import { field, instant, type Slab, stallRecord } from './slab.ts'

/** Stalls that are kept: each is shorter than the one before it, so more than a few are rare. */
const keptMax = 64

/** A time in which a part of the client stood still; `atMs` is when it began, since the start of the run. */
export interface Gap {
  readonly ms: number
  readonly atMs: number
}

/** The same for a worker's loop, and the requests that waited for it: in flight at that moment, or due meanwhile. */
export interface Stall extends Gap {
  readonly requests: number
}

/**
 * Finds the longest gap since any moment, without keeping them all: one that is followed by a longer one is never the
 * answer.
 */
export class LongestGaps<Kept extends Gap> {
  readonly #kept: Kept[] = []

  add(gap: Kept): void {
    while (this.#kept.length > 0 && this.#kept.at(-1)!.ms <= gap.ms) this.#kept.pop()
    if (this.#kept.length < keptMax) this.#kept.push(gap)
  }

  /** The longest that ended after a time since the start of the run. */
  since(atMs: number): Kept | undefined {
    return this.#kept.find(gap => gap.atMs + gap.ms > atMs)
  }

  /** The longest that is still kept and shares a moment with another gap. */
  overlapping({ ms, atMs }: Gap): Kept | undefined {
    return this.#kept.find(gap => gap.atMs < atMs + ms && gap.atMs + gap.ms > atMs)
  }
}

/** Reads the stalls of all workers out of their slabs, before newer ones take their places. */
export class StallHistory {
  readonly #slabs: readonly Slab[]
  /** By slab: stalls that have been read. */
  readonly #read: number[]
  /** By slab. */
  readonly #longest: readonly LongestGaps<Stall>[]

  constructor(slabs: readonly Slab[]) {
    this.#slabs = slabs
    this.#read = slabs.map(() => 0)
    this.#longest = slabs.map(() => new LongestGaps())
  }

  read(): void {
    this.#slabs.forEach((slab, index) => {
      const count = Atomics.load(slab.fields, field.stalls) >>> 0
      for (let at = Math.max(this.#read[index]!, count - stallRecord.count); at < count; at++)
        this.#add(slab, index, at)
      this.#read[index] = count
    })
  }

  /**
   * The longest that ended after a time since the start of the run, with the requests of all workers: what stops the process
   * stops each of them.
   */
  since(atMs: number): Stall | undefined {
    const found = this.#longest.flatMap(gaps => gaps.since(atMs) ?? [])
    const [first, ...others] = found
    if (first === undefined) return undefined
    const longest = others.reduce((longest, stall) => (stall.ms > longest.ms ? stall : longest), first)
    const requests = this.#longest.reduce((sum, gaps) => sum + (gaps.overlapping(longest)?.requests ?? 0), 0)
    return { ...longest, requests }
  }

  #add({ stalls, instants }: Slab, index: number, at: number): void {
    const place = (at % stallRecord.count) * stallRecord.length
    const ms = stalls[place + stallRecord.lateMs]!
    const endMs = stalls[place + stallRecord.endAt]! - instants[instant.start]!
    this.#longest[index]!.add({ ms, atMs: endMs - ms, requests: stalls[place + stallRecord.requests]! })
  }
}
