import { afterAll, beforeAll, describe, test } from 'vitest'
import { bothWays, type Check, testChecks } from './testing/auditChecks.ts'
import { answersAfter, endsHalf, real, risingEvery, serves } from './testing/audited.ts'
import { closedLoop, constant, poisson } from './testing/simulated.ts'
import { cleanUp } from './testing/volley.ts'

// First, because a simulation blocks this process, and with it the runs and the servers in it.
beforeAll(async () => {
  for (const simulate of [closedLoop, poisson, constant]) await simulate()
})
afterAll(cleanUp)

const strict = '--strict'

/** The checks that audit.test.ts trips in simulated time, tripped by real runs, which need the machine for themselves. */
const checks: readonly Check[] = [
  {
    ...bothWays.censoring,
    trips: () =>
      real(
        {
          target: serves('fixed:5ms', ', stall: forever@500ms'),
          connections: 80,
          load: '{ rate: 1000/s, arrivals: constant, pipeline: 20 }',
          duration: '1500ms',
        },
        strict,
      ),
    healthy: constant,
  },
  {
    ...bothWays.littlesLaw,
    trips: async () =>
      real(
        {
          target: await endsHalf(),
          connections: 8,
          duration: '3500ms',
          // A request may be lost with its connection, but only in the first second.
          warmup: '1s',
          more: 'reconnect: { when: never }',
        },
        strict,
      ),
    healthy: closedLoop,
  },
  {
    ...bothWays.warmUp,
    trips: () => real({ target: serves('fixed:100ms@2s,fixed:10ms'), duration: '8s' }, strict),
    healthy: closedLoop,
  },
  {
    ...bothWays.stationarity,
    // Enough requests for twenty windows of ten, also when the machine is busy.
    trips: () => real({ target: serves(risingEvery(200)), connections: 32, duration: '3500ms' }, strict),
    healthy: closedLoop,
  },
  {
    ...bothWays.overloaded,
    trips: () =>
      real(
        {
          target: '{ serve: echo, options: { serviceTime: "fixed:2ms" } }',
          connections: 64,
          load: '{ rate: 1000/s }',
          duration: '3500ms',
        },
        strict,
      ),
    healthy: poisson,
  },
  {
    ...bothWays.balance,
    trips: async () =>
      real(
        { target: await answersAfter(accepted => (accepted % 2 === 0 ? 0 : 50)), connections: 8, duration: '3500ms' },
        strict,
      ),
    healthy: async () => real({ target: await answersAfter(() => 20), connections: 8, duration: '3500ms' }),
  },
]

describe('the audit of a real run', () => testChecks(test, checks))
