import { expect, test } from 'vitest'
import { type AuditInputs, audit } from './audit.ts'
import { verdictOf } from './finding.ts'
import { enoughEvidence, oneWorker } from './testing/healthy.ts'

const stuck = { cutShort: { reason: 'stuck', forMs: 10_000 }, hasConnected: true } as const
const healthy: AuditInputs = {
  accounts: [{ sent: 1010, completed: 1000, failed: 0, inFlight: 10 }],
  server: { requests: 1010, sent: 1010, answered: 1000 },
  completed: 1000,
  completedInWindow: 900,
  errorShare: 0,
  interrupted: false,
  clockDriftMs: 0.4,
  sharedCores: 1.5,
  cores: 2,
  evidence: enoughEvidence,
  workers: oneWorker,
  response: { count: 900, mean: 1, p50: 1, p90: 1.5, max: 4 },
}

test('audit() finds nothing in a healthy run', () => {
  expect(audit(healthy)).toEqual([])
  expect(verdictOf([])).toBe('trusted')
})

/** Times from sending that leave all of the rest to client lag. */
const quick = { count: 900, mean: 0, p50: 0.01, p99: 0.02, max: 0.1 }

test('audit() finds nothing when the planned requests were sent in time', () => {
  const clientLag = { count: 900, mean: 0.01, p50: 0.01, p90: 0.02, max: 0.1 }
  expect(audit({ ...healthy, plan: { planned: 900, sent: 899, clientLag, service: quick } })).toEqual([])
})

test('audit() finds no client lag in a quantile that is the same from sending', () => {
  const response = { ...healthy.response, p50: 1, p99: 4 }
  const clientLag = { count: 900, mean: 0.1, p50: 0.01, p99: 1, max: 2 }
  const shown = (p99: number) => {
    const plan = { planned: 900, sent: 900, clientLag, service: { ...quick, p50: 1, p99 } }
    return audit({ ...healthy, response, plan }).map(({ code, value }) => `${code} ${value}`)
  }
  expect(shown(3.7)).toEqual([])
  expect(shown(3.5)).toEqual(['client-lag 0.125'])
  // Never more than the lag itself.
  expect(shown(1)).toEqual(['client-lag 0.25'])
})

test('audit() takes one planned request more or less for the edge of the measured part', () => {
  const clientLag = { count: 9, mean: 0, max: 0 }
  expect(audit({ ...healthy, plan: { planned: 10, sent: 9, clientLag, service: quick } })).toEqual([])
  expect(
    audit({ ...healthy, plan: { planned: 10, sent: 8, clientLag, service: quick } }).map(({ code }) => code),
  ).toEqual(['rate'])
})

test('audit() looks in a pass over the steps at the accounts alone', () => {
  const evidence = { ...enoughEvidence, mode: 'once', completed: 1, measuredMs: 5 } as const
  const pass: AuditInputs = {
    ...healthy,
    evidence,
    completed: 1,
    completedInWindow: 1,
    sharedCores: 2,
    clockDriftMs: 90,
  }
  expect(audit({ ...pass, errorShare: 0.5 })).toEqual([])
  expect(audit({ ...pass, completed: 0, completedInWindow: 0, errorShare: 1 })).toEqual([])
  const accounts = [{ sent: 3, completed: 1, failed: 1, inFlight: 0 }]
  expect(audit({ ...pass, accounts }).map(({ code }) => code)).toEqual(['conservation'])
  // With enough requests it is a load like any other.
  const load = { ...enoughEvidence, mode: 'once' } as const
  expect(audit({ ...healthy, evidence: load, errorShare: 0.5 }).map(({ code }) => code)).toEqual(['errors'])
})

test('audit() advises nothing that a scenario with stages refuses', () => {
  const plan = { planned: 100, sent: 50, clientLag: quick, service: quick }
  const hintOf = (hasStages: boolean) =>
    audit({ ...healthy, evidence: { ...enoughEvidence, hasStages }, plan })[0]?.hint
  expect(hintOf(false)).toContain('raise connections (-c)')
  expect(hintOf(true)).toContain('raise connections or load.pipeline')
})

test('audit() says that there was too little to look at, but not beside a problem that was found', () => {
  const evidence = { ...enoughEvidence, measuredMs: 2000 }
  expect(audit({ ...healthy, evidence }).map(({ severity }) => severity)).toEqual(['unproven'])
  expect(audit({ ...healthy, evidence, sharedCores: 1.9 }).map(({ severity }) => severity)).toEqual([
    'unproven',
    'note',
  ])
  expect(audit({ ...healthy, evidence, errorShare: 0.5 }).map(({ code }) => code)).toEqual(['errors'])
})

