import { fifoResponses, knownResponses, poissonArrivals } from './lindley.ts'
import {
  closedFixedResponse,
  closedPerSecond,
  closedStallResponse,
  fixedResponse,
  lossTolerance,
  lostBothWays,
  md1Response,
  mixedResponse,
  type ResponseTruth,
  stallResponse,
} from './truth.ts'

/** A real run whose answer is known. */
export interface Experiment {
  readonly id: string
  readonly title: string
  /** What stands in the scenario beside its name, target, protocol and steps. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Options of the echo server. */
  readonly server: Readonly<Record<string, string | number | boolean>>
  /** What stands in the target beside the server and its options. */
  readonly target?: Readonly<Record<string, unknown>>
  readonly truth: readonly Truth[]
  /** A finding that the run must have. */
  readonly finding?: string
}

/** One figure of a run: where it stands in the report, what it must be, and by which part it may be off. */
export interface Truth {
  readonly figure:
    | 'mean'
    | 'p50'
    | 'p90'
    | 'p95'
    | 'p99'
    | 'throughput'
    | 'inFlightAtEnd'
    | 'warmupSeconds'
    | 'lossShare'
  readonly value: number
  readonly tolerance: number
  /** The figure is a bound: it is printed as `> value`. */
  readonly isBound?: boolean
}

const meanTolerance = 0.02
const quantileTolerance = 0.05
const timeout = '60s'
const serviceMs = 2
const queueSeed = 1
/** Of delay lines: long enough for the 0.06 ms of a loopback, wake-ups and a server's own work to be lost in it. */
const delayMs = 20

/** What a relay loses in either direction, and how many requests a second go through it. */
const lossShare = 0.01
const lossyRate = 1000

/** Of a delay line whose requests come and go all at once: the last of them has the work for all others before it. */
const lockstepMs = 50

