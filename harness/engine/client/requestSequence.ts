import { roleIndex } from '../../metrics/slab.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import type { Prng } from '../../prng.ts'

/** What each link sends next: its place in the steps, a draw from the mix, its row of the data. */
export class RequestSequence {
  /** Steps of the loop; they come first, then the heartbeat, then answers, then the handshake. */
  readonly loopSteps: number
  /** The heartbeat's step, or -1. */
  readonly heartbeat: number
  /** The first step of the handshake; equal to `steps` when there is none. */
  readonly handshake: number
  readonly steps: number
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
  /** Sums of the weights of a mix, of which the last is their total; empty where steps are sent sequentially. */
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
  readonly #handshakeUsesRows: boolean

  constructor({ bank, connections, index, workers, mode }: WorkerPlan, prng: Prng) {
    const { steps, frames } = bank
    this.steps = steps.length
    this.loopSteps = steps.filter(step => step.role === 'request').length
    this.heartbeat = steps.findIndex(step => step.role === 'heartbeat')
    this.handshake = this.loopSteps + steps.filter(({ role }) => role === 'heartbeat' || role === 'answer').length
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
    this.#weightSums = new Float64Array(bank.weighted ? this.loopSteps : 0)
    for (let step = 0, sum = 0; step < this.#weightSums.length; step++) {
      sum += steps[step]!.weight
      this.#weightSums[step] = sum
    }
    this.#rows = steps.reduce((most, step) => Math.max(most, step.frameCount), 1)
    this.#firstRow = index
    this.#rowStride = workers
    this.#randomRows = bank.randomRows
    this.#nextStep = new Int32Array(connections)
    this.#nextHandshake = new Int32Array(connections)
    this.#row = new Int32Array(connections)
    this.#rowIsNew = new Uint8Array(connections)
    this.#handshakeUsesRows = steps.slice(this.handshake).some(step => step.frameCount > 1)
  }

  /** A new connection begins with the handshake, if there is one; its loop goes on where the last one stopped. */
  opened(link: number): void {
    this.#nextHandshake[link] = this.handshake
    if (this.#handshakeUsesRows) this.#takeRow(link)
    this.#rowIsNew[link] = this.#handshakeUsesRows ? 1 : 0
  }

  /** Whether every step of the handshake has been taken. */
  isHandshakeDone(link: number): boolean {
    return this.#nextHandshake[link] === this.steps
  }

  /** The loop begins with its first step again. */
  restart(link: number): void {
    this.#nextStep[link] = 0
  }

  /** Skips the rest of this pass over the steps; in a single pass the link is then done. */
  skipPass(link: number): void {
    this.#nextStep[link] = this.#once ? this.loopSteps : 0
  }

  /** Takes the next step of the handshake. */
  nextHandshakeStep(link: number): number {
    return this.#nextHandshake[link]!++
  }

  /** Requests that a link may still send: the rest of its single pass over the steps, else Infinity. */
  requestsLeft(link: number): number {
    return this.#once ? this.loopSteps - this.#nextStep[link]! : Number.POSITIVE_INFINITY
  }

  /** Takes the link's next request of the loop: its frame. */
  nextFrame(link: number): number {
    let step = this.#nextStep[link]!
    if (this.#weightSums.length > 0) {
      const draw = (this.#prng.next32() / 0x1_0000_0000) * this.#weightSums[this.loopSteps - 1]!
      for (step = 0; this.#weightSums[step]! <= draw; ) step++
      this.#takeRow(link)
      if (this.#once) this.#nextStep[link] = this.loopSteps
    } else {
      // The first pass over the steps uses the row of the handshake, so that requests belong to the login before them.
      if (step === 0 && this.#rowIsNew[link] === 0) this.#takeRow(link)
      this.#rowIsNew[link] = 0
      this.#nextStep[link] = step + 1 === this.loopSteps && !this.#once ? 0 : step + 1
    }
    return this.frameOf(link, step)
  }

  /** The frame of a step with the link's row of the data. */
  frameOf(link: number, step: number): number {
    return this.#firstFrame[step]! + (this.#frameCount[step] === 1 ? 0 : this.#row[link]!)
  }

  #takeRow(link: number): void {
    if (this.#rows === 1) return
    this.#row[link] = this.#randomRows
      ? this.#prng.below(this.#rows)
      : (this.#firstRow + this.#rowsTaken++ * this.#rowStride) % this.#rows
  }
}
