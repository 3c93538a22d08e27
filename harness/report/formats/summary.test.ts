import fc from 'fast-check'
import picocolors from 'picocolors'
import { describe, expect, it } from 'vitest'
import { cellCount } from '../../terminal/cells.ts'
import type { ProbeRecord, Report, SearchRecord } from '../record.ts'
import { sampleReport } from '../testing/samples.ts'
import { entry, summaryStyle } from './summary/layout.ts'
import { renderSummary } from './summary.ts'

const plain = picocolors.createColors(false)
const painted = picocolors.createColors(true)
const path = 'reports/tlv-loopback/2026-11-21T09-30-12Z/report.json'

function summary(changes: Partial<Report>): string {
  return `\n${renderSummary({ ...sampleReport, ...changes }, path, plain)}`
}

const { scenario, totals, latencyMs } = sampleReport

const troubled: Partial<Report> = {
  verdict: 'suspect',
  findings: [
    {
      code: 'local-contention',
      severity: 'note',
      message: "client and server together used 95 % of this machine's CPU (limit 90 %)",
      hint: 'each takes CPU from the other; compare servers by their CPU per request',
      value: 0.95,
      limit: 0.9,
    },
    {
      code: 'errors',
      severity: 'suspect',
      message: '2.4 % of all requests and connects failed (limit 0.1 %)',
      hint: 'see the failures by kind; requests with a wrong reply are not in the latencies',
      value: 0.024,
      limit: 0.001,
    },
  ],
  window: { ...sampleReport.window, failed: 15 },
  totals: {
    ...totals,
    completed: totals.completed - 15,
    failed: 15,
    failures: { reset: 3, timeout: 12, 'connect-refused': 40 },
    connects: 30,
    handshakes: { sent: 30, completed: 30 },
    heartbeats: { sent: 12, completed: 12 },
  },
  latencyMs: { ...latencyMs, connect: { count: 30, mean: 0.4, p50: 0.3, max: 0.9 } },
  server: { requests: 1_644_230, cpuMicrosPerRequest: 6.1, cores: 0.97 },
  thresholds: [sampleReport.thresholds[0]!, { expression: 'p99 < 5ms', actual: 7.2, ok: false }],
}

