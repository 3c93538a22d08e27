import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Check, testChecks } from './testing/auditChecks.ts'
import { answersAfter, forgetful, intruded, overburdened, real, shared, unhurried } from './testing/audited.ts'
import { constant, poisson } from './testing/simulated.ts'
import { cleanUp } from './testing/volley.ts'

// First, because a simulation blocks this process, and with it the runs and the servers in it.
beforeAll(async () => {
  await poisson()
  await constant()
})
// Not after each test: the checks run at the same time.
afterAll(cleanUp)

const plain = shared(() => real(unhurried))
const burdenedPoisson = shared(() => overburdened('poisson'))

/**
 * Checks of docs/measurement.md, section 2, by real runs that trip them however busy the machine is. audit.test.ts has
 * checks in simulated time, audit.slow.test.ts those that take a long run or an invented machine, audit.alone.test.ts
 * those that need the machine for themselves.
 *
 * Elsewhere: 7 client-limited in ceiling.slow.test.ts; 9 warm-up where it is found automatically (a note, and invalid
 * where latency never becomes steady) in ../run/drive.test.ts and ../run/run.alone.test.ts; 12 sample-size, which is no
 * finding, below; 15 where nothing is completed in faults.process.test.ts.
 */
const checks: readonly Check[] = [
  {
    check: 1,
    code: 'conservation',
    severity: 'invalid',
    by: 'another client of the same server',
    says: /the server counted \d+ requests; \d+ were sent to it/,
    trips: intruded,
    healthy: plain,
  },
  {
    check: 1,
    code: 'conservation',
    severity: 'invalid',
    by: 'a worker that counts one request too many',
    says: /worker 1 sent \d+ requests, but \d+ are accounted for/,
    trips: forgetful,
    healthy: plain,
  },
  {
    check: 3,
    code: 'rate',
    severity: 'invalid',
    by: 'one connection to a server that takes 20 ms, for 400 requests a second',
    says: /of the planned requests were sent/,
    trips: async () =>
      real({ target: await answersAfter(() => 20), connections: 1, load: '{ rate: 400/s }', duration: '1s' }),
    healthy: poisson,
  },
  {
    check: 4,
    code: 'client-lag',
    severity: 'invalid',
    by: 'a client that is slower than the planned rate',
    says: /client lag is \d.* of the p\d+ response time/,
    trips: burdenedPoisson,
    healthy: poisson,
  },
  {
    check: 5,
    code: 'arrivals',
    severity: 'suspect',
    by: 'a client that is slower than the planned rate',
    says: /did not start as planned \(poisson arrivals\)/,
    trips: burdenedPoisson,
    healthy: poisson,
  },
  {
    check: 6,
    code: 'generator-busy',
    severity: 'invalid',
    by: 'a client that is slower than the planned rate',
    says: /the busiest worker was busy for/,
    trips: burdenedPoisson,
    healthy: poisson,
  },
]

describe('the audit of a run', () => testChecks(test.concurrent, checks))

test('a run reports no quantile with fewer than ten requests beyond it', async () => {
  const target = await answersAfter(() => 0)
  const [few, enough] = await Promise.all([real({ target }, '-n', '999'), real({ target }, '-n', '1000')])
  expect(few.report.latencyMs.response).toHaveProperty('p90')
  expect(few.report.latencyMs.response).not.toHaveProperty('p99')
  expect(few.stdout).toMatch(/^ {2}response .* p99 - /m)
  expect(enough.report.latencyMs.response).toHaveProperty('p99')
  expect(enough.stdout).toMatch(/^ {2}response .* p99 ~ \d/m)
})
