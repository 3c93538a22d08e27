/** Resolution of a timeout: a member never expires early, and at most two of these parts late. */
const ticksPerTimeout = 10
const lifeTicks = ticksPerTimeout + 1

/** A member of an idle timeout: on activity `activeTick` is set to the timeout's `tick`. */
export interface Watched {
  activeTick: number
  /** Its slot in the wheel. */
  wheelSlot: number
}

/**
 * One coarse timer for any number of connections: a timing wheel. Activity costs one store and touches no timer. When the
 * slot of a connection comes up and the connection was active since, it moves to the slot where it is due next.
 */
export class IdleTimeout<Member extends Watched> {
  /** Grows by one every tenth of the timeout. */
  tick = 0
  readonly #slots: Set<Member>[] = Array.from({ length: lifeTicks + 1 }, () => new Set())
  readonly #expired: (member: Member) => void
  readonly #isBusy: ((member: Member) => boolean) | undefined
  readonly #timer: NodeJS.Timeout

  /** Calls `expired` once for each member that was idle for `timeoutMs`; a member that `isBusy` counts as active. */
  constructor(timeoutMs: number, expired: (member: Member) => void, isBusy?: (member: Member) => boolean) {
    this.#expired = expired
    this.#isBusy = isBusy
    this.#timer = setInterval(() => this.#advance(), timeoutMs / ticksPerTimeout).unref()
  }

  add(member: Member): void {
    member.activeTick = this.tick
    this.#put(member)
  }

  delete(member: Member): void {
    this.#slots[member.wheelSlot]!.delete(member)
  }

  /** Stops the timer: nothing expires any more. */
  stop(): void {
    clearInterval(this.#timer)
  }

  #advance(): void {
    this.tick++
    const slot = this.tick % this.#slots.length
    const due = this.#slots[slot]!
    if (due.size === 0) return
    this.#slots[slot] = new Set()
    for (const member of due) {
      if (this.#isBusy?.(member)) member.activeTick = this.tick
      if (this.tick - member.activeTick >= lifeTicks) this.#expired(member)
      else this.#put(member)
    }
  }

  #put(member: Member): void {
    member.wheelSlot = (member.activeTick + lifeTicks) % this.#slots.length
    this.#slots[member.wheelSlot]!.add(member)
  }
}
