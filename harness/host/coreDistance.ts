import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { builtFile } from '../built.ts'
import { type Clock, monotonicClock } from '../clock.ts'

/** Words of the shared memory, each on cache lines of its own. */
export const word = { round: 0, question: 64, answer: 128 } as const
const words = 192
/** The question that ends a round. */
export const over = -1

/** Round trips of a measurement: some 20 us. */
const trips = 32
/** The longest wait for the other thread to wake on a core of its own, and then for each of its answers. */
const wakeMsMax = 0.15
const answerMsMax = 0.05
/** Questions that this thread answers itself at the start, until its code is compiled: without that a trip takes twice as long. */
const compileTrips = 30_000
/** Readings between two looks at the clock. */
const readsPerLook = 256
/** So long takes no cache line: one of the threads was interrupted. */
const nanosecondsMax = 2000
/** Measurements that are left out after one that failed: the other thread finds no core. */
const restAfterFailure = 1

/**
 * How far the cores of this machine are apart: how long a cache line takes from one to another and back. On a virtual
 * machine that changes by a factor of two and more as its host moves the cores between its chips. Everything that two
 * threads do together, such as a client and a server on one machine, becomes slower with it, though each by itself is as
 * fast as before. A second thread answers, and sleeps between the measurements.
 */
export class CoreDistanceMeter {
  readonly #words = new Int32Array(new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT))
  readonly #worker: Worker
  readonly #clock: Clock
  #asked = 0
  #rest = 0

  private constructor(workerFile: string, clock: Clock) {
    this.#clock = clock
    this.#worker = new Worker(workerFile, { workerData: this.#words.buffer, execArgv: [] })
    this.#worker.unref()
    // Without its answers there is no distance, and nothing else is missing.
    this.#worker.on('error', () => {})
    for (let trip = 0; trip < compileTrips; trip++) {
      this.#ask()
      Atomics.store(this.#words, word.answer, this.#asked)
      this.#isAnswered(answerMsMax)
    }
    Atomics.store(this.#words, word.question, over)
  }

  /** Undefined on a machine of one core. */
  static start(
    workerFile: string = builtFile('harness/host/coreDistanceWorker'),
    clock: Clock = monotonicClock,
  ): CoreDistanceMeter | undefined {
    return availableParallelism() > 1 ? new CoreDistanceMeter(workerFile, clock) : undefined
  }

  /** A round trip in nanoseconds; undefined where the other thread found no core. It takes a tenth of a millisecond. */
  measure(): number | undefined {
    if (this.#rest > 0) {
      this.#rest--
      return undefined
    }
    // The question is there before the other thread wakes: without one it would sleep again.
    this.#ask()
    Atomics.add(this.#words, word.round, 1)
    Atomics.notify(this.#words, word.round)
    let isAnswered = this.#isAnswered(wakeMsMax)
    const startedAt = this.#clock.now()
    for (let trip = 0; isAnswered && trip < trips; trip++) {
      this.#ask()
      isAnswered = this.#isAnswered(answerMsMax)
    }
    const nanoseconds = ((this.#clock.now() - startedAt) / trips) * 1e6
    Atomics.store(this.#words, word.question, over)
    if (!isAnswered) this.#rest = restAfterFailure
    return isAnswered && nanoseconds < nanosecondsMax ? nanoseconds : undefined
  }

  stop(): void {
    void this.#worker.terminate()
  }

  #ask(): void {
    this.#asked = (this.#asked + 1) & 0x3fff_ffff
    Atomics.store(this.#words, word.question, this.#asked)
  }

  #isAnswered(milliseconds: number): boolean {
    for (let until = Number.POSITIVE_INFINITY; ; ) {
      for (let reads = 0; reads < readsPerLook; reads++) {
        if (Atomics.load(this.#words, word.answer) === this.#asked) return true
      }
      // The clock is read only where the answer does not come at once: that would be a part of the trip.
      const now = this.#clock.now()
      if (now >= until) return false
      if (until === Number.POSITIVE_INFINITY) until = now + milliseconds
    }
  }
}
