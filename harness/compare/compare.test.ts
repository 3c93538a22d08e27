import { describe, expect, it } from 'vitest'
import type { Report } from '../report/record.ts'
import { sampleReport } from '../report/testing/samples.ts'
import { compareReports } from './compare.ts'

const { scenario, latencyMs, totals } = sampleReport

function withScenario(changes: Partial<Report['scenario']>): Report {
  return { ...sampleReport, scenario: { ...scenario, ...changes } }
}

function figure(reports: readonly Report[], name: string) {
  const sources = reports.map((_, index) => `run-${index}`)
  return compareReports(reports, sources).figures.find(each => each.name === name)
}

function differences(...reports: Report[]) {
  return compareReports(reports, reports.map(String)).differences
}

/** The sample with a distance of the cores in each of its seconds. */
function withDistance(...distances: (number | undefined)[]): Report {
  const [interval] = sampleReport.intervals
  const intervals = distances.map((coreDistanceNs, at) => ({
    ...interval!,
    warmup: at === 0,
    ...(coreDistanceNs !== undefined && { coreDistanceNs }),
  }))
  return { ...sampleReport, intervals }
}

describe('compareReports()', () => {
  it('warns of runs whose cores were not equally far apart', () => {
    const [near, far] = [withDistance(900, 190, undefined, 195, 540), withDistance(190, 545, 540, 538)]
    const warnings = (...reports: Report[]) =>
      compareReports(reports, ['a', 'b', 'c'].slice(0, reports.length)).warnings
    expect(warnings(near, far)).toEqual([
      'the cores were further apart in b than in a: 540 ns for a cache line from one to the other and back, and 195 ns; a client and a server on one virtual machine are slower by that alone: run them again',
    ])
    expect(warnings(far, sampleReport, near)[0]).toContain('further apart in a than in c')
    expect(warnings(near, withDistance(0, 260))).toEqual([])
    expect(warnings(near, sampleReport)).toEqual([])
  })

  it('has every figure with its ratio to the first run', () => {
    const half = { ...sampleReport, throughput: { mean: 69_107, perSecond: [] } }
    expect(figure([sampleReport, half, sampleReport], 'throughput')).toEqual({
      name: 'throughput',
      unit: 'requests/s',
      values: [138_214, 69_107, 138_214],
      ratios: [1, 0.5, 1],
    })
  })

  it('has no ratio when a figure is missing or the baseline is 0', () => {
    const few = { ...sampleReport, latencyMs: { ...latencyMs, response: { count: 5, mean: 1, max: 2 } } }
    expect(figure([sampleReport, few], 'response p99')).toMatchObject({ values: [0.21, null], ratios: [1, null] })
    expect(figure([few, sampleReport], 'response p99')).toMatchObject({ values: [null, 0.21], ratios: [null, null] })
    const stopped = { ...sampleReport, throughput: { mean: 0, perSecond: [] } }
    expect(figure([stopped, sampleReport], 'throughput')).toMatchObject({ ratios: [null, null] })
    expect(figure([few, few], 'response p99')).toBeUndefined()
  })

  it('counts failed requests and connects, and their share of all requests and connects', () => {
    const failing = {
      ...sampleReport,
      totals: { ...totals, sent: 900, failed: 20, failures: { timeout: 20, 'connect-refused': 100 } },
    }
    expect(figure([sampleReport, failing], 'failures')?.values).toEqual([0, 120])
    expect(figure([sampleReport, failing], 'failed share')?.values).toEqual([0, 0.12])
  })

  it('marks lower bounds, which have no ratio', () => {
    const response = { ...latencyMs.response, p99: 5000, max: 5000, lowerBounds: ['p99', 'max'] }
    const bounded = { ...sampleReport, latencyMs: { ...latencyMs, response } }
    expect(figure([sampleReport, bounded], 'response p99')).toEqual({
      name: 'response p99',
      unit: 'ms',
      values: [0.21, 5000],
      lowerBounds: [false, true],
      ratios: [1, null],
    })
    expect(figure([bounded, sampleReport], 'response max')).toMatchObject({
      lowerBounds: [true, false],
      ratios: [null, null],
    })
    expect(figure([sampleReport, bounded], 'response p50')).not.toHaveProperty('lowerBounds')
  })

  it('has the availability, which without a failure is all of the time', () => {
    const { availability: _, ...older } = sampleReport
    const out = { ...sampleReport, availability: 0.561, totals: { ...totals, failures: { 'connect-refused': 9 } } }
    const unknown = { ...older, totals: out.totals }
    expect(figure([older, out, unknown], 'availability')?.values).toEqual([1, 0.561, null])
  })

  it('survives a round trip through JSON', () => {
    const { server: _, ...noServer } = sampleReport
    const comparison = compareReports([sampleReport, noServer], ['a', 'b'])
    expect(JSON.parse(JSON.stringify(comparison))).toEqual(comparison)
  })

  it.each([
    [
      ['x/a.json', 'x/b.json'],
      ['a.json', 'b.json'],
    ],
    [
      ['reports/tlv/2026-11-21T09-30-12Z/report.json', './reports/tlv/2026-11-21T09-31-12Z'],
      ['2026-11-21T09-30-12Z', '2026-11-21T09-31-12Z'],
    ],
    [
      ['same/report.json', 'same'],
      ['same', 'same (2)'],
    ],
    [
      ['before', 'after'],
      ['before', 'after'],
    ],
    [
      ['report.json', 'old/report.json'],
      ['run', 'old'],
    ],
  ])('names runs of one scenario by the differing parts of %j', (sources, names) => {
    expect(compareReports([sampleReport, sampleReport], sources).runs.map(({ name }) => name)).toEqual(names)
  })

  it('names runs of different scenarios by their scenarios, and warns that they differ', () => {
    const { runs, warnings } = compareReports([sampleReport, withScenario({ name: 'tlv-lan' })], ['a', 'b'])
    expect(runs.map(({ name }) => name)).toEqual(['tlv-loopback', 'tlv-lan'])
    expect(warnings).toEqual(['the runs are of different scenarios: tlv-loopback, tlv-lan'])
  })

  it('warns about runs that are invalid, suspect, interrupted or stopped early', () => {
    const finding = { code: 'errors', message: '', hint: '', value: 1, limit: 0 }
    const reports: Report[] = [
      { ...sampleReport, verdict: 'invalid', findings: [{ ...finding, severity: 'invalid' }] },
      { ...sampleReport, verdict: 'suspect', findings: [{ ...finding, severity: 'suspect' }], interrupted: true },
      { ...sampleReport, error: 'worker 1 ended' },
      sampleReport,
    ]
    const { runs, warnings } = compareReports(reports, ['a', 'b', 'c', 'd'])
    expect(warnings).toEqual([
      'a is invalid (errors): do not rely on its figures',
      'b is suspect (errors)',
      'b was interrupted after 10 s',
      'c stopped early: worker 1 ended',
    ])
    expect(runs.map(({ cut }) => cut)).toEqual([false, true, true, false])
  })

  it('warns about runs that are unproven, and names the cause of what another finding explains', () => {
    const finding = { code: 'unproven', message: '2.0 s measured', hint: 'a verdict needs 5 s', value: 2, limit: 5 }
    const lag = { ...finding, code: 'client-lag', severity: 'invalid', explainedBy: 'machine-busy' } as const
    const busy = { ...finding, code: 'machine-busy', severity: 'suspect' } as const
    const reports: Report[] = [
      { ...sampleReport, verdict: 'unproven', findings: [{ ...finding, severity: 'unproven' }] },
      { ...sampleReport, verdict: 'invalid', findings: [busy, lag] },
      sampleReport,
    ]
    const { runs, warnings } = compareReports(reports, ['a', 'b', 'c'])
    expect(warnings).toEqual([
      'a is unproven: 2.0 s measured: a verdict needs 5 s',
      'b is invalid (machine-busy): do not rely on its figures',
    ])
    expect(runs.map(({ verdict }) => verdict)).toEqual(['unproven', 'invalid', 'trusted'])
  })
})

