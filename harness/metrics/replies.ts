import { mergeSamples, type Sample, type SampleKind } from './samples.ts'
import type { Slab } from './slab.ts'

/** What came back, over all workers of a run so far. */
export interface Replies {
  readonly samples: readonly Sample[]
  /** In a single pass over the steps: the first reply to each, as expected or not. */
  readonly ofSteps: readonly Sample[]
  /** Replies that were not as expected, of kinds for which there was no room. */
  readonly notKept: number
  /** By HTTP status, as text; only those with a count. */
  readonly statusCodes: Readonly<Record<string, number>>
  /** RESP errors that failed their requests, by their first words, most frequent first; each as a whole line. */
  readonly errorWords: readonly Sample[]
  /** By step: requests that failed after they were sent. */
  readonly failedByStep: readonly number[]
  /** By step: requests that were sent and expect no reply. */
  readonly oneWayByStep: readonly number[]
}

/** One kind of reply that was not as expected, for people: without secrets, and safe to print. */
export interface SampleRecord {
  readonly kind: SampleKind
  /** The step that it answers, where there are several; such as `loop[1]`. */
  readonly step?: string
  /** The HTTP status of the reply. */
  readonly status?: number
  readonly count: number
  /** The second of the run in which the first came; 0 before its start. */
  readonly second: number
  /** Bytes of the first one, or of its body where it has one; `text` or `hex` holds at most 256 of them. */
  readonly length: number
  readonly text?: string
  readonly hex?: string
  /** The length of the frame whose beginning it is, where that is announced. */
  readonly announced?: number
  /** What the scenario expects in its place. */
  readonly expected?: string
  /** What is wrong with the bytes, where the protocol can say. */
  readonly why?: string
}

/** Adds up what the workers have kept. */
export function readReplies(slabs: readonly Slab[]): Replies {
  const statusCodes: Record<string, number> = {}
  const failedByStep = new Float64Array(slabs[0]!.failedByStep.length)
  const oneWayByStep = new Float64Array(slabs[0]!.oneWayByStep.length)
  for (const slab of slabs) {
    slab.statusCodes.forEach((count, status) => {
      if (count > 0) statusCodes[status] = (statusCodes[status] ?? 0) + count
    })
    slab.failedByStep.forEach((count, step) => {
      failedByStep[step]! += count
    })
    slab.oneWayByStep.forEach((count, step) => {
      oneWayByStep[step]! += count
    })
  }
  return {
    samples: mergeSamples(slabs.map(slab => slab.samples)),
    ofSteps: mergeSamples(slabs.map(slab => slab.replies)),
    notKept: slabs.reduce((sum, slab) => sum + slab.samples.notKept, 0),
    statusCodes,
    errorWords: mergeSamples(slabs.map(slab => slab.errorWords)),
    failedByStep: [...failedByStep],
    oneWayByStep: [...oneWayByStep],
  }
}
