import { describe, expect, test } from 'vitest'
import type { MemoryConnection } from '../transports/memory.ts'
import { type Check, testChecks } from './testing/auditChecks.ts'
import { closedLoop, constant, echoAfter, echoOneAtATime, poisson, simulated } from './testing/simulated.ts'
import type { Ran } from './testing/volley.ts'

/** Response times of 1 ms, except that `inHundred` in a hundred are 41 ms. */
function delayed(inHundred: number): () => Promise<Ran> {
  let requests = 0
  const server = echoAfter(() => (requests++ % 100 < inHundred ? 41 : 1))
  return () => simulated(server, { connections: 10, duration: 2000 })
}

function onCores(clientCores: number, serverCores: number): () => Promise<Ran> {
  const server = echoAfter(() => 1)
  return () => simulated(server, { connections: 10, duration: 2000 }, { clientCores, serverCores })
}

/**
 * Checks of docs/measurement.md, section 2, in simulated time: each trips however busy the machine is, and finds nothing in
 * a healthy run. audit.process.test.ts has the others, audit.slow.test.ts real runs in place of most of these.
 */
const checks: readonly Check[] = [
  {
    check: 2,
    code: 'censoring',
    severity: 'suspect',
    by: 'a server that stops answering',
    says: /only lower bounds are known for .*p90, p95, p99/,
    shows: /^ {2}response .* p99 > \d/m,
    trips: () =>
      simulated(
        echoAfter((_, now) => (now < 500 ? 5 : Number.POSITIVE_INFINITY)),
        { connections: 1600, load: { mode: 'rate', rate: 1000, arrivals: 'constant', pipeline: 1 }, duration: 1500 },
      ),
    healthy: constant,
  },
  {
    check: 8,
    code: 'littles-law',
    severity: 'suspect',
    by: 'a server that ends half of the connections, which stay closed',
    says: /only [\d.]+ % of the requests that may be in flight were/,
    trips: () =>
      simulated(
        {
          ...echoAfter(() => 20),
          accepted(connection) {
            if (connection.link % 2 === 1) connection.close(1)
          },
        },
        {
          connections: 8,
          duration: 3500,
          // A request may be lost with its connection, but only in the first second.
          warmup: 1000,
          reconnect: { when: 'never', backoff: { min: 10, max: 80 } },
        },
      ),
    healthy: closedLoop,
  },
  {
    check: 9,
    code: 'warm-up',
    severity: 'suspect',
    by: 'a slow start and no warm-up',
    says: /of the measured part differs from the rest/,
    trips: () =>
      simulated(
        echoAfter((_, now) => (now < 2000 ? 100 : 10)),
        { connections: 4, duration: 8000 },
      ),
    healthy: closedLoop,
  },
  {
    check: 10,
    code: 'stationarity',
    severity: 'suspect',
    by: 'a server that gets slower',
    says: /the (throughput fell|mean response time rose) by/,
    trips: () =>
      simulated(
        echoAfter((_, now) => 10 + 4 * Math.floor(now / 200)),
        { connections: 4, duration: 3500 },
      ),
    healthy: closedLoop,
  },
  {
    check: 10,
    code: 'overloaded',
    severity: 'suspect',
    by: 'twice as many requests as the server can answer',
    says: /no steady latency exists/,
    trips: () =>
      simulated(echoOneAtATime(2), {
        connections: 64,
        duration: 3500,
        load: { mode: 'rate', rate: 1000, arrivals: 'poisson', pipeline: 1 },
      }),
    healthy: poisson,
  },
  {
    check: 11,
    code: 'quantile-ci',
    severity: 'suspect',
    by: 'a second half that is three times slower',
    says: /the 95 % interval of p50 is/,
    trips: () =>
      simulated(
        echoAfter((_, now) => (now < 1750 ? 20 : 60)),
        { connections: 4, duration: 3500 },
      ),
    healthy: closedLoop,
  },
  {
    check: 13,
    code: 'balance',
    severity: 'suspect',
    by: 'a server that answers some connections at once and the others after 50 ms',
    says: /some connections were served far more often than others/,
    trips: () =>
      simulated(
        echoAfter(({ link }) => (link % 2 === 0 ? 0.1 : 50)),
        { connections: 8, duration: 3500 },
      ),
    healthy: () =>
      simulated(
        echoAfter(() => 20),
        { connections: 8, duration: 3500 },
      ),
  },
  {
    check: 14,
    code: 'retransmits',
    severity: 'note',
    by: 'replies that come 40 ms late, as with a delayed acknowledgement',
    says: /response times are 40 ms above the median, as with delayed ACK/,
    trips: delayed(5),
    healthy: delayed(0),
  },
  {
    check: 17,
    code: 'local-contention',
    severity: 'note',
    by: 'a client and a server that use 1.9 of two cores',
    says: /client and server together used 95 % of this machine's CPU/,
    trips: onCores(1, 0.9),
    healthy: onCores(0.9, 0.8),
  },
]

test('the audit finds nothing in a healthy run, in a closed loop and in mode rate', async () => {
  for (const start of [closedLoop, poisson, constant]) {
    const { report, code } = await start()
    expect(report.findings).toEqual([])
    expect(report.verdict).toBe('trusted')
    expect(code).toBe(0)
  }
})

test('the audit finds nothing in a healthy loop over connections that end with each reply', async () => {
  const reply = Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  const server = { received: (connection: MemoryConnection) => connection.send(reply, 1) }
  const http = { name: 'http', host: 'a', maxFrame: 1024 } as const
  const loop = [{ send: { path: '/' }, think: 0 }]
  const { report } = await simulated(server, { protocol: http, loop, connections: 8, duration: 6000 })
  // Connects take 0.05 ms of each 1.05 ms: more than a loop may leave its slots free.
  expect(report.totals).toMatchObject({ failed: 0, failures: {} })
  expect(report.findings).toEqual([])
})

describe('the audit of a simulated run', () => testChecks(test, checks))
