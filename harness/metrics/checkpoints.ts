const secondMs = 1000
/** A reading that is due at a checkpoint may be a little early. */
const toleranceMs = 50

/**
 * Places where the measured part may begin, which is known only at the end where the warm-up is looked for: whole
 * seconds, every one up to 8, then every second one up to 16, every fourth up to 32, and so on, so that a long run keeps
 * some forty of them, and what is cut is at most a quarter more than it need be.
 */
export class Checkpoints<Checkpoint> {
  readonly #checkpoints: { readonly afterMs: number; readonly checkpoint: Checkpoint }[] = []
  readonly #isAutomatic: boolean
  #nextMs: number

  /** The first after so many milliseconds; where that is not automatic it is the only one. */
  constructor(leastMs: number, isAutomatic: boolean) {
    this.#nextMs = leastMs
    this.#isAutomatic = isAutomatic
  }

  /** Takes a checkpoint when it is time for one, `elapsedMs` after the start. */
  pass(elapsedMs: number, take: () => Checkpoint): void {
    if (elapsedMs < this.#nextMs) return
    this.#checkpoints.push({ afterMs: this.#nextMs, checkpoint: take() })
    this.#nextMs = this.#isAutomatic ? nextMarkMs(elapsedMs) : Number.POSITIVE_INFINITY
  }

  get first(): { readonly afterMs: number; readonly checkpoint: Checkpoint } | undefined {
    return this.#checkpoints[0]
  }

  /** The first checkpoint at or after a time, or the last there is. */
  from(elapsedMs: number): { readonly afterMs: number; readonly checkpoint: Checkpoint } | undefined {
    return this.#checkpoints.find(({ afterMs }) => afterMs >= elapsedMs - toleranceMs) ?? this.#checkpoints.at(-1)
  }
}

/** The first place for a checkpoint after a time. */
function nextMarkMs(elapsedMs: number): number {
  const seconds = Math.floor(elapsedMs / secondMs)
  const spacing = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, seconds))) - 2)
  return (Math.floor(seconds / spacing) + 1) * spacing * secondMs
}
