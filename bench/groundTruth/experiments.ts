import { answers, frozenP99Ms, lossShare, lostShare, rare, stall } from './answers.ts'
import { fifoResponses, knownResponses, poissonArrivals } from './lindley.ts'
import { closedPerSecond, lossTolerance, type ResponseTruth } from './truth.ts'

/** A run against a real server whose answer is known. */
export interface Experiment {
  readonly id: string
  readonly title: string
  /** Keys of the scenario besides its name, target, protocol and steps. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Options of the echo server. */
  readonly server: Readonly<Record<string, string | number | boolean>>
  /** Keys of the target besides the server and its options. */
  readonly target?: Readonly<Record<string, unknown>>
  readonly truth: readonly Truth[]
  /** A finding that the run must have. */
  readonly finding?: string
}

/** One figure of a run: its name in the report, its true value, and the largest relative error. */
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
  /** The figure is a lower bound: it is printed as `> value`. */
  readonly isBound?: boolean
}

const meanTolerance = 0.02
const quantileTolerance = 0.05
const timeout = '60s'
const serviceMs = 2
const queueSeed = 1
/** Delay of delay lines: so long that the 0.06 ms of a loopback, wake-ups and the server's own work do not count. */
const delayMs = 20
const fixedDelay = `fixed:${delayMs}ms`
/** Requests a second through a relay that loses some. */
const lossyRate = 1000
/** Delay for requests that arrive all at once: the last one is served after the work for all others. */
const lockstepMs = 50
const closedConnections = 16

/** The experiments that a real server can show; most of them last `seconds`. */
export function experiments(seconds: number): readonly Experiment[] {
  return table.map(row => row(seconds))
}

const table: readonly ((seconds: number) => Experiment)[] = [
  seconds => queue(0.5, seconds),
  seconds => queue(0.7, seconds),
  seconds => ({
    id: 'G4',
    title: `a delay line of ${delayMs} ms that stalls for 1 s every 10 s, in mode rate`,
    settings: {
      duration: wholePeriods(seconds),
      timeout,
      warmup: 0,
      connections: 600,
      load: { rate: 500, arrivals: 'constant' },
    },
    server: stallingServer,
    truth: times(answers.G4(delayMs), ['p50', 'p95', 'p99']),
  }),
  seconds => ({
    id: 'G4c',
    title: 'the same server in a closed loop of one connection',
    settings: { duration: wholePeriods(seconds), timeout, warmup: 0, connections: 1 },
    server: stallingServer,
    truth: times(answers.G4c(delayMs), ['p50', 'p99']),
  }),
  seconds => ({
    id: 'G6',
    title: `a delay line, ${percent(1 - rare.share)} at ${delayMs} ms and ${percent(rare.share)} at ${rare.factor * delayMs} ms`,
    settings: { duration: `${seconds}s`, timeout, connections: 300, load: { rate: 500 } },
    server: {
      poolSize: 'unlimited',
      serviceTime: `bimodal:${delayMs}ms,${rare.factor * delayMs}ms,${rare.share * 100}%`,
    },
    truth: times(answers.G6(delayMs), ['p50', 'p90', 'p99']),
  }),
  seconds => ({
    id: 'G8',
    title: `a delay line of ${lockstepMs} ms, 50 connections in a closed loop`,
    settings: { duration: `${seconds}s`, timeout, connections: 50 },
    server: { poolSize: 'unlimited', serviceTime: `fixed:${lockstepMs}ms`, busyWait: true },
    truth: [
      ...times(answers.G8(lockstepMs), ['p50', 'p99']),
      { figure: 'throughput', value: closedPerSecond(50, answers.G8(lockstepMs)), tolerance: meanTolerance },
    ],
  }),
  seconds => ({
    id: 'G9',
    title: `a FIFO with a fixed service of ${serviceMs} ms, ${closedConnections} connections in a closed loop`,
    settings: { duration: `${seconds}s`, timeout, connections: closedConnections },
    server: { serviceTime: `fixed:${serviceMs}ms` },
    truth: [
      ...times(answers.G9(serviceMs, closedConnections), ['p50', 'p99']),
      { figure: 'throughput', value: 1000 / serviceMs, tolerance: meanTolerance },
    ],
  }),
  () => ({
    id: 'G11',
    title: `a FIFO of ${1000 / serviceMs}/s at 600/s`,
    settings: { duration: '10s', timeout, connections: 64, load: { rate: 600 } },
    server: { serviceTime: `fixed:${serviceMs}ms` },
    truth: [{ figure: 'throughput', value: 1000 / serviceMs, tolerance: meanTolerance }],
    finding: 'overloaded',
  }),
  seconds => ({
    id: 'G12',
    title: 'a server that freezes for good after 90 % of the run, 1,000/s',
    settings: {
      duration: `${seconds}s`,
      timeout,
      warmup: 0,
      connections: 100 * seconds + 500,
      load: { rate: 1000, arrivals: 'constant' },
    },
    server: { poolSize: 'unlimited', serviceTime: fixedDelay, stall: `forever@${seconds * 900}ms` },
    truth: [
      { figure: 'p50', value: delayMs, tolerance: quantileTolerance },
      { figure: 'p99', value: frozenP99Ms(seconds * 1000), tolerance: quantileTolerance, isBound: true },
      { figure: 'inFlightAtEnd', value: 100 * seconds, tolerance: 0.01 },
    ],
    finding: 'censoring',
  }),
  seconds => ({
    id: 'G13',
    title: `UDP through a relay that loses ${lossShare * 100} % in each direction, 1,000/s, timeout 1 s`,
    settings: {
      duration: `${seconds}s`,
      timeout: '1s',
      warmup: 0,
      // Lost requests keep a connection until their timeout and the next scan for timeouts.
      connections: 200,
      load: { rate: lossyRate },
      seed: 13,
    },
    server: { poolSize: 'unlimited', serviceTime: fixedDelay },
    target: { over: 'udp', relay: { loss: `${lossShare * 100}%` } },
    truth: [
      { figure: 'p50', value: delayMs, tolerance: quantileTolerance },
      { figure: 'p90', value: delayMs, tolerance: quantileTolerance },
      // A request times out at the first scan after its timeout.
      { figure: 'p99', value: 1000, tolerance: quantileTolerance, isBound: true },
      { figure: 'lossShare', value: lostShare, tolerance: lossTolerance(lostShare, lossyRate * seconds) / lostShare },
    ],
    finding: 'errors',
  }),
  () => ({
    id: 'G14',
    title: `a delay line of ${5 * delayMs} ms for 2 s and of ${delayMs} ms afterwards, one connection`,
    settings: { duration: '29s', timeout, connections: 1 },
    server: { poolSize: 'unlimited', serviceTime: `fixed:${5 * delayMs}ms@2s,${fixedDelay}`, busyWait: true },
    truth: [
      ...times(answers.G8(delayMs), ['p50', 'p99']),
      // The warm-up is cut at a whole second.
      { figure: 'warmupSeconds', value: 2, tolerance: 0.5 },
    ],
  }),
]

