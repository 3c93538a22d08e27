import { roleIndex } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Prng } from '../../prng.ts'
import { LinkSteps } from './linkSteps.ts'

/** What each link sends next: its place in the steps, a draw from the mix, its row of the data. */
export class RequestSequence {
  /** The heartbeat's step, or -1. */
  readonly heartbeat: number
  /** The steps of the handshake with a key, which comes before a link's own: from the first to behind the last. */
  readonly #keyFrom: number
  readonly #keyEnd: number
  readonly #own: LinkSteps
  /** By step. */
  readonly role: Uint8Array
  readonly reply: readonly boolean[]
  /** Steps of the handshake that send nothing. */
  readonly listens: readonly boolean[]
  /** Steps of the handshake that log in: a dialogue. */
  readonly logsIn: readonly boolean[]
  /** By frame. */
  readonly stepOfFrame: Int32Array
  readonly #firstFrame: Int32Array
  readonly #frameCount: Int32Array
  readonly #once: boolean
  readonly #prng: Prng
  /** By step: sums of the weights of its mix, of which the last is their total; empty where there is no mix. */
  readonly #weightSums: Float64Array
  readonly #rows: number
  readonly #firstRow: number
  readonly #rowStride: number
  readonly #randomRows: boolean
  #rowsTaken = 0
  /** By link. */
  readonly #nextStep: Int32Array
  readonly #nextHandshake: Int32Array
  readonly #row: Int32Array
  readonly #rowIsNew: Uint8Array

  constructor(plan: WorkerPlan, prng: Prng) {
    const { bank, connections, index, workers, mode } = plan
    const { steps, frames, groups } = bank
    this.#own = new LinkSteps(plan)
    this.heartbeat = steps.findIndex(step => step.role === 'heartbeat')
    this.#keyEnd = Math.min(...groups.map(({ handshakeFrom }) => handshakeFrom))
    const firstHandshake = steps.findIndex(step => step.role === 'handshake')
    this.#keyFrom = firstHandshake < 0 ? this.#keyEnd : Math.min(firstHandshake, this.#keyEnd)
    this.role = Uint8Array.from(steps, step => roleIndex[step.role])
    this.reply = steps.map(step => step.reply)
    this.listens = steps.map(step => step.listens === true)
    this.logsIn = steps.map(({ login }) => login !== undefined)
    this.stepOfFrame = new Int32Array(frames.length)
    this.#firstFrame = Int32Array.from(steps, step => step.firstFrame)
    this.#frameCount = Int32Array.from(steps, step => step.frameCount)
    steps.forEach(({ firstFrame, frameCount }, step) => {
      this.stepOfFrame.fill(step, firstFrame, firstFrame + frameCount)
    })
    this.#once = mode === 'once'
    this.#prng = prng
    const mixes = groups.filter(({ weighted }) => weighted)
    this.#weightSums = new Float64Array(Math.max(0, ...mixes.map(({ loopEnd }) => loopEnd)))
    for (const { loopFrom, loopEnd } of mixes) {
      for (let step = loopFrom, sum = 0; step < loopEnd; step++) {
        sum += steps[step]!.weight
        this.#weightSums[step] = sum
      }
    }
    this.#rows = steps.reduce((most, step) => Math.max(most, step.frameCount), 1)
    this.#firstRow = index
    this.#rowStride = workers
    this.#randomRows = bank.randomRows
    this.#nextStep = this.#own.loopFrom.slice()
    this.#nextHandshake = new Int32Array(connections)
    this.#row = new Int32Array(connections)
    this.#rowIsNew = new Uint8Array(connections)
  }

  /** A new connection begins with the handshake, if there is one; its loop goes on where the last one stopped. */
  opened(link: number): void {
    this.#nextHandshake[link] = this.#keyFrom < this.#keyEnd ? this.#keyFrom : this.#own.handshakeFrom[link]!
    const usesRows = this.#own.handshakeUsesRows[link]!
    if (usesRows === 1) this.#takeRow(link)
    this.#rowIsNew[link] = usesRows
  }

  /** Whether every step of the handshake has been taken. */
  isHandshakeDone(link: number): boolean {
    return this.#nextHandshake[link] === this.#own.handshakeEnd[link]
  }

  /** Whether the next step of the handshake sends nothing, and takes what the server says by itself. */
  listensNext(link: number): boolean {
    return !this.isHandshakeDone(link) && this.listens[this.#nextHandshake[link]!]!
  }

  /** The loop begins with its first step again. */
  restart(link: number): void {
    this.#nextStep[link] = this.#own.loopFrom[link]!
  }

  /** Skips the rest of this pass over the steps; in a single pass the link is then done. */
  skipPass(link: number): void {
    this.#nextStep[link] = this.#once ? this.#own.loopEnd[link]! : this.#own.loopFrom[link]!
  }

  /** Takes the next step of the handshake. */
  nextHandshakeStep(link: number): number {
    const step = this.#nextHandshake[link]!
    this.#nextHandshake[link] = step + 1 === this.#keyEnd ? this.#own.handshakeFrom[link]! : step + 1
    return step
  }

  /** Requests that a link may still send: the rest of its single pass over the steps, else Infinity. */
  requestsLeft(link: number): number {
    return this.#once ? this.#own.loopEnd[link]! - this.#nextStep[link]! : Number.POSITIVE_INFINITY
  }

  /** Whether a link has made its single pass over the steps; one that only listens has none to make. */
  isPassDone(link: number): boolean {
    return this.requestsLeft(link) === 0 && this.#own.loopFrom[link]! < this.#own.loopEnd[link]!
  }

  /** Takes the link's next request of the loop: its frame. */
  nextFrame(link: number): number {
    const from = this.#own.loopFrom[link]!
    const end = this.#own.loopEnd[link]!
    let step = this.#nextStep[link]!
    if (this.#weightSums.length > 0 && this.#own.isWeighted[link] === 1) {
      const draw = (this.#prng.next32() / 0x1_0000_0000) * this.#weightSums[end - 1]!
      for (step = from; this.#weightSums[step]! <= draw; ) step++
      this.#takeRow(link)
      if (this.#once) this.#nextStep[link] = end
    } else {
      // The first pass over the steps uses the row of the handshake, so that requests belong to the login before them.
      if (step === from && this.#rowIsNew[link] === 0) this.#takeRow(link)
      this.#rowIsNew[link] = 0
      this.#nextStep[link] = step + 1 === end && !this.#once ? from : step + 1
    }
    return this.frameOf(link, step)
  }

  /** The frame of a step with the link's row of the data. */
  frameOf(link: number, step: number): number {
    return this.#firstFrame[step]! + (this.#frameCount[step] === 1 ? 0 : this.#row[link]!)
  }

  #takeRow(link: number): void {
    if (this.#rows === 1 || this.#own.usesRows[link] === 0) return
    this.#row[link] = this.#randomRows
      ? this.#prng.below(this.#rows)
      : (this.#firstRow + this.#rowsTaken++ * this.#rowStride) % this.#rows
  }
}
