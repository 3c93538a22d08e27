import pc from 'picocolors'
import { simulate, startMs } from '../../engine/client/testing/simulate.ts'
import type { Collector } from '../../metrics/collector.ts'
import { createPrng } from '../../prng.ts'
import { assembleReport } from '../../report/assemble.ts'
import { renderSummary } from '../../report/formats/summary.ts'
import { sampleReport } from '../../report/testing/samples.ts'
import { exitCodeOf } from '../../run/run.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { shared } from './audited.ts'
import type { Ran } from './volley.ts'

/**
 * A server in memory that returns each message after a time in milliseconds, or never where that is infinite; for one
 * request in flight per connection.
 */
export function echoAfter(delayMs: (connection: MemoryConnection, now: number) => number): MemoryServer {
  return {
    received(connection, bytes, now) {
      const delay = delayMs(connection, now)
      if (delay < Number.POSITIVE_INFINITY) connection.send(bytes, delay)
    },
  }
}

/** The same for a server that works on one request at a time, each for `serviceMs`. */
export function echoOneAtATime(serviceMs: number): MemoryServer {
  let freeAt = 0
  return echoAfter((_, now) => {
    freeAt = Math.max(freeAt, now) + serviceMs
    return freeAt - now
  })
}

/** A run whose collector can be asked what a screen would have shown at its end. */
export interface SimulatedRun extends Ran {
  readonly collector: Collector
  readonly endedAtMs: number
}

/** What happens to a run besides its server; times are since its start. */
interface Circumstances {
  readonly clientCores?: number
  readonly serverCores?: number
  readonly workers?: number
  readonly interruptedAtMs?: number
  readonly standStill?: { readonly atMs: number; readonly forMs: number }
}

/**
 * Runs one worker against a server in memory, in simulated time, and makes the report, as of `workers`; its exit code is
 * that of --strict.
 */
export async function simulated(
  server: MemoryServer,
  settings: Partial<Scenario>,
  circumstances: Circumstances = {},
): Promise<SimulatedRun> {
  const { workers = 1, interruptedAtMs, ...others } = circumstances
  const given = { name: 'simulated', timeout: 60_000, ...settings }
  const stop = interruptedAtMs === undefined ? {} : { stopAt: startMs + interruptedAtMs }
  const { scenario, collector, measured, endedAtMs } = await simulate(server, given, { ...others, ...stop })
  const { tool, target, seed, environment, startedAt } = sampleReport
  const report = assembleReport(
    {
      facts: { tool, target, seed, environment, startedAt, scenario, transport: 'memory', workers },
      stepNames: ['ping'],
      isExtended: false,
      endedAt: endedAtMs,
      targetIsLocal: true,
      clockDriftMs: 0,
      host: {},
      interrupted: interruptedAtMs !== undefined,
    },
    collector,
    measured,
  )
  return {
    code: exitCodeOf(report, true),
    stdout: renderSummary(report, 'report.json', pc.createColors(false)),
    report,
    collector,
    endedAtMs,
  }
}

/** Six simulated seconds with exponential response times of 10 ms on average. */
function healthy(load: object, connections: number): () => Promise<SimulatedRun> {
  return shared(() => {
    const prng = createPrng(7)
    const server = echoAfter(() => -10 * Math.log((prng.next32() + 0.5) / 2 ** 32))
    return simulated(server, { connections, duration: 6000, load: { mode: 'loop', pipeline: 1, ...load } })
  })
}

export const closedLoop = healthy({}, 20)
export const poisson = healthy({ mode: 'rate', rate: 1000, arrivals: 'poisson' }, 100)
export const constant = healthy({ mode: 'rate', rate: 1000, arrivals: 'constant' }, 100)
