import { describe, expect, test } from 'vitest'
import type { MemoryConnection, MemoryServer } from '../transports/memory.ts'
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

/** A server whose every connection sends a line that nobody asked for, `afterMs` after it opened. */
function speaks(afterMs: number): MemoryServer {
  const accepted = (connection: MemoryConnection) => connection.send(Buffer.from('NOTICE\n'), afterMs)
  return { ...echoAfter(() => 10), accepted }
}

/** A server that sends another line with every five hundredth reply. */
function notices(): MemoryServer {
  let replies = 0
  return {
    received(connection, bytes) {
      const more = ++replies % 500 === 0 ? 'NOTICE\n' : ''
      connection.send(Buffer.concat([bytes, Buffer.from(more)]), 10)
    },
  }
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
    says: /client and server together used 9[56] % of this machine's CPU/,
    trips: onCores(1, 0.9),
    healthy: onCores(0.9, 0.8),
  },
  {
    check: 22,
    code: 'unpaired',
    severity: 'invalid',
    by: 'a line that is taken for a reply',
    says: /after the last reply 20 messages came more than was asked for, "ping"/,
    shows: /^ {2}came back {2}after the end 20: "ping"/m,
    trips: () => simulated(speaks(1000), { connections: 20, duration: 6000 }),
    healthy: closedLoop,
  },
  {
    check: 22,
    code: 'unpaired',
    severity: 'suspect',
    by: 'a line behind some of the replies',
    says: /\d+ messages came for which no request waited, from second 1 on, such as "NOTICE"/,
    trips: () => simulated(notices(), { connections: 20, duration: 6000 }),
    healthy: poisson,
  },
  {
    check: 22,
    code: 'unpaired',
    severity: 'note',
    by: 'a server that speaks first',
    says: /the server speaks first: "NOTICE"/,
    trips: () => simulated(speaks(1), { connections: 20, duration: 6000 }),
    healthy: constant,
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

describe('the audit of a simulated run', () => testChecks(test, checks))
