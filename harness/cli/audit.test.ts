import { describe, expect, test } from 'vitest'
import type { MemoryConnection, MemoryServer } from '../transports/memory.ts'
import { bothWays, type Check, testChecks } from './testing/auditChecks.ts'
import { closedLoop, constant, echoAfter, echoOneAtATime, poisson, simulated } from './testing/simulated.ts'
import type { Ran } from './testing/volley.ts'

/** Response times of 1 ms, except that `inHundred` in a hundred are 41 ms. */
function delayed(inHundred: number): () => Promise<Ran> {
  let requests = 0
  const server = echoAfter(() => (requests++ % 100 < inHundred ? 41 : 1))
  return () => simulated(server, { connections: 10, duration: 5000, warmup: 1000 })
}

function onCores(clientCores: number, serverCores: number): () => Promise<Ran> {
  const server = echoAfter(() => 1)
  return () => simulated(server, { connections: 10, duration: 5000 }, { clientCores, serverCores })
}

/** A run for which so many workers were asked, and so many started. */
function asked(workers: number, started: number): () => Promise<Ran> {
  const server = echoAfter(() => 1)
  return () => simulated(server, { connections: started, workers, duration: 5000 }, { workers: started })
}

/** A server that refuses some connections, which are tried three times. */
function refusing(refuses: (link: number) => boolean): () => Promise<Ran> {
  const server: MemoryServer = {
    ...echoAfter(() => 10),
    refuses: link => (refuses(link) ? 'connect-refused' : undefined),
  }
  const reconnect = { when: 'failure', backoff: { min: 10, max: 80 }, attempts: 3 } as const
  return () => simulated(server, { connections: 10, duration: 6000, reconnect })
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
 * a healthy run. audit.process.test.ts has the others, audit.alone.test.ts real runs in place of most of these.
 */
const checks: readonly Check[] = [
  {
    ...bothWays.censoring,
    trips: () =>
      simulated(
        echoAfter((_, now) => (now < 500 ? 5 : Number.POSITIVE_INFINITY)),
        { connections: 1600, load: { mode: 'rate', rate: 1000, arrivals: 'constant', pipeline: 1 }, duration: 1500 },
      ),
    healthy: constant,
  },
  {
    ...bothWays.littlesLaw,
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
    ...bothWays.warmUp,
    trips: () =>
      simulated(
        echoAfter((_, now) => (now < 2000 ? 100 : 10)),
        { connections: 4, duration: 8000 },
      ),
    healthy: closedLoop,
  },
  {
    ...bothWays.stationarity,
    trips: () =>
      simulated(
        echoAfter((_, now) => 10 + 4 * Math.floor(now / 200)),
        { connections: 4, duration: 3500 },
      ),
    healthy: closedLoop,
  },
  {
    ...bothWays.overloaded,
    trips: () =>
      simulated(echoOneAtATime(2), {
        connections: 64,
        duration: 3500,
        load: { mode: 'rate', rate: 1000, arrivals: 'poisson', pipeline: 1 },
      }),
    healthy: poisson,
  },
  {
    ...bothWays.quantileInterval,
    trips: () =>
      simulated(
        echoAfter((_, now) => (now < 1750 ? 20 : 60)),
        { connections: 4, duration: 3500 },
      ),
    healthy: closedLoop,
  },
  {
    ...bothWays.balance,
    trips: () =>
      simulated(
        echoAfter(({ link }) => (link % 2 === 0 ? 0.1 : 50)),
        { connections: 8, duration: 3500 },
      ),
    healthy: () =>
      simulated(
        echoAfter(() => 20),
        { connections: 8, duration: 6000 },
      ),
  },
  {
    check: 15,
    code: 'given-up',
    severity: 'suspect',
    by: 'a server that refuses one of ten connections',
    says: /1 of 10 connections was given up, after 3 failed attempts in a row \(connect-refused 3\)$/,
    shows: /^ {2}given up {3}1 of 10 connections: 3 failed attempts in a row$/m,
    trips: refusing(link => link === 3),
    healthy: refusing(() => false),
  },
  {
    check: 15,
    code: 'given-up',
    severity: 'invalid',
    by: 'a server that refuses all connections',
    says: /all 10 connections were given up, after 3 failed attempts in a row \(connect-refused 30\)$/,
    trips: refusing(() => true),
    healthy: refusing(() => false),
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
    check: 23,
    code: 'closed-loop',
    severity: 'note',
    by: 'a server that stands still for 1 s of 6',
    says: /one reply took [\d,]+ times p99 while the loop stood still/,
    trips: () =>
      simulated(
        echoAfter((_, now) => (now >= 2000 && now < 3000 ? 3000 - now + 1 : 1)),
        { connections: 1, duration: 6000 },
      ),
    healthy: () =>
      simulated(
        echoAfter(() => 1),
        { connections: 1, duration: 6000 },
      ),
  },
  {
    check: 24,
    code: 'workers',
    severity: 'suspect',
    by: 'more workers than cores',
    says: /5 workers share 2 cores \(100 were asked for/,
    trips: asked(100, 5),
    healthy: asked(2, 2),
  },
  {
    check: 24,
    code: 'workers',
    severity: 'note',
    by: 'more workers than connections',
    says: /1 worker was started: 2 were asked for/,
    trips: asked(2, 1),
    healthy: asked(1, 1),
  },
  {
    check: 17,
    code: 'local-contention',
    severity: 'note',
    by: 'a client and a server that use 1.9 of two cores',
    says: /client and server together used 9[56](\.\d)? % of this machine's CPU/,
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

test('the audit finds nothing in the course of a few requests, with a warm-up that is set or automatic', async () => {
  const load = { mode: 'rate', rate: 0.5, arrivals: 'constant', pipeline: 1 } as const
  let requests = 0
  // Each is answered in its own time.
  const server = echoAfter(() => 1 + 10 * (requests++ % 3))
  for (const warmup of [0, 'auto'] as const) {
    const { report } = await simulated(server, { connections: 1, load, duration: 8000, warmup })
    expect(report.findings.map(({ code }) => code)).toEqual(['unproven'])
  }
})

test('a run is unproven where there is too little to look at, and trusted a little later', async () => {
  const run = (duration: number, delayMs: number) =>
    simulated(
      echoAfter(() => delayMs),
      { connections: 1, duration },
    )
  const short = await run(2000, 1)
  expect(short.report.verdict).toBe('unproven')
  expect(short.report.findings).toMatchObject([{ code: 'unproven', severity: 'unproven', value: 2, limit: 5 }])
  // The exit code is that of --strict.
  expect(short.code).toBe(4)
  expect(short.stdout).toMatch(/^simulated .* unproven$/m)
  expect(short.stdout).toMatch(/^ {2}! unproven {3}2.0 s measured: a verdict needs 5 s \(-d 5s\)$/m)
  const sparse = await run(6000, 10)
  expect(sparse.report.findings).toMatchObject([{ code: 'unproven', limit: 1000 }])
  expect(sparse.stdout).toMatch(/a verdict needs 1,000 requests/)
  const enough = await run(6000, 5)
  expect(enough.report.verdict).toBe('trusted')
  expect(enough.code).toBe(0)
})

test('a server that stops for good is no drift without bounds', async () => {
  const { report, stdout } = await simulated(
    echoAfter((_, now) => (now < 4000 ? 1 : Number.POSITIVE_INFINITY)),
    { connections: 4, duration: 8000, timeout: 1000 },
  )
  for (const { value } of report.findings) expect(Number.isFinite(value)).toBe(true)
  expect(stdout).not.toContain('Infinity')
  const { p50 = 0, p90 = 0, p99 = 0, max } = report.latencyMs.response
  expect([p50, p90, p99, max]).toEqual([p50, p90, p99, max].toSorted((a, b) => a - b))
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

test('one request of thousands that fails silences no check of a loop', async () => {
  let isWrong = true
  const server: MemoryServer = {
    received(connection, bytes, now) {
      const isFirst = isWrong && now > 2000
      if (isFirst) isWrong = false
      connection.send(isFirst ? Buffer.from('wrong\n') : bytes, connection.link % 2 === 0 ? 0.5 : 50)
    },
  }
  const loop = [{ send: 'ping', expect: 'echo', think: 0 }] as const
  const { report } = await simulated(server, { connections: 8, duration: 3500, loop })
  expect(report.totals.failed).toBe(1)
  expect(report.findings.map(({ code }) => code)).toContain('balance')
})
