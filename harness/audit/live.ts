import { type Clock, monotonicClock } from '../clock.ts'
import type { HostDifference } from '../host/counters.ts'
import type { Collector } from '../metrics/collector.ts'
import { totalsOf } from '../metrics/totals.ts'
import { findingsOf } from './audit.ts'
import { leadersOf, orderByCause } from './causes.ts'
import { isDoubt } from './finding.ts'
import { type AuditedRun, auditInputs } from './inputs.ts'
import type { MachineState } from './machine.ts'

/** How often a run is audited while it lasts, and how much of it must have been measured. */
const auditMs = 3000
/**
 * A worker that shares a core with this thread waits during an audit: they take at most one part in 300 of the time.
 */
const auditShare = 300
const measuredMsMin = 2000
/** Checks left to the end: accounts and times in flight are incomplete until then, and a longer run may pass. */
const atTheEnd = ['conservation', 'deliveries', 'littles-law', 'warm-up', 'quantile-ci']

export interface LiveAuditOptions {
  readonly collector: Collector
  readonly run: Pick<AuditedRun, 'facts' | 'targetIsLocal' | 'overUdp'>
  readonly host: () => HostDifference
  readonly clockDriftMs: () => number
  /** What was read of the machine since a time on the collector's clock. */
  readonly machine?: (fromMs: number) => MachineState
  /** Measures how long an audit takes. */
  readonly clock?: Clock
}

/** The audit of a run in progress: the findings it would have if it ended now, without those that another explains. */
export class LiveAudit {
  readonly #options: LiveAuditOptions
  #dueAt = Number.NEGATIVE_INFINITY
  /** By code; a note keeps its first wording as long as its finding persists, so that it is printed once. */
  #notes = new Map<string, string>()

  constructor(options: LiveAuditOptions) {
    this.#options = options
  }

  /** The current doubts, one line each; the audit is repeated every few seconds. */
  notes(now: number): readonly string[] {
    if (now >= this.#dueAt) {
      const { clock = monotonicClock } = this.#options
      const startedAt = clock.now()
      const waitMs = this.#audit(now)
      this.#dueAt = now + (waitMs ?? Math.max(auditMs, (clock.now() - startedAt) * auditShare))
    }
    return [...this.#notes.values()]
  }

  /** Audits what was measured so far; returns how long to wait where that is too little, which must not put off the first audit. */
  #audit(now: number): number | undefined {
    const { collector, run, host, clockDriftMs, machine } = this.#options
    const measured = collector.measured(now)
    // Before the first reply nothing is known but that the server is slow.
    if (measured.windowMs < measuredMsMin) return measuredMsMin - measured.windowMs
    if (measured.completed === 0) return measuredMsMin
    const record: AuditedRun = {
      ...run,
      endedAt: now,
      isExtended: false,
      clockDriftMs: clockDriftMs(),
      host: host(),
      machine: machine?.(now - measured.windowMs),
      interrupted: false,
    }
    const inputs = auditInputs(record, collector, totalsOf(collector), measured)
    const found = findingsOf({ ...inputs, accounts: [] }).filter(
      finding => isDoubt(finding) && !atTheEnd.includes(finding.code),
    )
    this.#notes = new Map(
      leadersOf(orderByCause(found)).map(({ code, message, hint }) => [
        code,
        this.#notes.get(code) ?? `${code}: ${message}: ${hint}`,
      ]),
    )
    return undefined
  }
}