describe('renderSummary()', () => {
  it('renders a trusted run', () => {
    expect(summary({})).toMatchInlineSnapshot(`
      "
      tlv-loopback   138,214 requests/s over 10.0 s   trusted

        response   p50 68 us   p90 102 us   p99 210 us   p99.9 1.1 ms   max 3.9 ms
                   as the loop saw it
        requests   1,644,194 = 1,644,184 completed + 0 failed + 10 not yet answered
                   the server counted 1,644,194: all that was sent
        load       loop, 10 connections x 1, warm-up 2s   1 worker, node, seed 7421
        target     tlv over tcp://127.0.0.1:41233
        server     6.1 us CPU/request, 97 % of a core
        client     6.6 us CPU/request, 92 % of a core, 2.48 MiB/s out, 2.48 MiB/s in
        limits     throughput > 50k/s   138k/s   pass
                   p99 < 5ms            210 us   pass
        report     reports/tlv-loopback/2026-11-21T09-30-12Z/report.json
      "
    `)
  })

  it('wraps between words on a narrower terminal', () => {
    const lines = renderSummary({ ...sampleReport, ...troubled }, path, plain, { columns: 60 }).split('\n')
    expect(lines.filter(line => cellCount(line) > 60 && line.includes(' ', 13))).toEqual([])
    expect(lines.slice(0, 6)).toEqual([
      'tlv-loopback   138,214 requests/s over 10.0 s   limits FAIL',
      '  (1 of 2), suspect',
      '',
      '  ! errors   2.4 % of all requests and connects failed',
      '    (limit 0.1 %): see the failures by kind; requests with a',
      '    wrong reply are not in the latencies',
    ])
  })

  it('repeats the answer in the last line when the first has left a screen of 24 rows', () => {
    const findings = Array.from({ length: 6 }, () => troubled.findings![1]!)
    const last = (changes: Partial<Report>) =>
      summary({ ...troubled, ...changes })
        .trimEnd()
        .split('\n')
        .at(-1)
    expect(last({ findings })).toBe('limits FAIL (1 of 2), suspect   138,214/s   p99 210 us   1 of 2 limits hold')
    expect(last({})).toBe(`  report     ${path}`)
  })

  it('says of a loop that its latencies are as the loop saw them', () => {
    expect(summary({})).toContain('as the loop saw it')
    const load = { mode: 'rate', rate: 100, arrivals: 'poisson', pipeline: 1 } as const
    expect(summary({ scenario: { ...scenario, load } })).not.toContain('as the loop saw it')
  })

  it('says which came first where a number of requests and a time are set', () => {
    const of = (requests: number, duration: number, changes: Partial<Report> = {}) =>
      summary({ scenario: { ...sampleReport.scenario, requests, duration }, ...changes }).replaceAll(/\s+/g, ' ')
    expect(of(1_644_194, 20_000)).toContain('until 1,644,194 requests or 20s: ended by its requests ')
    expect(of(2_000_000, 10_000)).toContain('until 2,000,000 requests or 10s: ended after 12s, 1,644,194 sent ')
    expect(of(1_644_194, 3_600_000)).not.toContain('until')
    expect(of(2_000_000, 3_600_000)).toContain('until 2,000,000 requests: ended after 12s, 1,644,194 sent ')
    expect(of(2_000_000, 10_000, { interrupted: true })).not.toContain('until')
    // A number out of the environment is hidden.
    expect(of('***' as unknown as number, 10_000)).not.toContain('until')
  })

  it('counts late replies, if there were any', () => {
    const of = (late: number) => summary({ totals: { ...totals, late } })
    expect(of(1)).toContain('\n  late       1 reply to requests that had timed out\n')
    expect(of(2300)).toContain('\n  late       2,300 replies to requests that had timed out\n')
    expect(of(0)).toBe(summary({}))
  })

  it('counts connections that were closed while idle, and says for how long connections were missing', () => {
    const idle = (idleCloses: number, when: 'failure' | 'never' = 'failure') =>
      summary({
        totals: { ...totals, idleCloses },
        scenario: { ...scenario, reconnect: { ...scenario.reconnect, when } },
      })
    const text = (lines: string) => lines.replaceAll(/\s+/g, ' ')
    expect(text(idle(118))).toContain(
      ' idle 118 connections were closed by the server while idle, which is no failure ',
    )
    expect(text(idle(1))).toContain(' idle 1 connection was closed by the server while idle, which is no failure ')
    expect(text(idle(2, 'never'))).toContain(' closed by the server while idle, and not opened again ')
    expect(idle(0)).toBe(summary({}))
    const share = 'of the time: for the rest of it connections were lost or refused '
    expect(text(summary({ availability: 0.9321 }))).toContain(` available 93.2 % ${share}`)
    expect(text(summary({ availability: 0.999999 }))).toContain(' available 99.999 % ')
    expect(summary({ availability: 1 })).toBe(summary({}))
  })

  it('renders findings right after the headline, and failures by kind', () => {
    expect(summary(troubled)).toMatchInlineSnapshot(`
      "
      tlv-loopback   138,214 requests/s over 10.0 s   limits FAIL (1 of 2), suspect

        ! errors   2.4 % of all requests and connects failed (limit 0.1 %): see the
          failures by kind; requests with a wrong reply are not in the latencies
        response   p50 68 us   p90 102 us   p99 210 us   p99.9 1.1 ms   max 3.9 ms
                   as the loop saw it
        connects   p50 300 us   p90 -   p99 -   p99.9 -   max 900 us   30 opened
        requests   1,644,234 = 1,644,169 completed + connect-refused 40 + timeout 12
                   + reset 3 + 10 not yet answered
                   not included: 30 handshakes and 12 heartbeats
                   the server counted 1,644,230: 1,644,211 answered, 1,644,236 sent
        load       loop, 10 connections x 1, warm-up 2s   1 worker, node, seed 7421
        target     tlv over tcp://127.0.0.1:41233
        server     6.1 us CPU/request, 97 % of a core
        client     6.6 us CPU/request, 92 % of a core, 2.48 MiB/s out, 2.48 MiB/s in
        limits     throughput > 50k/s   138k/s   pass
                   p99 < 5ms            7.2 ms   FAIL
        note       client and server together used 95 % of this machine's CPU (limit
                   90 %): each takes CPU from the other; compare servers by their CPU
                   per request
        details    docs/measurement.md#local-contention, #errors
        report     reports/tlv-loopback/2026-11-21T09-30-12Z/report.json
      "
    `)
  })

  it('writes an interval in one figure, and one that is wider than its quantile as such', () => {
    const halfWidths = { p50: 0.0027, p90: 0.102, p99: 0.22 }
    const response = { ...latencyMs.response, halfWidths }
    expect(summary({ latencyMs: { ...latencyMs, response } })).toContain(
      '  response   p50 68 us ± 4 %   p90 102 us ± 100 %   p99 210 us ± > 100 %\n',
    )
  })

  it('gives no rate of a few requests', () => {
    const window = { ...sampleReport.window, seconds: 0.0117, completed: 3 }
    const lines = summary({ window, throughput: { mean: 256, perSecond: [] }, verdict: 'unproven' }).split('\n')
    expect(lines[1]).toBe('tlv-loopback   3 requests in 11.7 ms   unproven')
    expect(lines).toContain('  server     97 % of a core')
  })

  it('renders the ceiling of the client, if it was measured', () => {
    const client = { ...sampleReport.client, ceiling: { nullPerSecond: 210_000, cached: false } }
    const lines = summary({ client }).split('\n')
    const at = lines.findIndex(line => line.startsWith('  client'))
    expect(lines.slice(at, at + 2)).toEqual([
      '  client     6.6 us CPU/request, 92 % of a core, 2.48 MiB/s out, 2.48 MiB/s in',
      '             a null server: 210,000/s',
    ])
  })

  it('renders what a trial with more workers found', () => {
    const trial = { workers: 2, perSecond: 160_000, seconds: 1.5 }
    expect(summary({ client: { ...sampleReport.client, trial } })).toContain('a trial with 2 workers: 160,000/s')
  })

  it('renders datagrams in one line', () => {
    const { totals } = sampleReport
    const lost = { ...totals, completed: 980, failed: 20, failures: { timeout: 20 } }
    const lines = summary({ totals: lost, datagrams: { lost: 20, duplicates: 3, reordered: 1 } }).split('\n')
    expect(lines).toContain('  datagrams  20 lost (2 %), 3 duplicates, 1 reordered')
    expect(summary({})).not.toContain('datagrams')
  })

  it('renders deliveries with their latency, and whether all of them arrived', () => {
    const linesOf = (changes: Partial<Report['deliveries']>) => {
      const whole = { count: 26_260_660, expected: 26_260_660, perSecond: 2_626_066, latencyMs: latencyMs.response }
      const lines = summary({ deliveries: { ...whole, ...changes } }).split('\n')
      const at = lines.findIndex(line => line.startsWith('  deliveries'))
      return lines.slice(
        at,
        lines.findIndex(line => line.startsWith('  requests')),
      )
    }
    expect(linesOf({})).toEqual([
      '  deliveries 2,626,066/s, 26,260,660 in total: all that were expected',
      '             p50 68 us   p90 102 us   p99 210 us   p99.9 1.1 ms   max 3.9 ms',
    ])
    const noLatency = { latencyMs: { count: 0, mean: 0, max: 0 } }
    expect(linesOf({ ...noLatency, count: 26_000_000 })).toEqual([
      '  deliveries 2,626,066/s, 26,000,000 in total: 26,260,660 expected',
    ])
    expect(linesOf({ ...noLatency, inexact: 'connections opened or closed during the run' })).toEqual([
      '  deliveries 2,626,066/s, 26,260,660 in total: about 26,260,660 expected',
    ])
  })

  it('shows of a pass over the steps what came back, and no figures of so few requests', () => {
    const once = { ...scenario, connections: 1, load: { mode: 'once', pipeline: 1 }, thresholds: [] } as const
    const reply = { kind: 'reply', step: 'loop[0]', count: 1, second: 1, length: 2, text: 'OK' } as const
    const changes: Partial<Report> = {
      ...{ scenario: once, thresholds: [], replies: [reply] },
      window: { ...sampleReport.window, completed: 1, seconds: 0.002 },
      totals: { ...sampleReport.totals, sent: 1, completed: 1, inFlightAtEnd: 0 },
    }
    const lines = summary(changes).split('\n')
    expect(lines[1]).toBe('tlv-loopback   1 of 1 step answered as expected   pass')
    expect(lines[3]).toBe('  loop[0]    "OK"')
    expect(lines.filter(line => /^ {2}(response|server|client) /.test(line))).toEqual([])
    const failed = {
      ...sampleReport.totals,
      sent: 1,
      completed: 0,
      failed: 1,
      inFlightAtEnd: 0,
      failures: { timeout: 1 },
    }
    const [, head] = summary({ ...changes, totals: failed, replies: [] }).split('\n')
    expect(head).toBe('tlv-loopback   0 of 1 step answered as expected   FAIL')
  })

  it('marks a quantile of a step that is only a lower bound', () => {
    const response = { ...sampleReport.latencyMs.response, p99: 5000, max: 5000, lowerBounds: ['p99', 'max'] }
    const steps = [
      { name: 'loop[0]', response: sampleReport.latencyMs.response },
      { name: 'loop[1]', response },
    ]
    const row = summary({ steps })
      .split('\n')
      .find(line => line.includes('loop[1]'))
    expect(row).toMatch(/68 us {3}102 us {4}> 5 s {4}> 5 s$/)
  })

  it('renders each step if there are several', () => {
    const steps = [
      { name: 'login', response: latencyMs.response },
      { name: 'list what there is to see', response: { count: 12, mean: 1, max: 4 } },
    ]
    const lines = summary({ steps }).split('\n').slice(4, 8)
    expect(lines).toEqual([
      '             as the loop saw it',
      '  steps                              replies      p50      p90      p99      max',
      '    1 login                        1,382,140    68 us   102 us   210 us   3.9 ms',
      '    2 list what there is to see           12        -        -        -     4 ms',
    ])
    const narrow = renderSummary({ ...sampleReport, steps }, path, plain, { columns: 60 })
    expect(narrow).toContain('    2 list what there…           12        -')
  })

  it('renders the parts of the response time in mode rate', () => {
    const clientLag = { count: 5000, mean: 0.01, p50: 0.008, p90: 0.012, p99: 0.04, max: 0.2 }
    const output = summary({
      latencyMs: { ...latencyMs, clientLag, admissionWait: { count: 5000, mean: 0.1, p50: 0, max: 12 } },
      window: { ...sampleReport.window, planned: 5001, sent: 5000 },
    })
    const lines = output.split('\n')
    const at = lines.findIndex(line => line.startsWith('  service'))
    expect(lines.slice(at, at + 5)).toEqual([
      '  service    p50 68 us   p90 102 us   p99 210 us   p99.9 1.1 ms   max 3.9 ms',
      '  client lag p50 8 us   p90 12 us   p99 40 us   p99.9 -   max 200 us',
      '  waiting    p50 0 us   p90 -   p99 -   p99.9 -   max 12 ms',
      '             for a free connection',
      '  plan       5,001 requests, 5,000 of them sent',
    ])
  })

  it('renders the probes of a search', () => {
    const probe = { throughput: 990, p50: 1, p99: 4, verdict: 'trusted', why: [] } as const
    const search: Report['search'] = {
      highestHeld: 1000,
      lowestFailed: 2000,
      end: 'found',
      probes: [
        { ...probe, rate: 1000, outcome: 'held' },
        { ...probe, rate: 2000, p99: 90, lowerBounds: ['p99'], outcome: 'failed', why: ['p99 < 5ms', 'overloaded'] },
      ],
    }
    const linesOf = (found: Report['search'], more: Partial<Report> = {}) =>
      summary({ ...(found && { search: found }), ...more }).split('\n')
    const first = linesOf(search)
    expect(first[1]).toBe('tlv-loopback   1,000/s is the highest rate that passed; 2,000/s failed   trusted')
    expect(first.slice(3, 7)).toEqual([
      '  search rate  requests/s       p50       p99',
      '        1,000         990      1 ms      4 ms   passed',
      '        2,000         990      1 ms   > 90 ms   failed, p99 < 5ms, overloaded',
      '             figures below: the highest rate that passed',
    ])
    const limited: Report['search'] = {
      ...search,
      clientLimitedAt: 1050,
      end: 'client-limited',
      probes: [{ ...probe, rate: 1050, outcome: 'client-limited', why: ['machine-busy', 'p99 < 5ms'] }],
    }
    expect(linesOf(limited)[1]).toContain('   1,000/s passed; above it the client could not tell   ')
    expect(linesOf(limited)[4]).toBe("        1,050         990      1 ms      4 ms   the client's: machine-busy, p9…")
    const { highestHeld: _, ...none } = search
    expect(linesOf({ ...none, end: 'client-limited' })[1]).toContain(
      '   the client could not tell at any rate that was tried   ',
    )
    expect(linesOf(none)[1]).toContain('   no rate passed all limits   ')
    expect(linesOf(none)).toContain('             figures below: the last probe')
  })

  it('repeats the answer of a search, not the throughput of one of its probes', () => {
    const probe = { rate: 1000, outcome: 'held', throughput: 990, p50: 1, p99: 4, verdict: 'trusted', why: [] } as const
    const search = { highestHeld: 1000, end: 'bounds', probes: Array.from({ length: 12 }, () => probe) } as const
    expect(summary({ search }).trimEnd().split('\n').at(-1)).toBe('trusted   1,000/s is the highest rate that passed')
  })

  it.each<[string, Partial<Omit<SearchRecord, 'probes'>> & { probes: ProbeRecord['outcome'][] }, string]>([
    ['in its first probe', { probes: ['cut-short'] }, 'no rate was tried to the end'],
    [
      'above a rate that passed',
      { highestHeld: 400, probes: ['held', 'cut-short'] },
      '400/s passed, nothing above it was tried',
    ],
    [
      'at the second attempt',
      { highestHeld: 400, probes: ['held', 'failed', 'cut-short'] },
      '400/s passed, 800/s failed once',
    ],
    [
      'between two rates',
      { highestHeld: 400, lowestFailed: 800, probes: ['held', 'failed', 'failed', 'cut-short'] },
      '400/s passed, 800/s failed',
    ],
    [
      'before any passed',
      { lowestFailed: 400, probes: ['failed', 'failed', 'cut-short'] },
      'no rate passed, 400/s failed',
    ],
    [
      'by its own faults',
      { highestHeld: 400, probes: ['held', 'client-limited', 'cut-short'] },
      '400/s passed, at 800/s the client could not tell',
    ],
  ])('says of a search that was stopped %s only what it has shown', (_, { probes, ...found }, text) => {
    const record = (outcome: ProbeRecord['outcome']): ProbeRecord => ({
      ...{ rate: outcome === 'held' ? 400 : 800, outcome, throughput: 390, p50: 1, p99: 4 },
      ...{ verdict: 'unproven', why: [] },
    })
    const search = {
      ...found,
      end: 'interrupted',
      probes: probes.map(record),
    } as const
    const thresholds = [{ expression: 'p99 < 5ms', actual: 7, ok: found.highestHeld !== undefined }]
    const lines = summary({ search, thresholds, interrupted: true, verdict: 'unproven' }).split('\n')
    const head = lines.slice(1, 3).join('').replace(/ {2,}/g, ' ')
    expect(head).toContain(`stopped before it was found: ${text}`)
    expect(head).not.toContain('limits FAIL')
    expect(lines.find(line => line.includes('cut short'))).toMatch(/ {3}cut short$/)
  })

  it('describes the relay before a target', () => {
    const through = (relay: object) =>
      summary({ scenario: { ...scenario, target: { ...scenario.target, relay } } })
        .split('\n')
        .filter((line, index, lines) => line.includes('relay') || lines[index - 1]?.includes('relay'))
        .slice(0, 2)
    expect(through({ rtt: 75, jitter: 3, rate: 50_000_000, loss: 0.001, stall: '1s/10s', reset: 0.02 })).toEqual([
      '             through a relay: rtt 75 ms, jitter 3 ms, 50 Mbit/s, loss 0.1 %,',
      '             stall 1s/10s, reset 2 %',
    ])
    expect(through({ rtt: '***' })[0]).toBe('             through a relay: rtt ***')
    expect(through({})[0]).toBe('             through a relay: which adds nothing')
  })

  it('calls a protocol by its name', () => {
    const protocol = { name: 'line', delimiter: '\r\n', maxFrame: 1024, called: 'memcached' } as const
    expect(summary({ scenario: { ...scenario, protocol } })).toContain('memcached over tcp://127.0.0.1:41233')
  })

  it('describes layers, and how requests are split or coalesced', () => {
    const layered = summary({ scenario: { ...scenario, layers: ['gzip', 'crc32'], wire: { split: 3, delay: 5 } } })
    expect(layered).toContain('tlv + gzip + crc32 over tcp://127.0.0.1:41233')
    expect(layered).toContain('requests in pieces of 3 B, 5ms apart')
    const of = (wire: NonNullable<typeof scenario.wire>) => summary({ scenario: { ...scenario, wire } })
    expect(of({ split: 'random' })).toContain('requests cut at random\n')
    expect(of({ coalesce: 10 })).toContain('10 requests in one write\n')
    expect(of({ coalesce: 10, delay: 5 })).toContain('10 requests in one write, after 5ms at most')
  })

  it('says how sockets are set, and where the kernel gives less', () => {
    const socket = { receiveBuffer: 4 * 1024 * 1024, noDelay: false }
    const text = summary({ scenario: { ...scenario, socket }, socketBuffers: { receiveBuffer: 212_992 } })
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      'receive buffer 208 KiB (4 MiB asked for, more than net.core.rmem_max) noDelay off',
    )
    expect(summary({})).not.toContain('noDelay')
  })

  it('says which addresses a run took by itself', () => {
    const sourceAddresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
    expect(summary({ sourceAddresses })).toContain('\n             from 127.0.0.1-127.0.0.3, for their ports\n')
  })

  it('marks an interrupted run in the first line', () => {
    expect(summary({ interrupted: true }).split('\n')[1]).toBe(
      'tlv-loopback   138,214 requests/s over 10.0 s   interrupted, trusted',
    )
  })

  it('marks a run that stopped early in the first line, with the reason below', () => {
    const error = 'worker 1 ended: out of memory'
    expect(summary({ error, verdict: 'invalid' }).split('\n').slice(1, 4)).toEqual([
      'tlv-loopback   138,214 requests/s over 10.0 s   stopped early, invalid',
      '',
      '  ! the run stopped early: worker 1 ended: out of memory',
    ])
  })

  it('prints no throughput when no request completed', () => {
    const output = summary({
      verdict: 'invalid',
      window: { seconds: 10, warmupSeconds: 2, completed: 0, failed: 0, elapsedSeconds: 12 },
      throughput: { mean: 0, perSecond: [] },
      latencyMs: { ...latencyMs, response: { count: 0, mean: 0, max: 0 } },
    })
    expect(output).toContain('tlv-loopback   not one request completed in the measured part   invalid')
    expect(output).toContain('  response   nothing was measured')
  })

  it('renders connect times when every request has its own connection', () => {
    const churning = { ...scenario, reconnect: { ...scenario.reconnect, when: 'every-request' as const } }
    const connect = { count: 5000, mean: 0.4, p50: 0.3, p90: 0.5, p99: 0.7, max: 0.9 }
    const output = summary({
      scenario: churning,
      totals: { ...totals, connects: 5000 },
      latencyMs: { ...latencyMs, connect },
    })
    expect(output).toContain(
      '  connects   p50 300 us   p90 500 us   p99 700 us   p99.9 -   max 900 us\n             5,000 opened\n',
    )
    expect(output).toContain('loop, 10 connections x 1, each request on a new one, warm-up 2s')
  })

  it('gives a label that leaves no blank behind it a line of its own', () => {
    const style = summaryStyle(plain, 80)
    expect(entry('publishers.loop[0]', ['"+OK"'], style)).toEqual(['  publishers.loop[0]', '             "+OK"'])
    expect(entry('loop[0]', ['"+OK"'], style)).toEqual(['  loop[0]    "+OK"'])
  })

  it('says how many connections send, and how many only listen', () => {
    const { loop } = sampleReport.scenario
    const speakers = { connections: 10, connect: [], loop: loop! }
    const scenario = (listeners: number) => ({
      ...sampleReport.scenario,
      clients: [speakers, { connections: listeners, connect: [] }],
      connections: 10 + listeners,
    })
    expect(summary({ scenario: scenario(1200) })).toContain('loop, 10 connections x 1, 1,200 that listen, warm-up 2s')
    expect(summary({ scenario: scenario(1) })).toContain('loop, 10 connections x 1, 1 that listens, warm-up 2s')
  })

  it("compares the server's count with the answered and the sent requests", () => {
    const counted = (requests: number) =>
      /the server counted.*? (?=load)/.exec(summary({ server: { requests } }).replace(/\s+/g, ' '))?.[0].trim()
    expect(counted(1_644_194)).toBe('the server counted 1,644,194: all that was sent')
    expect(counted(1_644_190)).toBe('the server counted 1,644,190: 1,644,184 answered, 1,644,194 sent')
    expect(counted(1_644_195)).toBe('the server counted 1,644,195: WRONG: 1,644,184 answered, 1,644,194 sent')
    expect(counted(1_644_183)).toContain('WRONG')
    const { server: _, ...noServer } = sampleReport
    expect(renderSummary(noServer, path, plain)).not.toContain('server')
  })

  it('fails a threshold whose figure was not measured', () => {
    const output = summary({ thresholds: [{ expression: 'p99 < 5ms', ok: false }] })
    expect(output).toContain('  limits     p99 < 5ms   too few samples   FAIL')
    expect(output.split('\n')[1]).toBe('tlv-loopback   138,214 requests/s over 10.0 s   limits FAIL (1 of 1), trusted')
  })

  it('marks the figure of a threshold that is only a lower bound', () => {
    const output = summary({ thresholds: [{ expression: 'p99 < 200ms', actual: 105, isBound: true, ok: false }] })
    expect(output).toContain('  limits     p99 < 200ms   > 105   FAIL')
  })

  it('changes no character when it colours', () => {
    const report = { ...sampleReport, ...troubled }
    const colored = renderSummary(report, path, painted)
    expect(colored).not.toBe(renderSummary(report, path, plain))
    expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(renderSummary(report, path, plain))
  })

  it('stays within 80 columns whatever the figures, as long as names do', () => {
    const big = fc.oneof(fc.nat(1000), fc.constant(999_999_999_999))
    fc.assert(
      fc.property(big, big, big, fc.double({ min: 0, max: 1e6, noNaN: true }), (sent, completed, failed, max) => {
        const output = summary({
          ...troubled,
          window: { seconds: 10, warmupSeconds: 2, completed, failed, elapsedSeconds: 12 },
          totals: { ...totals, sent, completed, failed, bytesSent: sent, failures: { timeout: failed, reset: sent } },
          latencyMs: { ...latencyMs, response: { ...latencyMs.response, p999: max, max } },
        })
        for (const line of output.split('\n').slice(2)) expect(cellCount(line)).toBeLessThanOrEqual(80)
      }),
      { numRuns: 100 },
    )
  })
})
