import { type Finding, isDoubt } from './finding.ts'

interface Cause {
  readonly code: string
  /** Codes of findings that follow from it; each of them has a later row. */
  readonly explains: readonly string[]
}

/** Findings of a figure that changed in the course of the run, or scattered. */
const unsteady = ['warm-up', 'stationarity', 'quantile-ci'] as const

/** Whether a finding says that a figure changed in the course of the run, or scattered. */
export function isUnsteady(finding: Finding): boolean {
  return isDoubt(finding) && unsteady.some(code => code === finding.code)
}

/**
 * Threads that wait for a core are late, look busy and are unequal. Whether a server keeps up (overloaded, rate) stays a
 * question of its own: it may be slow on a quiet machine too.
 */
const ofWaitingThreads = [
  ...['client-stalled', 'generator-busy', 'client-lag', 'arrivals', 'littles-law'],
  ...[...unsteady, 'balance', 'closed-loop'],
] as const

/**
 * The codes of all findings in the order in which they are told: what explains others comes first. A code that is not
 * here comes last. A row names only what really follows from it: a finding that is explained is folded away, and a
 * reader who has removed the cause expects it to be gone.
 */
export const causes: readonly Cause[] = [
  // A wrong account casts doubt on every figure, but makes none of them drift or scatter.
  { code: 'conservation', explains: [] },
  // All figures come from the monotonic clock: a wall clock that was set changes none of them.
  { code: 'clock', explains: [] },
  // While connections are refused nothing is sent, answered or in flight, and planned requests wait for a connection.
  {
    code: 'target-gone',
    explains: [
      ...[
        'stuck',
        'given-up',
        'errors',
        'censoring',
        'overloaded',
        'rate',
        'client-lag',
        'arrivals',
        'retransmits',
        'deliveries',
      ],
      ...['littles-law', ...unsteady, 'balance', 'closed-loop'],
    ],
  },
  // The run was ended because nothing went on any more.
  { code: 'stuck', explains: ['errors', 'censoring', 'rate', 'littles-law', ...unsteady, 'balance', 'closed-loop'] },
  // The same with those connections that are not opened again.
  { code: 'given-up', explains: ['errors', 'censoring', 'rate', 'littles-law', ...unsteady, 'balance', 'closed-loop'] },
  // No busy machine sends messages that nobody asked for. A stray frame counts as an error, and closes its connection with whatever is in flight on it.
  { code: 'unpaired', explains: ['errors', 'censoring', 'littles-law', 'balance'] },
  // Three ways in which threads have to wait for a core.
  { code: 'steal', explains: ofWaitingThreads },
  { code: 'cpu-quota', explains: ofWaitingThreads },
  { code: 'machine-busy', explains: ofWaitingThreads },
  // What was due during the stall leaves late and in one burst, which may find too few free connections. Timeouts are
  // not excused by it: a reply may be missing for other reasons.
  {
    code: 'client-stalled',
    explains: ['rate', 'client-lag', 'arrivals', ...unsteady, 'closed-loop'],
  },
  // Connects fail, or wait for a port, as soon as the first ports are used up: that is an error and a change.
  { code: 'ports', explains: ['errors', 'rate', ...unsteady] },
  // Workers that share a core delay each other all the time, so that is no drift.
  {
    code: 'workers',
    explains: ['generator-busy', 'client-lag', 'arrivals', 'quantile-ci', 'balance', 'local-contention', 'closed-loop'],
  },
  // What a relay adds when it is short of time differs from moment to moment.
  { code: 'relay-late', explains: [...unsteady, 'closed-loop'] },
  // A datagram that this machine drops is a timeout.
  { code: 'datagrams', explains: ['errors', 'censoring', 'closed-loop'] },
  // A failed request has no reply, and its connection is opened again.
  { code: 'errors', explains: ['censoring'] },
  // A retransmission is one late reply: the slowest, not the many.
  { code: 'retransmits', explains: ['closed-loop'] },
  // A generator without time to spare is late.
  { code: 'generator-busy', explains: ['client-lag', 'arrivals'] },
  { code: 'client-limited', explains: [] },
  // The backlog takes up all connections, and response times grow with the length of the run. Client lag and arrivals
  // are about requests that had a free connection, or had not reached it yet: the server has no part in them.
  { code: 'overloaded', explains: ['rate', 'censoring', ...unsteady] },
  { code: 'rate', explains: [] },
  // Requests that leave late are not as far apart as planned.
  { code: 'client-lag', explains: ['arrivals'] },
  { code: 'arrivals', explains: [] },
  { code: 'censoring', explains: [] },
  { code: 'deliveries', explains: [] },
  { code: 'littles-law', explains: [] },
  // Where the start differs from the rest, the whole drifts, and its sections differ.
  { code: 'warm-up', explains: ['stationarity', 'quantile-ci'] },
  { code: 'stationarity', explains: ['quantile-ci'] },
  { code: 'quantile-ci', explains: [] },
  { code: 'balance', explains: [] },
  { code: 'local-contention', explains: [] },
  { code: 'closed-loop', explains: [] },
  { code: 'unproven', explains: [] },
]

/**
 * Findings in the order of `causes`, notes last, each with the code of the finding that explains it, if one does. That is
 * always one that no other explains; notes explain nothing.
 */
export function orderByCause(findings: readonly Finding[]): Finding[] {
  const ordered = findings.toSorted((a, b) => orderOf(a) - orderOf(b))
  const explainedBy = new Map<string, string>()
  for (const { code } of ordered.filter(isDoubt)) {
    const leader = explainedBy.get(code) ?? code
    for (const explained of explainedOf(code)) {
      if (!explainedBy.has(explained)) explainedBy.set(explained, leader)
    }
  }
  return ordered.map(({ explainedBy: _, ...finding }) => {
    const leader = explainedBy.get(finding.code)
    return leader === undefined ? finding : { ...finding, explainedBy: leader }
  })
}

/** Findings that no other explains. */
export function leadersOf(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ explainedBy }) => explainedBy === undefined)
}

function orderOf({ code, severity }: Finding): number {
  const at = causes.findIndex(cause => cause.code === code)
  return (at < 0 ? causes.length : at) + (severity === 'note' ? causes.length + 1 : 0)
}

function explainedOf(code: string): readonly string[] {
  return causes.find(cause => cause.code === code)?.explains ?? []
}
