import type { WorkerPlan } from '../../plan/plan.ts'
import { createPrng, type Prng, streamSeed } from '../../prng.ts'

/** The longest exponential pause as a multiple of its mean: without a bound, one of 22,000 would be longer. */
export const exponentialTimesMax = 10
/** The stream of the worker's seed from which pauses are drawn, so that they change no other choice of the run. */
const pauseStream = 2

const spreads = { constant: 0, uniform: 1, exponential: 2 } as const

/**
 * How long links wait: after a reply to a step with `think`, and before their first request. Links that began together
 * would go on in step for ever, and each burst would wait for itself in the queues of the server; that goes for their
 * heartbeats too. So the first requests come as if the load had been going on before: spread over the longest pause of the steps, the first link at once.
 */
export class Pauses {
  /** By step: the mean pause after its reply; 0 where there is none. */
  readonly meanMs: Float64Array
  /** By step: one of `spreads`. */
  readonly #spread: Uint8Array
  readonly #prng: Prng
  readonly #seed: number
  readonly #links: number
  readonly #heartbeatMs: number
  /** By link: the step of its group with the longest pause; -1 where all of these begin at once. */
  readonly #longest: Int32Array
  /** By link: the first link of its group, and how many that has. */
  readonly #groupFrom: Int32Array
  readonly #groupLinks: Int32Array

  constructor(plan: WorkerPlan) {
    const { bank, seed, mode, requests = Number.POSITIVE_INFINITY, connections, heartbeatMs = 0 } = plan
    const { steps } = bank
    this.meanMs = Float64Array.from(steps, step => step.thinkMs)
    this.#spread = Uint8Array.from(steps, step => spreads[step.thinkSpread ?? 'constant'])
    this.#seed = streamSeed(seed, pauseStream)
    this.#prng = createPrng(this.#seed)
    this.#links = connections
    this.#heartbeatMs = heartbeatMs
    // A single pass is over before it could get out of step, and so is a run without a second request for each link.
    const isSinglePass = mode === 'once' || requests <= plan.speakingLinks
    this.#longest = new Int32Array(connections)
    this.#groupFrom = new Int32Array(connections)
    this.#groupLinks = new Int32Array(connections)
    let link = 0
    for (const { links, loopFrom, loopEnd } of plan.groups) {
      const end = link + links
      this.#longest.fill(isSinglePass ? -1 : longestOf(steps, loopFrom, loopEnd), link, end)
      this.#groupFrom.fill(link, link, end)
      this.#groupLinks.fill(links, link, end)
      link = end
    }
  }

  /** The pause after a reply to a step, in milliseconds: its own, or one drawn anew. */
  after(step: number): number {
    const spread = this.#spread[step]!
    const meanMs = this.meanMs[step]!
    if (spread === spreads.constant) return meanMs
    const draw = this.#prng.next32() / 0x1_0000_0000
    return spread === spreads.uniform ? 2 * meanMs * draw : exponential(meanMs, draw)
  }

  /**
   * How long a link waits before its first request, in milliseconds: what is left of a pause that a random moment falls
   * into (D. R. Cox, Renewal Theory, 1962, section 5.2). Each link has a part of that distribution of its own, so that
   * the first requests are spread evenly, and a random place in this part.
   */
  beforeFirst(link: number): number {
    const step = this.#longest[link]!
    if (step < 0) return 0
    const share = this.#shareOf(link, this.#groupFrom[link]!, this.#groupLinks[link]!)
    const meanMs = this.meanMs[step]!
    const spread = this.#spread[step]!
    if (spread === spreads.constant) return meanMs * share
    return spread === spreads.uniform ? 2 * meanMs * (1 - Math.sqrt(1 - share)) : exponential(meanMs, share)
  }

  /** By how much sooner than after its period a link sends its first heartbeat, so that these are spread over it as well. */
  firstHeartbeatSoonerBy(link: number): number {
    return this.#heartbeatMs * this.#shareOf(link, 0, this.#links)
  }

  /** A number from 0 to 1, in the link's own part of that range among `links` from `first` on; 0 for the first of them. */
  #shareOf(link: number, first: number, links: number): number {
    if (link === first) return 0
    return (link - first + streamSeed(this.#seed, link) / 0x1_0000_0000) / links
  }
}

/** The request of a loop with the longest mean pause; -1 where none has a pause. */
function longestOf(steps: WorkerPlan['bank']['steps'], loopFrom: number, loopEnd: number): number {
  let longest = -1
  for (let step = loopFrom; step < loopEnd; step++) {
    if (steps[step]!.thinkMs > (steps[longest]?.thinkMs ?? 0)) longest = step
  }
  return longest
}

/** The pause below which a share of all exponential pauses is. */
function exponential(meanMs: number, share: number): number {
  return meanMs * Math.min(exponentialTimesMax, -Math.log1p(-share))
}
