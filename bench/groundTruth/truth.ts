/** A distribution of response times that is known without measuring. */
export interface ResponseTruth {
  readonly meanMs: number
  /** The response time that a share `q` of the requests does not exceed. */
  quantileMs(q: number): number
}

/** A server with Poisson arrivals; the utilisation is the share of time that it is busy, below 1. */
export interface QueueLoad {
  readonly serviceMs: number
  readonly utilisation: number
}

/** A server that does nothing during the last `stallMs` of every `periodMs`. */
export interface StallLoad {
  readonly baseMs: number
  readonly stallMs: number
  readonly periodMs: number
}

/** Bisection steps to find a quantile: more than a double has bits. */
const halvings = 64

/** Every request takes the same time: a delay line, or a FIFO with a fixed service on which requests never wait. */
export function fixedResponse(responseMs: number): ResponseTruth {
  return { meanMs: responseMs, quantileMs: () => responseMs }
}

/** A delay line on which a share of the requests takes `rareMs` and the rest `baseMs`. */
export function mixedResponse(options: { baseMs: number; rareMs: number; rareShare: number }): ResponseTruth {
  const { baseMs, rareMs, rareShare } = options
  return {
    meanMs: baseMs + rareShare * (rareMs - baseMs),
    quantileMs: q => (q <= 1 - rareShare ? baseMs : rareMs),
  }
}

/** The largest error of a measured loss among this many requests: three standard deviations of a binomial share. */
export function lossTolerance(lossShare: number, requests: number): number {
  return 3 * Math.sqrt((lossShare * (1 - lossShare)) / requests)
}

/** The share of requests lost if each direction loses `lossShare`: a request fails if it or its reply is lost. */
export function lostBothWays(lossShare: number): number {
  return 1 - (1 - lossShare) ** 2
}

/** M/D/1: a FIFO with a fixed service. The response time is the wait plus the service. */
export function md1Response(load: QueueLoad): ResponseTruth {
  const { serviceMs, utilisation } = load
  const waitCdf = md1WaitCdf(load)
  return {
    // The Pollaczek-Khinchine formula.
    meanMs: serviceMs + (utilisation * serviceMs) / (2 * (1 - utilisation)),
    quantileMs: q => serviceMs + inverse(waitCdf, q, serviceMs),
  }
}

/**
 * The share of M/D/1 requests that wait at most `waitMs`. Erlang's sum has terms of alternating sign that grow like
 * e^(load * wait): at a wait of 30 services all digits are lost. This is the same function with positive terms only, from
 * Franx (2001, A simple solution for the M/D/c waiting time distribution), with k = floor(wait / service) + 1 and
 * u = rate * (k * service - wait): P(W <= wait) = e^-u * sum over j < k of Q(k - 1 - j) * u^j / j!, where Q(n) is the
 * probability of at most n requests in the queue.
 */
export function md1WaitCdf({ serviceMs, utilisation }: QueueLoad): (waitMs: number) => number {
  const queue = new Md1Queue(utilisation)
  return waitMs => {
    if (waitMs < 0) return 0
    const services = waitMs / serviceMs
    const k = Math.floor(services) + 1
    const u = utilisation * (k - services)
    let weight = Math.exp(-u)
    let sum = 0
    for (let j = 0; j < k; j++) {
      sum += weight * queue.atMost(k - 1 - j)
      weight *= u / (j + 1)
    }
    return sum
  }
}

/** M/M/1: a FIFO with an exponential service. The response time is exponential too. */
export function mm1Response({ serviceMs, utilisation }: QueueLoad): ResponseTruth {
  const meanMs = serviceMs / (1 - utilisation)
  return { meanMs, quantileMs: q => -Math.log(1 - q) * meanMs }
}

/** A delay line that stalls, in an open loop: requests that arrive during a stall wait for its end, uniformly long. */
export function stallResponse({ baseMs, stallMs, periodMs }: StallLoad): ResponseTruth {
  const share = stallMs / periodMs
  return {
    meanMs: baseMs + (share * stallMs) / 2,
    quantileMs: q => baseMs + (Math.max(0, q - (1 - share)) / share) * stallMs,
  }
}