describe('differingSettings()', () => {
  it('finds no differences between two runs of one scenario on one machine', () => {
    const again: Report = {
      ...sampleReport,
      seed: 8,
      target: 'tcp://127.0.0.1:50000',
      startedAt: '2026-11-22T09:30:12.000Z',
      environment: { ...sampleReport.environment, loadAverage: [2, 2, 2] },
    }
    expect(differences(sampleReport, again)).toEqual([])
  })

  it('names differing settings by their path, in the units of a scenario', () => {
    const other = withScenario({
      connections: 100,
      load: { mode: 'loop', pipeline: 16 },
      duration: 2500,
      warmup: 0,
      protocol: { name: 'tlv', maxFrame: 65_536 },
      loop: [{ send: { type: 1, body: 'hello' }, think: 1 }],
    })
    expect(differences(sampleReport, other)).toEqual([
      { setting: 'protocol.maxFrame', values: ['1 MiB', '64 KiB'] },
      { setting: 'connections', values: ['10', '100'] },
      { setting: 'load.pipeline', values: ['1', '16'] },
      { setting: 'duration', values: ['10s', '2500ms'] },
      { setting: 'warmup', values: ['2s', '0ms'] },
      { setting: 'loop[0].send.body', values: ['hello world', 'hello'] },
      { setting: 'loop[0].expect', values: ['echo', 'not set'] },
      { setting: 'loop[0].think', values: ['0ms', '1ms'] },
    ])
  })

  it('shows no header that logs in, which reports of earlier versions have in clear', () => {
    const requested = (token: string, accept: string) =>
      withScenario({
        loop: [{ send: { path: '/', headers: { Authorization: token, Accept: accept } }, think: 0 }],
      })
    const found = differences(requested('Bearer one', 'a'), requested('Bearer two', 'b'))
    expect(found).toEqual([{ setting: 'loop[0].send.headers.Accept', values: ['a', 'b'] }])
    const { loop: _, ...without } = scenario
    const added = differences({ ...sampleReport, scenario: without }, requested('Bearer one', 'a'))
    expect(JSON.stringify(added)).not.toContain('Bearer')
  })

  it('names the kind of a target and its options', () => {
    const address = withScenario({ target: { address: 'tcp://192.168.48.151:8080' } })
    const pooled = withScenario({ target: { serve: 'tlv', options: { poolSize: 1000 } } })
    const command = withScenario({ target: { command: 'redis-server --port {port}' } })
    expect(differences(sampleReport, address, command, pooled)).toEqual([
      {
        setting: 'target',
        values: ['serve tlv', 'address tcp://192.168.48.151:8080', 'command redis-server --port {port}', 'serve tlv'],
      },
      { setting: 'target.poolSize', values: ['not set', 'not set', 'not set', '1000'] },
    ])
  })

  it('names the settings of the relay before a target', () => {
    const { target } = sampleReport.scenario
    const near = withScenario({ target: { ...target, relay: { rtt: 2 } } })
    const far = withScenario({ target: { ...target, relay: { rtt: 75, jitter: 0.5, rate: 5e7, loss: 0.001 } } })
    expect(differences(sampleReport, near, far)).toEqual([
      { setting: 'target.relay', values: ['not set', 'set', 'set'] },
      { setting: 'target.relay.rtt', values: ['not set', '2ms', '75ms'] },
      { setting: 'target.relay.jitter', values: ['not set', 'not set', '500us'] },
      { setting: 'target.relay.rate', values: ['not set', 'not set', '50 Mbit/s'] },
      { setting: 'target.relay.loss', values: ['not set', 'not set', '0.1 %'] },
    ])
  })

  it('names the actual transport and workers, the machine and the version', () => {
    const other: Report = {
      ...sampleReport,
      transport: 'epoll',
      workers: 2,
      tool: { name: 'volley', version: '0.2.0' },
      environment: { ...sampleReport.environment, cpu: 'Imaginary 4000', cores: 8, node: 'v22.1.0' },
    }
    expect(differences(sampleReport, other)).toEqual([
      { setting: 'transport', values: ['node', 'epoll'] },
      { setting: 'workers', values: ['1', '2'] },
      { setting: 'cpu', values: ['Imaginary 3000', 'Imaginary 4000'] },
      { setting: 'cores', values: ['2', '8'] },
      { setting: 'node', values: ['v20.20.2', 'v22.1.0'] },
      { setting: 'volley', values: ['0.1.0', '0.2.0'] },
    ])
  })
})
