import { type Clock, monotonicClock } from '../clock.ts'
import type { HostDifference } from '../host/counters.ts'
import type { Collector } from '../metrics/collector.ts'
import { totalsOf } from '../metrics/totals.ts'
import { audit } from './audit.ts'
import { type AuditedRun, auditInputs } from './inputs.ts'

/** How often a run is audited while it lasts, and how much of it has to be measured by then. */
const auditMs = 3000
/** A worker that shares its core with us waits meanwhile: no more than one part in so many of the time is spent on it. */
const auditShare = 300
const measuredMsMin = 2000
/** What can be told at the end only: the accounts and the time in flight are open, and more time may help. */
const atTheEnd = ['conservation', 'deliveries', 'littles-law', 'warm-up', 'quantile-ci']

export interface LiveAuditOptions {
  readonly collector: Collector
  readonly run: Pick<AuditedRun, 'facts' | 'targetIsLocal' | 'overUdp'>
  readonly host: () => HostDifference
  readonly clockDriftMs: () => number
  /** By which it is seen what a look costs. */
  readonly clock?: Clock
}

/** The audit of a run that goes on: what it would be told if it ended now. */
export class LiveAudit {
  readonly #options: LiveAuditOptions
  #dueAt = Number.NEGATIVE_INFINITY
  /** By code; a finding is told in the words in which it was found first, for as long as it stands. */
  #told = new Map<string, string>()

  constructor(options: LiveAuditOptions) {
    this.#options = options
  }

  /** What is in doubt at the moment, a line each; looked at anew every few seconds. */
  notes(now: number): readonly string[] {
    if (now >= this.#dueAt) {
      const { clock = monotonicClock } = this.#options
      const beganAt = clock.now()
      this.#look(now)
      this.#dueAt = now + Math.max(auditMs, (clock.now() - beganAt) * auditShare)
    }
    return [...this.#told.values()]
  }

  #look(now: number): void {
    const { collector, run, host, clockDriftMs } = this.#options
    const measured = collector.measured(now)
    // A server whose first reply is yet to come is slow so far, and nothing else is known of it.
    if (measured.windowMs < measuredMsMin || measured.completed === 0) return
    const record: AuditedRun = {
      ...run,
      endedAt: now,
      isExtended: false,
      clockDriftMs: clockDriftMs(),
      host: host(),
      interrupted: false,
    }
    const inputs = auditInputs(record, collector, totalsOf(collector), measured)
    const found = audit({ ...inputs, accounts: [] }).filter(
      ({ code, severity }) => severity !== 'note' && !atTheEnd.includes(code),
    )
    this.#told = new Map(
      found.map(({ code, message, hint }) => [code, this.#told.get(code) ?? `${code}: ${message}: ${hint}`]),
    )
  }
}