const stallingServer = { poolSize: 'unlimited', serviceTime: fixedDelay, stall: '1s/10s', busyWait: true } as const

/**
 * G1. The response times follow from the arrivals, which follow from the seed: a run of a minute is compared with the same
 * arrivals, since chance makes it differ from an endless run.
 */
function queue(utilisation: number, seconds: number): Experiment {
  const rate = (utilisation * 1000) / delayMs
  const arrivals = poissonArrivals({ rate, durationMs: seconds * 1000, seed: queueSeed })
  const endless = answers.G1(delayMs, utilisation)
  const endlessRun = `mean ${endless.meanMs.toFixed(2)}, p99 ${endless.quantileMs(0.99).toFixed(2)}`
  return {
    id: `G1 ${utilisation}`,
    title: `one FIFO with a fixed service of ${delayMs} ms, Poisson, at ${utilisation * 100} % of its capacity (in the long run: ${endlessRun})`,
    settings: {
      duration: `${seconds}s`,
      timeout,
      warmup: 0,
      seed: queueSeed,
      workers: 1,
      connections: 64,
      load: { rate },
    },
    server: { serviceTime: fixedDelay, busyWait: true },
    truth: times(
      knownResponses(fifoResponses(arrivals, () => delayMs, Number.POSITIVE_INFINITY)),
      // At half of the capacity half of the requests find an idle server, so the median lies on an edge.
      utilisation === 0.5 ? ['p90', 'p99'] : ['p50', 'p90', 'p99'],
    ),
  }
}

/** A duration of whole periods of a stall, each of which ends with the stall. */
function wholePeriods(seconds: number): string {
  const periodSeconds = stall.periodMs / 1000
  return `${Math.max(1, Math.round(seconds / periodSeconds)) * periodSeconds}s`
}

function times(truth: ResponseTruth, names: readonly ('p50' | 'p90' | 'p95' | 'p99')[]): Truth[] {
  const quantile = (name: string): Truth => ({
    figure: name as Truth['figure'],
    value: truth.quantileMs(Number(name.slice(1)) / 100),
    tolerance: quantileTolerance,
  })
  return [{ figure: 'mean', value: truth.meanMs, tolerance: meanTolerance }, ...names.map(quantile)]
}

function percent(share: number): string {
  return `${share * 100} %`
}
