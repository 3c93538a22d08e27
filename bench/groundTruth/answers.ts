import {
  closedExponentialResponse,
  closedFixedResponse,
  closedStallResponse,
  fixedResponse,
  lostBothWays,
  md1Response,
  mixedResponse,
  mm1Response,
  type ResponseTruth,
  stallResponse,
} from './truth.ts'

/** G4: the server does nothing for the last second of every 10 s. */
export const stall = { stallMs: 1000, periodMs: 10_000 } as const
/** G6: a few requests take 50 times as long as the others. */
export const rare = { share: 0.02, factor: 50 } as const
/** G13: what each direction loses. */
export const lossShare = 0.01

/**
 * The known response times of each experiment, by its id, for a server whose service or delay takes `ms`. The same
 * answers hold in simulated time with 1 ms, and for real servers with a longer time.
 */
export const answers = {
  /** One FIFO with a fixed service, Poisson arrivals (M/D/1). */
  G1: (ms: number, utilisation: number): ResponseTruth => md1Response({ serviceMs: ms, utilisation }),
  /** The same server at a constant rate below its capacity: no request waits. */
  G2: (ms: number): ResponseTruth => fixedResponse(ms),
  /** One FIFO with an exponential service, Poisson arrivals (M/M/1). */
  G3: (ms: number, utilisation: number): ResponseTruth => mm1Response({ serviceMs: ms, utilisation }),
  /** A delay line that stalls, in mode rate. */
  G4: (ms: number): ResponseTruth => stallResponse({ baseMs: ms, ...stall }),
  /** The same in a closed loop of one connection. */
  G4c: (ms: number): ResponseTruth => closedStallResponse({ baseMs: ms, ...stall }),
  /** A delay line on which a few requests take much longer. */
  G6: (ms: number): ResponseTruth => mixedResponse({ baseMs: ms, rareMs: rare.factor * ms, rareShare: rare.share }),
  /** A delay line in a closed loop. */
  G8: (ms: number): ResponseTruth => fixedResponse(ms),
  /** One FIFO with a fixed service in a closed loop. */
  G9: (ms: number, connections: number): ResponseTruth => closedFixedResponse({ serviceMs: ms, connections }),
  /** One FIFO with an exponential service in a closed loop. */
  G10: (ms: number, connections: number): ResponseTruth => closedExponentialResponse({ serviceMs: ms, connections }),
} as const

/**
 * G12: p99, in ms, of a server that freezes for good after 90 % of a run in mode rate. It is a lower bound: 1 % of the
 * requests were sent in the first 1 % of the run after the freeze, and have waited 9 % of the run at its end.
 */
export function frozenP99Ms(runMs: number): number {
  return (9 * runMs) / 100
}

/** G13: the share of requests that are lost in one direction or the other. */
export const lostShare = lostBothWays(lossShare)
