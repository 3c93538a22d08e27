/** A timeout is told to this part of itself: nothing is ended too soon, and nothing more than two parts late. */
const ticksPerTimeout = 10
const lifeTicks = ticksPerTimeout + 1

/** What is to show a sign of life now and then: whoever sees one sets `activeTick` to the timeout's `tick`. */
export interface Watched {
  activeTick: number
  /** Where it stands in the wheel. */
  wheelSlot: number
}

/**
 * One coarse timer for any number of connections: a timing wheel. A sign of life is one store, with no timer touched: a
 * connection that comes up in the wheel and was active since it was put there is put where it is due next.
 */
export class IdleTimeout<Member extends Watched> {
  /** Grows by one every tenth of the timeout. */
  tick = 0
  readonly #slots: Set<Member>[] = Array.from({ length: lifeTicks + 1 }, () => new Set())
  readonly #expired: (member: Member) => void
  readonly #isBusy: ((member: Member) => boolean) | undefined
  readonly #timer: NodeJS.Timeout

  /** Calls `expired` once for each member that was not active for so long; one that `isBusy` is active all the while. */
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

  /** Ends the timer: nothing expires any more. */
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
