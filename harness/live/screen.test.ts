import fc from 'fast-check'
import picocolors from 'picocolors'
import { describe, expect, it } from 'vitest'
import { failureKinds } from '../failures.ts'
import type { Quantiles, RunTitle, Snapshot } from '../metrics/snapshot.ts'
import { cellCount } from '../terminal/cells.ts'
import { renderScreen } from './screen.ts'
import { sampleSnapshot, sampleTitle } from './testing/samples.ts'

const plain = picocolors.createColors(false)
const painted = picocolors.createColors(true)
const small = { columns: 80, rows: 24 }

/** The screen with a line feed before it, so that the lines of a snapshot align. */
function screen(
  snapshot: Snapshot,
  size: { columns: number; rows: number },
  notes: string[] = [],
  title: RunTitle = sampleTitle,
): string {
  return `\n${renderScreen({ title }, snapshot, notes, size, plain)}`
}

describe('renderScreen()', () => {
  it('shows the rate of deliveries beneath the figure', () => {
    const lines = screen({ ...sampleSnapshot, deliveriesPerSecond: 2_626_066 }, small).split('\n')
    expect(lines).toContain('  138,214 requests/s, 2,626,066 deliveries/s   connections   10 of 10')
  })

  it('fits a terminal of 80x24', () => {
    expect(screen(sampleSnapshot, small)).toMatchInlineSnapshot(`
      "
       volley tlv-loopback   tlv over tcp://127.0.0.1:41233
       loop, 10 connections x 1   node, 1 worker
       ▒▒▒▒▒▒▒██████████████████░░░░░░░░░░░░░░░░░  measuring  7s of 12s  ▒ warm-up 2s

        ╺┓  ┏━┓ ┏━┓   ┏━┓ ╺┓  ╻ ╻               ok             829,284
         ┃  ╺━┫ ┣━┫   ┏━┛  ┃  ┗━┫               failed               0
        ╺┻╸ ┗━┛ ┗━┛   ┗━╸ ╺┻╸   ╹               in flight           10
        138,214 requests/s                      connections   10 of 10

        142k ┤      ╭──────────────────────────────────
        113k ┤      │
       85.1k ┤──────╯
       56.7k ┤
       28.4k ┤
           0 ┤
             0s────────────────────────────────6s────────────────────────────────12s

                       p50      p90      p99    p99.9      max
       response      68 us   102 us   210 us   1.1 ms   3.9 ms   690,120 replies
                       ▁▁██▄▄
       26.1 us ▁▁▁▁▁▁▃▃██████▆▆▃▃▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁    ▁▁ 5.62 ms

       client 92 % of a core   server 97 % of a core, 6.1 us/request"
    `)
  })

  it('fits failures and a note into 80x24 as well', () => {
    const failures = { timeout: 12, reset: 3, 'connect-refused': 40 }
    const snapshot = { ...sampleSnapshot, failed: 15, failures, connections: { open: 7, wanted: 10 } }
    const note =
      "client-limited: the throughput is 83.3 % of the client's ceiling, measured with a null server (limit 70 %): add workers (-w 2)"
    expect(screen(snapshot, small, [note])).toMatchInlineSnapshot(`
      "
       volley tlv-loopback   tlv over tcp://127.0.0.1:41233
       loop, 10 connections x 1   node, 1 worker
       ▒▒▒▒▒▒▒██████████████████░░░░░░░░░░░░░░░░░  measuring  7s of 12s  ▒ warm-up 2s

        ╺┓  ┏━┓ ┏━┓   ┏━┓ ╺┓  ╻ ╻               ok            829,284
         ┃  ╺━┫ ┣━┫   ┏━┛  ┃  ┗━┫               failed             55
        ╺┻╸ ┗━┛ ┗━┛   ┗━╸ ╺┻╸   ╹               in flight          10
        138,214 requests/s                      connections   7 of 10

        142k ┤      ╭──────────────────────────────────
       70.9k ┤──────╯
           0 ┤
             0s────────────────────────────────6s────────────────────────────────12s

                       p50      p90      p99    p99.9      max
       response      68 us   102 us   210 us   1.1 ms   3.9 ms   690,120 replies
                       ▁▁██▄▄
       26.1 us ▁▁▁▁▁▁▃▃██████▆▆▃▃▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁    ▁▁ 5.62 ms

       client 92 % of a core   server 97 % of a core, 6.1 us/request
       failures   connect-refused 40   timeout 12   reset 3
       ! client-limited: the throughput is 83.3 % of the client's ceiling, measured
         with a null server (limit 70 %): add workers (-w 2)"
    `)
  })

  it('shows the warm-up while there are too few samples for the high quantiles', () => {
    const response = { count: 500, mean: 0.08, p50: 0.07, p90: 0.1, max: 3 }
    const snapshot: Snapshot = {
      ...sampleSnapshot,
      phase: 'warm-up',
      elapsedMs: 1200,
      history: [96_000],
      response,
    }
    expect(screen(snapshot, small)).toMatchInlineSnapshot(`
      "
       volley tlv-loopback   tlv over tcp://127.0.0.1:41233
       loop, 10 connections x 1   node, 1 worker
       ▒▒▒▒···░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  warm-up  1s of 12s    ▒ warm-up 2s

        ╺┓  ┏━┓ ┏━┓   ┏━┓ ╺┓  ╻ ╻               ok             829,284
         ┃  ╺━┫ ┣━┫   ┏━┛  ┃  ┗━┫               failed               0
        ╺┻╸ ┗━┛ ┗━┛   ┗━╸ ╺┻╸   ╹               in flight           10
        138,214 requests/s                      connections   10 of 10

         96k ┤──────
       76.8k ┤
       57.6k ┤
       38.4k ┤
       19.2k ┤
           0 ┤
             0s────────────────────────────────6s────────────────────────────────12s

                       p50      p90      p99    p99.9      max
       response      70 us   100 us        -        -     3 ms   500 in the warm-up
                       ▁▁██▄▄
       26.1 us ▁▁▁▁▁▁▃▃██████▆▆▃▃▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁    ▁▁ 5.62 ms

       client 92 % of a core   server 97 % of a core, 6.1 us/request"
    `)
  })

  it('shows the connections being opened before the first request', () => {
    expect(screen(emptySnapshot, small)).toMatchInlineSnapshot(`
      "
       volley tlv-loopback   tlv over tcp://127.0.0.1:41233
       loop, 10 connections x 1   node, 1 worker
       ······░░░░░░░░░░░░░░░░░░░░░░░░░░░░  opening  4 of 10 connections  ▒ warm-up 2s

        ┏━┓                                     ok                  0
        ┃ ┃                                     failed              0
        ┗━┛                                     in flight           0
        0 requests/s                            connections   4 of 10

             ┤
             ┤
             ┤
             ┤
             ┤
             ┤
             ┤
             ┤
             0s────────────────────────────────6s────────────────────────────────12s

                       p50      p90      p99    p99.9      max
       response          -        -        -        -        -   0 replies

       client 0 % of a core   0 B out, 0 B in"
    `)
  })

  it('grows the charts on a larger terminal', () => {
    expect(screen(sampleSnapshot, { columns: 120, rows: 40 })).toMatchInlineSnapshot(`
      "
       volley tlv-loopback   tlv over tcp://127.0.0.1:41233   loop, 10 connections x 1   node, 1 worker
       ▒▒▒▒▒▒▒▒▒▒▒▒▒▒██████████████████████████████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  measuring  7s of 12s  ▒ warm-up 2s

        ╺┓  ┏━┓ ┏━┓   ┏━┓ ╺┓  ╻ ╻               ok             829,284
         ┃  ╺━┫ ┣━┫   ┏━┛  ┃  ┗━┫               failed               0
        ╺┻╸ ┗━┛ ┗━┛   ┗━╸ ╺┻╸   ╹               in flight           10
        138,214 requests/s                      connections   10 of 10

        142k ┤                  ╭───────────────────────────╮        ╭────────
        133k ┤         ╭────────╯                           ╰────────╯
        124k ┤         │
        115k ┤         │
        106k ┤         │
       97.5k ┤─────────╯
       88.7k ┤
       79.8k ┤
       70.9k ┤
       62.1k ┤
       53.2k ┤
       44.3k ┤
       35.5k ┤
       26.6k ┤
       17.7k ┤
       8.87k ┤
           0 ┤
             0s────────────────────────────────────────────────────6s────────────────────────────────────────────────────12s

                       p50      p90      p99    p99.9      max
       response      68 us   102 us   210 us   1.1 ms   3.9 ms   690,120 replies
                              ███
                              ███▆▆▆
                           ▇▇▇██████
                           █████████▇▇▇
       26.1 us ▁▁▁▁▁▁▂▂▂██████████████████▃▃▃▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁      ▁▁▁ 5.62 ms

       client 92 % of a core   server 97 % of a core, 6.1 us/request   15.8 MiB out, 15.8 MiB in"
    `)
  })

  it('drops the least important parts on a small terminal', () => {
    const { server: _, ...noServer } = sampleSnapshot
    expect(screen(sampleSnapshot, { columns: 40, rows: 10 })).toMatchInlineSnapshot(`
      "
       volley tlv-loopback
       ▒▒▒██████░░░░░░░  measuring  7s of 12s
       138,214 requests/s
       ok 829,284   failed 0   in flight 10
       connections 10 of 10
                       p50      p99      max
       response      68 us   210 us   3.9 ms
       client 92 % of a core
       server 97 % of a core, 6.1 us/request"
    `)
    expect(
      screen({ ...noServer, failed: 3, failures: { reset: 3 } }, { columns: 40, rows: 10 }, ['slow']),
    ).toMatchInlineSnapshot(`
      "
       volley tlv-loopback
       ▒▒▒██████░░░░░░░  measuring  7s of 12s
       138,214 requests/s
       ok 829,284   failed 3   in flight 10
       connections 10 of 10
                       p50      p99      max
       response      68 us   210 us   3.9 ms
       failures   reset 3
       ! slow"
    `)
  })

  it('measures progress by requests when their number ends the run', () => {
    const { totalMs: _, ...snapshot } = sampleSnapshot
    const line = (completed: number) =>
      screen({ ...snapshot, completed }, small, [], { ...sampleTitle, requests: 1_000_000 }).split('\n')[3]
    expect(line(250_000)).toBe(` ${'█'.repeat(11)}${'░'.repeat(34)}  measuring  250,000 of 1,000,000`)
    expect(line(1_000_000)).toBe(` ${'█'.repeat(43)}  measuring  1,000,000 of 1,000,000`)
  })

  it('measures progress by requests or by time, whichever is nearer to the end', () => {
    const { totalMs: _, ...snapshot } = sampleSnapshot
    const title = { ...sampleTitle, requests: 1_000_000, countedMsMax: 20_000 }
    const line = (completed: number, elapsedMs: number) =>
      screen({ ...snapshot, completed, elapsedMs }, small, [], title).split('\n')[3]!
    const doneCells = (text: string) => text.split('measuring')[0]!.replaceAll(/[^▒█]/g, '').length
    expect(line(500_000, 2000)).toContain('measuring  500,000 of 1,000,000, 2s of 20s')
    expect(doneCells(line(500_000, 2000))).toBe(doneCells(line(100_000, 10_000)))
    expect(doneCells(line(500_000, 2000))).toBeGreaterThan(doneCells(line(100_000, 2000)))
    expect(line(900_000, 25_000)).toContain('900,000 of 1,000,000, 20s of 20s')
  })

  it('draws only the newest seconds of a run that is longer than the chart is wide', () => {
    const history = Array.from({ length: 500 }, (_, second) => (second < 450 ? 1000 : 2000))
    const snapshot = { ...sampleSnapshot, history, elapsedMs: 500_000, totalMs: 3_600_000 }
    const lines = screen(snapshot, small).split('\n')
    expect(lines[3]).toContain('measuring  8m20s of 1h00m00s')
    expect(lines[10]).toBe('    2k ┤                    ╭─────────────────────────────────────────────────')
    expect(lines[12]).toBe('  1.2k ┤────────────────────╯')
    expect(lines[16]).toBe('       7m10s────────────────────────────7m45s────────────────────────────8m20s')
  })

  it('draws a rate that varies little as steady', () => {
    const history = [100_000, 100_300, 100_100, 100_400, 100_200, 100_350, 100_250]
    const lines = screen({ ...sampleSnapshot, history }, small).split('\n')
    expect(lines.slice(10, 12)).toEqual(['  100k ┤─────────────────────────────────────────', ' 80.3k ┤'])
  })

  it('counts as failed what is listed as failures, connects too', () => {
    const failures = { 'connect-refused': 1198, 'closed-early': 20 }
    const lines = screen({ ...sampleSnapshot, failed: 20, failures }, small)
    expect(lines).toMatch(/failed +1,218\n/)
    expect(lines).toContain('failures   connect-refused 1,198   closed-early 20')
  })

  it('shows the head of a table of probes only with a row under it, and rows only under their head', () => {
    const probe = { outcome: 'held', throughput: 199, p50: 1, p99: 2, verdict: 'trusted', why: [] } as const
    const probes = [200, 400, 800].map(rate => ({ ...probe, rate }))
    const search = { probe: 4, held: 800, probes }
    const seen = new Set<number>()
    for (let rows = 8; rows <= 40; rows++) {
      const text = renderScreen({ title: sampleTitle, search }, sampleSnapshot, [], { columns: 60, rows }, plain)
      const lines = text.split('\n')
      const head = lines.findIndex(line => line.includes('rate  requests/s'))
      const shown = lines.filter(line => line.endsWith('passed') && !line.includes('search')).length
      seen.add(shown)
      expect(head >= 0).toBe(shown > 0)
      if (head >= 0) expect(lines[head + 1]).toMatch(/passed$/)
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3])
  })

  it('changes no character when it colours figures and failures', () => {
    const failing = { ...sampleSnapshot, failed: 2, failures: { reset: 2 } }
    const colored = renderScreen({ title: sampleTitle }, failing, ['a note'], small, painted)
    expect(colored).toContain(painted.red('reset 2'))
    expect(stripColors(colored)).toBe(renderScreen({ title: sampleTitle }, failing, ['a note'], small, plain))
  })

  it('disarms escape sequences in names and notes', () => {
    const title = { ...sampleTitle, name: '报文\u001b[2Jdemo\nline' }
    const output = renderScreen({ title }, sampleSnapshot, ['bad\u001b]0;title\u0007'], small, plain)
    expect(output.split('\n')[0]).toBe(' volley 报文?[2Jdemo line   tlv over tcp://127.0.0.1:41233')
    expect(output).not.toContain('\u001b')
  })

  it('never exceeds the terminal, whatever the snapshot', () => {
    fc.assert(
      fc.property(
        anyTitle,
        anySnapshot,
        anyNotes,
        fc.integer({ min: 40, max: 250 }),
        fc.integer({ min: 10, max: 80 }),
        (title, snapshot, notes, columns, rows) => {
          const output = renderScreen({ title }, snapshot, notes, { columns, rows }, painted)
          const lines = stripColors(output).split('\n')
          expect(lines.length).toBeLessThanOrEqual(rows - 1)
          for (const line of lines) expect(cellCount(line)).toBeLessThanOrEqual(columns - 1)
          expect(output).not.toMatch(/NaN|undefined|Infinity/)
          expect(stripColors(output)).toContain('requests/s')
          expect(stripColors(output)).toContain('failed')
        },
      ),
      { numRuns: 400 },
    )
  })

  it('does not fail on a terminal of a few cells', () => {
    for (const columns of [1, 2, 5, 20]) {
      for (const rows of [1, 2, 5]) {
        const lines = renderScreen({ title: sampleTitle }, sampleSnapshot, ['note'], { columns, rows }, plain).split(
          '\n',
        )
        expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 1))
        for (const line of lines) expect(cellCount(line)).toBeLessThanOrEqual(Math.max(1, columns - 1))
      }
    }
  })
})