test('audit() tells causes first, and which findings they explain', () => {
  const response = {
    count: 500,
    mean: 1,
    p50: 1,
    p90: 2,
    p99: 100,
    max: 100,
    censored: 500,
    lowerBounds: ['p99', 'max'],
  }
  const found = audit({ ...healthy, response, errorShare: 0.5, clockDriftMs: 99 })
  expect(found.map(({ code, explainedBy }) => `${code} ${explainedBy ?? '-'}`)).toEqual([
    'clock -',
    'errors -',
    'censoring errors',
  ])
  expect(found[2]!.message).toContain('only lower bounds are known for p99')
  expect(found[2]!.message).not.toContain('max')
})

test('audit() accepts counters that have wrapped', () => {
  const accounts = [{ sent: 5, completed: 2 ** 32 - 10, failed: 5, inFlight: 10 }]
  expect(audit({ ...healthy, accounts })).toEqual([])
})

test.each<[string, Partial<AuditInputs>, string, string]>([
  [
    'one request in 50 has no reply',
    { response: { count: 980, mean: 1, p50: 1, p90: 2, p99: 1000, max: 1000, censored: 20, lowerBounds: ['p99'] } },
    'censoring suspect',
    '2 % of the requests have no reply (limit 1 %), which affects the quantiles from p90 up; only lower bounds are known for p99',
  ],
  [
    'a few planned requests were not sent',
    { plan: { planned: 1000, sent: 970, clientLag: { count: 970, mean: 0, max: 0 }, service: quick } },
    'rate suspect',
    '97 % of the planned requests were sent (limit 99 %)',
  ],
  [
    'many planned requests were not sent',
    { plan: { planned: 1000, sent: 800, clientLag: { count: 800, mean: 0, max: 0 }, service: quick } },
    'rate invalid',
    '80 % of the planned requests were sent (limit 95 %)',
  ],
  [
    'requests leave late',
    { plan: { planned: 900, sent: 900, clientLag: { count: 900, mean: 0.1, p50: 0.12, max: 2 }, service: quick } },
    'client-lag suspect',
    'client lag is 12 % of the p50 response time (limit 10 %)',
  ],
  [
    'requests leave so late that client lag is half of the response time',
    { plan: { planned: 900, sent: 900, clientLag: { count: 900, mean: 0.5, p50: 0.5, max: 2 }, service: quick } },
    'client-lag invalid',
    'client lag is 50 % of the p50 response time (limit 30 %)',
  ],
  [
    'a worker has lost a request',
    { accounts: [{ sent: 1011, completed: 1000, failed: 0, inFlight: 10 }] },
    'conservation invalid',
    'worker 1 sent 1011 requests, but 1010 are accounted for',
  ],
  [
    'the server counted more requests than were sent',
    { server: { requests: 1011, sent: 1010, answered: 1000 } },
    'conservation invalid',
    'the server counted 1011 requests; 1010 were sent to it and 1000 answered',
  ],
  [
    'the server counted fewer requests than were answered',
    { server: { requests: 999, sent: 1010, answered: 1000 } },
    'conservation invalid',
    'the server counted 999 requests; 1010 were sent to it and 1000 answered',
  ],
  [
    'more than one in a thousand failed',
    { errorShare: 0.012 },
    'errors suspect',
    '1.2 % of all requests and connects failed (limit 0.1 %)',
  ],
  [
    'nothing was completed',
    { completed: 0, completedInWindow: 0, errorShare: 1 },
    'errors invalid',
    'not one request was completed',
  ],
  [
    'a run by count could not go on, and nothing was completed',
    {
      completed: 0,
      completedInWindow: 0,
      errorShare: 1,
      failures: { reset: 2, 'connect-refused': 22 },
      ending: { ...stuck, completed: 0, counted: { sent: 24, wanted: 1000 } },
    },
    'stuck invalid',
    'not one request could be completed: for 10s every connection failed (connect-refused 22, reset 2)',
  ],
  [
    'a run by count could not go on',
    { ending: { ...stuck, completed: 1000, counted: { sent: 1024, wanted: 2000 } }, errorShare: 0.5 },
    'stuck invalid',
    'only 1,000 of 2,000 requests could be completed: for 10s every connection failed',
  ],
  [
    'the run ended in its warm-up',
    { completedInWindow: 0 },
    'errors invalid',
    'not one request was completed after the warm-up',
  ],
  [
    'the clocks moved apart',
    { clockDriftMs: -2000 },
    'clock invalid',
    'the wall clock and the monotonic clock moved apart by -2000 ms (limit 50 ms)',
  ],
  [
    'client and server together use the whole machine',
    { sharedCores: 1.9 },
    'local-contention note',
    "client and server together used 95 % of this machine's CPU (limit 90 %)",
  ],
])('audit() reports that %s', (_, change, what, message) => {
  const [finding, ...others] = audit({ ...healthy, ...change })
  expect(others).toEqual([])
  expect(`${finding!.code} ${finding!.severity}`).toBe(what)
  expect(finding!.message).toBe(message)
  expect(finding!.hint).not.toBe('')
})