/** The same in a closed loop: each stall catches one request per connection, so hardly any request is seen to wait. */
export function closedStallResponse({ baseMs, stallMs, periodMs }: StallLoad): ResponseTruth {
  const requestsPerPeriod = (periodMs - stallMs) / baseMs
  return {
    meanMs: periodMs / requestsPerPeriod,
    quantileMs: q => (q <= 1 - 1 / requestsPerPeriod ? baseMs : baseMs + stallMs),
  }
}

/** A FIFO with a fixed service in a closed loop: each request waits for those of all other connections. */
export function closedFixedResponse(load: { serviceMs: number; connections: number }): ResponseTruth {
  return fixedResponse(load.serviceMs * load.connections)
}

/**
 * A FIFO with an exponential service in a closed loop: a new request finds those of all other connections before it, the
 * first one just started. Its response time is the sum of one service per connection, which has an Erlang distribution.
 */
export function closedExponentialResponse(load: { serviceMs: number; connections: number }): ResponseTruth {
  const { serviceMs, connections } = load
  function cdf(responseMs: number): number {
    const services = responseMs / serviceMs
    let term = Math.exp(-services)
    let beyond = 0
    for (let k = 0; k < connections; k++) {
      beyond += term
      term *= services / (k + 1)
    }
    return 1 - beyond
  }
  const meanMs = serviceMs * connections
  return { meanMs, quantileMs: q => inverse(cdf, q, meanMs) }
}

/** Replies a second with one request in flight on each connection (Little's law). */
export function closedPerSecond(connections: number, { meanMs }: ResponseTruth): number {
  return (connections * 1000) / meanMs
}

/** The number of requests in an M/D/1 system, from the Markov chain embedded at departures. */
class Md1Queue {
  readonly #utilisation: number
  /** P(n in the system), and P(at most n in the system). */
  readonly #exactly: number[]
  readonly #atMost: number[]
  /** P(more than n arrive during a service). */
  readonly #moreArrive: number[] = []

  constructor(utilisation: number) {
    this.#utilisation = utilisation
    this.#exactly = [1 - utilisation]
    this.#atMost = [1 - utilisation]
  }

  /** The probability that at most `count` requests wait while one more is served. */
  atMost(count: number): number {
    while (this.#atMost.length <= count + 1) this.#addOne()
    return this.#atMost[count + 1]!
  }

  /** Level crossing: the chain moves from n up as often as down. All terms are positive, so no digits are lost. */
  #addOne(): void {
    const n = this.#exactly.length - 1
    this.#moreArrive.push(poissonBeyond(this.#utilisation, n))
    let up = this.#exactly[0]! * this.#moreArrive[n]!
    for (let i = 1; i <= n; i++) up += this.#exactly[i]! * this.#moreArrive[n - i + 1]!
    const next = up / Math.exp(-this.#utilisation)
    this.#exactly.push(next)
    this.#atMost.push(this.#atMost[n]! + next)
  }
}

/** The probability that a Poisson variable with this mean exceeds `count`, summed from its tail. */
function poissonBeyond(mean: number, count: number): number {
  let term = Math.exp(-mean)
  for (let k = 1; k <= count + 1; k++) term *= mean / k
  let sum = 0
  for (let k = count + 2; term > sum * Number.EPSILON; k++) {
    sum += term
    term *= mean / k
  }
  return sum
}

/** The smallest value at which an increasing function reaches `q`; `guess` is any positive value of its magnitude. */
function inverse(cdf: (value: number) => number, q: number, guess: number): number {
  let high = guess
  while (cdf(high) < q) high *= 2
  let low = 0
  if (cdf(low) >= q) return low
  for (let step = 0; step < halvings; step++) {
    const middle = (low + high) / 2
    if (cdf(middle) < q) low = middle
    else high = middle
  }
  return high
}