/** The rows of shared experiments that a real server can show; `seconds` is how long most of them last. */
export function experiments(seconds: number): readonly Experiment[] {
  const duration = `${seconds}s`
  const stall = { baseMs: delayMs, stallMs: 1000, periodMs: 10_000 }
  // Stalls come in whole periods, and their last second is the stall.
  const periods = `${Math.max(1, Math.round(seconds / 10)) * 10}s`
  const stalling = { poolSize: 'unlimited', serviceTime: `fixed:${delayMs}ms`, stall: '1s/10s', busyWait: true }
  const common = { duration, timeout }
  return [
    // How long each request takes follows from when the others come, which the seed tells: no figure is left to chance, as
    // it is where a run of minutes is held against a queue that lasts for ever.
    ...[0.5, 0.7].map(utilisation => {
      const rate = (utilisation * 1000) / delayMs
      const arrivals = poissonArrivals({ rate, durationMs: seconds * 1000, seed: queueSeed })
      const endless = md1Response({ serviceMs: delayMs, utilisation })
      const forEver = `mean ${endless.meanMs.toFixed(2)}, p99 ${endless.quantileMs(0.99).toFixed(2)}`
      return {
        id: `G1 ${utilisation}`,
        title: `one FIFO with a fixed service of ${delayMs} ms, Poisson, at ${utilisation * 100} % of its capacity (for ever: ${forEver})`,
        settings: { ...common, warmup: 0, seed: queueSeed, workers: 1, connections: 64, load: { rate } },
        server: { serviceTime: `fixed:${delayMs}ms`, busyWait: true },
        truth: times(
          knownResponses(fifoResponses(arrivals, () => delayMs, Number.POSITIVE_INFINITY)),
          // Half of the requests find an idle server at half of its capacity: the median stands at an edge.
          utilisation === 0.5 ? ['p90', 'p99'] : ['p50', 'p90', 'p99'],
        ),
      }
    }),
    {
      id: 'G4',
      title: `a delay line of ${delayMs} ms that stalls for 1 s every 10 s, by a plan`,
      settings: {
        duration: periods,
        timeout,
        warmup: 0,
        connections: 600,
        load: { rate: 500, arrivals: 'constant' },
      },
      server: stalling,
      truth: times(stallResponse(stall), ['p50', 'p95', 'p99']),
    },
    {
      id: 'G4c',
      title: 'the same as a closed loop of one connection shows it',
      settings: { duration: periods, timeout, warmup: 0, connections: 1 },
      server: stalling,
      truth: times({ ...closedStallResponse(stall) }, ['p50', 'p99']),
    },
    {
      id: 'G6',
      title: `a delay line, 98 % at ${delayMs} ms and 2 % at ${50 * delayMs} ms`,
      settings: { ...common, connections: 300, load: { rate: 500 } },
      server: { poolSize: 'unlimited', serviceTime: `bimodal:${delayMs}ms,${50 * delayMs}ms,2%` },
      truth: times(mixedResponse({ baseMs: delayMs, rareMs: 50 * delayMs, rareShare: 0.02 }), ['p50', 'p90', 'p99']),
    },
    {
      id: 'G8',
      title: `a delay line of ${lockstepMs} ms, 50 connections in a closed loop`,
      settings: { ...common, connections: 50 },
      server: { poolSize: 'unlimited', serviceTime: `fixed:${lockstepMs}ms`, busyWait: true },
      truth: [
        ...times(fixedResponse(lockstepMs), ['p50', 'p99']),
        { figure: 'throughput', value: closedPerSecond(50, fixedResponse(lockstepMs)), tolerance: meanTolerance },
      ],
    },
    {
      id: 'G9',
      title: `a FIFO with a fixed service of ${serviceMs} ms, 16 connections in a closed loop`,
      settings: { ...common, connections: 16 },
      server: { serviceTime: `fixed:${serviceMs}ms` },
      truth: [
        ...times(closedFixedResponse({ serviceMs, connections: 16 }), ['p50', 'p99']),
        { figure: 'throughput', value: 1000 / serviceMs, tolerance: meanTolerance },
      ],
    },
    {
      id: 'G11',
      title: `a FIFO of ${1000 / serviceMs}/s under 600/s`,
      settings: { duration: '10s', timeout, connections: 64, load: { rate: 600 } },
      server: { serviceTime: `fixed:${serviceMs}ms` },
      truth: [{ figure: 'throughput', value: 1000 / serviceMs, tolerance: meanTolerance }],
      finding: 'overloaded',
    },
    {
      id: 'G12',
      title: 'a server that freezes for ever at 90 % of the run, 1,000/s',
      settings: { ...common, warmup: 0, connections: 100 * seconds + 500, load: { rate: 1000, arrivals: 'constant' } },
      server: { poolSize: 'unlimited', serviceTime: `fixed:${delayMs}ms`, stall: `forever@${seconds * 900}ms` },
      truth: [
        { figure: 'p50', value: delayMs, tolerance: quantileTolerance },
        { figure: 'p99', value: 90 * seconds, tolerance: quantileTolerance, isBound: true },
        { figure: 'inFlightAtEnd', value: 100 * seconds, tolerance: 0.01 },
      ],
      finding: 'censoring',
    },
    {
      id: 'G13',
      title: `UDP through a relay that loses ${lossShare * 100} % each way, 1,000/s, timeout 1 s`,
      settings: {
        duration,
        timeout: '1s',
        warmup: 0,
        // As many requests are waiting to be given up as are lost in a second, and a scan.
        connections: 200,
        load: { rate: lossyRate },
        seed: 13,
      },
      server: { poolSize: 'unlimited', serviceTime: `fixed:${delayMs}ms` },
      target: { over: 'udp', relay: { loss: `${lossShare * 100}%` } },
      truth: [
        { figure: 'p50', value: delayMs, tolerance: quantileTolerance },
        { figure: 'p90', value: delayMs, tolerance: quantileTolerance },
        // It is given up by the first scan after its time.
        { figure: 'p99', value: 1000, tolerance: quantileTolerance, isBound: true },
        {
          figure: 'lossShare',
          value: lostBothWays(lossShare),
          tolerance: lossTolerance(lostBothWays(lossShare), lossyRate * seconds) / lostBothWays(lossShare),
        },
      ],
      finding: 'errors',
    },
    {
      id: 'G14',
      title: `a delay line of ${5 * delayMs} ms for 2 s and of ${delayMs} ms from then on, one connection`,
      settings: { duration: '29s', timeout, connections: 1 },
      server: { poolSize: 'unlimited', serviceTime: `fixed:${5 * delayMs}ms@2s,fixed:${delayMs}ms`, busyWait: true },
      truth: [
        ...times(fixedResponse(delayMs), ['p50', 'p99']),
        // Cut at a whole second.
        { figure: 'warmupSeconds', value: 2, tolerance: 0.5 },
      ],
    },
  ]
}

function times(truth: ResponseTruth, names: readonly ('p50' | 'p90' | 'p95' | 'p99')[]): Truth[] {
  const quantile = (name: string): Truth => ({
    figure: name as Truth['figure'],
    value: truth.quantileMs(Number(name.slice(1)) / 100),
    tolerance: quantileTolerance,
  })
  return [{ figure: 'mean', value: truth.meanMs, tolerance: meanTolerance }, ...names.map(quantile)]
}