test('verdictOf() is that of the worst finding, and ignores notes', () => {
  const [unproven] = audit({ ...healthy, evidence: { ...enoughEvidence, completed: 3 } })
  const [note] = audit({ ...healthy, sharedCores: 2 })
  const [suspect] = audit({ ...healthy, errorShare: 0.5 })
  const [invalid] = audit({ ...healthy, clockDriftMs: 99 })
  expect(verdictOf([note!])).toBe('trusted')
  expect(verdictOf([unproven!, note!])).toBe('unproven')
  expect(verdictOf([unproven!, suspect!])).toBe('suspect')
  expect(verdictOf([suspect!, { ...invalid!, explainedBy: 'errors' }])).toBe('invalid')
  expect(verdictOf([note!, suspect!])).toBe('suspect')
  expect(verdictOf([suspect!, invalid!, note!])).toBe('invalid')
})

test.each<[string, Partial<AuditInputs>, RegExp]>([
  [
    'a number of requests has ended the run in its warm-up',
    { endedInWarmup: true },
    /^the run ended during its warm-up/,
  ],
  ['the server is silent', {}, /^the server answered, and then stopped: see whether it still runs$/],
  [
    'the server was killed',
    { failures: { reset: 3 } },
    /^the server answered, and then stopped \(reset 3\): see its log$/,
  ],
  ['ports ran out', { failures: { 'no-free-port': 30 } }, /^this machine ran out of local ports: add sourceAddresses/],
  ['descriptors ran out', { failures: { 'no-descriptor': 3 } }, /^this machine ran out of file descriptors: raise/],
])('audit() says why nothing was completed after the warm-up: %s', (_, inputs, hint) => {
  const [finding] = audit({ ...healthy, completedInWindow: 0, ...inputs })
  expect(finding).toMatchObject({ code: 'errors', severity: 'invalid', hint: expect.stringMatching(hint) })
})

test('audit() says nothing but why a run by count was ended, as all else follows from it', () => {
  const findings = audit({
    ...healthy,
    ending: { ...stuck, completed: 56, counted: { sent: 60, wanted: 1000 } },
    errorShare: 0.5,
    plan: { planned: 582, sent: 56, clientLag: { count: 56, mean: 0, max: 0 }, service: quick },
    response: { ...healthy.response, censored: 526 },
  })
  expect(findings.map(({ code }) => code)).toEqual(['stuck'])
})

test('audit() looks at the distance of the cores where figures changed in the course of a run, and no program explains it', () => {
  const even = (value: number) => Array.from({ length: 100 }, () => value)
  const timeSeries: AuditInputs['timeSeries'] = {
    ...{ completed: 10_000, throughput: 1000, response: healthy.response, slots: 1, connections: 1 },
    ...{ isLoop: true, isSaturated: false, hasConstantLoad: true },
    timeSeries: {
      ...{ throughputs: even(1000), meansMs: even(1), inFlights: even(1), inFlightMean: 1, responseMeanMs: 1 },
      ...{ halfWidthsMs: { p50: 0.2 }, busyShare: 0.3, balance: 1 },
    },
  }
  const seconds = [192, 192, 540, 540].map(ns => ({ coreDistanceNs: ns, p50: ns / 400 }))
  const connects = { areForRequests: false, count: 10, perSecond: 0, elapsedSeconds: 10, withoutPort: 0 } as const
  const use = { seconds: 10, cores: 2, otherCores: 0, programs: [] }
  const found = (inputs: Partial<AuditInputs>) =>
    audit({ ...healthy, ...inputs }).map(({ code, explainedBy = '' }) => `${code} ${explainedBy}`.trim())
  expect(found({ timeSeries })).toEqual(['quantile-ci'])
  expect(found({ timeSeries, machine: { use, connects, seconds } })).toEqual([
    'machine-busy',
    'quantile-ci machine-busy',
  ])
  expect(found({ machine: { use, connects, seconds } })).toEqual([])
  // The run was cut where the cores moved: the measured part has only seconds after that.
  const machine = { use, connects, seconds: seconds.slice(2), secondsOfRun: seconds }
  const steadyState = { reachedAt: 5000, isUnsteady: true, what: 'throughput', change: 0.3 } as const
  const cut = { ...timeSeries, steadyState: { ...steadyState, warmupSeconds: 5, isExtended: false } }
  expect(found({ timeSeries, machine })).toEqual(['quantile-ci'])
  expect(found({ timeSeries: cut, machine })).toEqual([
    'machine-busy',
    'warm-up machine-busy',
    'quantile-ci machine-busy',
  ])
  const [busy, ...others] = audit({
    ...healthy,
    timeSeries,
    machine: { use: { ...use, otherCores: 1 }, connects, seconds },
  })
  expect(busy!.message).toContain('other programs used 1 of 2 cores')
  expect(others.map(({ code }) => code)).toEqual(['quantile-ci'])
})