const emptySnapshot: Snapshot = {
  totalMs: 12_000,
  elapsedMs: 0,
  phase: 'opening',
  sent: 0,
  completed: 0,
  failed: 0,
  inFlight: 0,
  bytesSent: 0,
  bytesReceived: 0,
  failures: {},
  connections: { open: 4, wanted: 10 },
  requestsPerSecond: 0,
  bytesPerSecond: { sent: 0, received: 0 },
  history: [],
  response: { count: 0, mean: 0, max: 0 },
  distribution: { fromMs: 0.01, toMs: 10, counts: [0, 0, 0] },
  clientCores: 0,
}

const count = fc.oneof(fc.nat(1000), fc.nat(2 ** 31 - 1), fc.constant(Number.MAX_SAFE_INTEGER), fc.constant(0))
const milliseconds = fc.oneof(fc.constant(0), fc.double({ min: 1e-4, max: 1e8, noNaN: true }))
const rate = fc.oneof(count, fc.double({ min: 0, max: 1e12, noNaN: true }))
const text = fc.oneof(
  fc.string({ maxLength: 120 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constant('报文'.repeat(40)),
)

const anyTitle: fc.Arbitrary<RunTitle> = fc
  .record({
    name: text,
    what: text,
    load: text,
    how: text,
    warmupMs: milliseconds,
    requests: count,
  })
  .chain(({ requests, ...title }) => fc.constantFrom<RunTitle>({ ...title, requests }, title))

const anyQuantiles: fc.Arbitrary<Quantiles> = fc
  .record({ count, mean: milliseconds, max: milliseconds, far: fc.boolean(), value: milliseconds })
  .map(({ count, mean, max, far, value }) => ({
    count,
    mean,
    max,
    ...(far ? { p50: value, p90: value, p99: value, p999: value } : {}),
  }))

const anySnapshot: fc.Arbitrary<Snapshot> = fc.record(
  {
    elapsedMs: milliseconds,
    phase: fc.constantFrom('opening', 'warm-up', 'measuring', 'draining'),
    sent: count,
    completed: count,
    failed: count,
    inFlight: count,
    bytesSent: count,
    bytesReceived: count,
    failures: fc.oneof(
      fc.constant({}),
      count.map(each => Object.fromEntries(failureKinds.map(kind => [kind, each]))),
    ),
    connections: fc.record({ open: count, wanted: count }),
    requestsPerSecond: rate,
    bytesPerSecond: fc.record({ sent: rate, received: rate }),
    history: fc.array(rate, { maxLength: 300 }),
    response: anyQuantiles,
    distribution: fc.record({
      fromMs: fc.constant(0.01),
      toMs: fc.constant(100_000),
      counts: fc.array(count, { maxLength: 120 }),
    }),
    clientCores: fc.double({ min: 0, max: 512, noNaN: true }),
    server: fc.record(
      { cores: fc.double({ min: 0, max: 512, noNaN: true }), cpuMicrosPerRequest: rate },
      { requiredKeys: ['cores'] },
    ),
  },
  {
    requiredKeys: [
      'elapsedMs',
      'phase',
      'sent',
      'completed',
      'failed',
      'inFlight',
      'bytesSent',
      'bytesReceived',
      'failures',
      'connections',
      'requestsPerSecond',
      'bytesPerSecond',
      'history',
      'response',
      'distribution',
      'clientCores',
    ],
  },
) as fc.Arbitrary<Snapshot>

const anyNotes = fc.array(text, { maxLength: 12 })

function stripColors(text: string): string {
  return text.replace(/\u001b\[\d+m/g, '')
}
