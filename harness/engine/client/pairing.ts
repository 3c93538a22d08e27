/** How long a new connection waits for the greeting of a server that is known to send one. */
const greetingWaitMsMax = 1000
/** How long a connection that replaces one with doubtful pairs is watched for a greeting before anything is sent. */
const watchMs = 50
/** After the end a connection on which nothing is awaited stays open this many response times: its replies may be late by some. */
const surplusWaits = 4
const surplusWaitMsMin = 20
const greetingFramesMax = 255

/** The longest that a surplus frame is waited for. */
const surplusWaitMsMax = 500

/** `fresh`: nothing was sent since the connection opened; `watched` the same while a greeting is looked for. */
const talk = { fresh: 0, watched: 1, sent: 2, broken: 3 } as const

/**
 * Where replies come in the order of the requests, a frame that was not asked for shifts every later pair by one. This
 * class knows which connections may be so: it recognizes a greeting, which comes before anything was sent, and has later
 * connections wait for theirs, so that it is not taken for a reply.
 */
export class Pairing {
  /** A frame that answers no request puts the pairs in doubt: a stream without ids. */
  readonly isOrdered: boolean
  /** After the end: when something came in last. */
  drainedAt = Number.NaN
  /** By link: one of `talk`. */
  readonly #talk: Uint8Array
  /** By link: frames that came before anything was sent. */
  readonly #greetingFrames: Uint8Array
  /** By link: 1 while its handshake waits for a greeting. */
  readonly #listens: Uint8Array
  readonly #waitMsMax: number
  /** The most of them on any connection that was watched long enough. */
  #greetingFramesMax = 0
  /** An unasked frame has come: a greeting may have been too late to be recognized. */
  #isInDoubt = false

  /** A connection that has not begun after `timeoutMs` has failed: it waits for half of that at most. */
  constructor(links: number, isOrdered: boolean, timeoutMs: number) {
    this.isOrdered = isOrdered
    this.#waitMsMax = timeoutMs / 2
    this.#talk = new Uint8Array(links)
    this.#greetingFrames = new Uint8Array(links)
    this.#listens = new Uint8Array(links)
  }

  /** A connection is open; returns how many milliseconds to listen before anything is sent, 0 by default. */
  opened(link: number): number {
    const isWatched = this.isOrdered && this.#isInDoubt && this.#greetingFramesMax === 0
    this.#talk[link] = isWatched ? talk.watched : talk.fresh
    this.#greetingFrames[link] = 0
    const waitMs = isWatched ? watchMs : this.#greetingFramesMax > 0 ? greetingWaitMsMax : 0
    this.#listens[link] = waitMs > 0 ? 1 : 0
    return Math.min(waitMs, this.#waitMsMax)
  }

  /** The handshake of the link begins, or there is none: nothing waits for a greeting any more. */
  listened(link: number): void {
    this.#listens[link] = 0
  }

  /** From here on requests are sent on the link. */
  sends(link: number): void {
    if (this.#talk[link] === talk.watched) this.#isInDoubt = false
    this.#talk[link] = talk.sent
  }

  closed(link: number): void {
    this.#talk[link] = talk.fresh
  }

  /** Takes a frame that no request waits for, if it is a greeting. */
  takeGreeting(link: number): boolean {
    if (!this.isOrdered || this.#talk[link]! >= talk.sent) return false
    const frames = Math.min(greetingFramesMax, this.#greetingFrames[link]! + 1)
    this.#greetingFrames[link] = frames
    return true
  }

  /** Whether the greeting is complete for which the link was told to wait, so that it need not wait any longer. */
  isGreeted(link: number): boolean {
    const frames = this.#greetingFrames[link]!
    const isListening = this.#listens[link] === 1 && this.#talk[link] === talk.fresh
    const isComplete = isListening && frames > 0 && frames >= this.#greetingFramesMax
    this.#greetingFramesMax = Math.max(this.#greetingFramesMax, frames)
    return isComplete
  }

  /** A frame has come that was not asked for. */
  doubt(): void {
    this.#isInDoubt = true
  }

  /** What still comes on the link is no frame. */
  breaks(link: number): void {
    this.#talk[link] = talk.broken
  }

  /** After the end: whether a frame that no request waits for is one more than was asked for. */
  isSurplus(link: number): boolean {
    return this.isOrdered && this.#talk[link] === talk.sent
  }

  /** After the end: when no surplus frame is expected any more; with requests in flight, when to ask again. */
  quietAt(now: number, hasInFlight: boolean, meanResponseMs: number): number {
    if (hasInFlight || Number.isNaN(this.drainedAt)) this.drainedAt = now
    return this.drainedAt + Math.min(surplusWaitMsMax, Math.max(surplusWaitMsMin, meanResponseMs * surplusWaits))
  }
}
