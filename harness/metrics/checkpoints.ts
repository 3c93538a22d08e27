const secondMs = 1000
/** A reading may be this much earlier than its checkpoint. */
const toleranceMs = 50

/**
 * Points in time at which the measured part may begin; an automatic warm-up chooses one at the end of the run. They are
 * whole seconds: each one up to 8, then every second one up to 16, every fourth one up to 32, and so on. So a long run
 * keeps about forty of them, and cuts at most a quarter more than necessary.
 */
export class Checkpoints<Checkpoint> {
  readonly #checkpoints: { readonly afterMs: number; readonly checkpoint: Checkpoint }[] = []
  readonly #isAutomatic: boolean
  readonly #earlyMs: number
  #nextMs: number

  /**
   * The first checkpoint is due after `firstMs`; it is the only one unless the warm-up is automatic. A reading that is early
   * by no more than `earlyMs` passes for one in time.
   */
  constructor(firstMs: number, isAutomatic: boolean, earlyMs = 0) {
    this.#earlyMs = earlyMs
    this.#nextMs = firstMs
    this.#isAutomatic = isAutomatic
  }

  /** Takes a checkpoint if one is due `elapsedMs` after the start. */
  pass(elapsedMs: number, take: () => Checkpoint): void {
    if (elapsedMs < this.#nextMs - this.#earlyMs) return
    this.#checkpoints.push({ afterMs: this.#nextMs, checkpoint: take() })
    this.#nextMs = this.#isAutomatic ? nextCheckpointMs(Math.max(elapsedMs, this.#nextMs)) : Number.POSITIVE_INFINITY
  }

  get first(): { readonly afterMs: number; readonly checkpoint: Checkpoint } | undefined {
    return this.#checkpoints[0]
  }

  /** The first checkpoint at or after a time, or else the last one. */
  from(elapsedMs: number): { readonly afterMs: number; readonly checkpoint: Checkpoint } | undefined {
    return this.#checkpoints.find(({ afterMs }) => afterMs >= elapsedMs - toleranceMs) ?? this.#checkpoints.at(-1)
  }
}

/** When the first checkpoint after a time is due. */
function nextCheckpointMs(elapsedMs: number): number {
  const seconds = Math.floor(elapsedMs / secondMs)
  const spacing = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, seconds))) - 2)
  return (Math.floor(seconds / spacing) + 1) * spacing * secondMs
}
