import type { FailureCounts } from '../failures.ts'
import type { Quantiles } from '../metrics/snapshot.ts'
import { quantilesWithInterval } from '../metrics/timeSeries.ts'
import { formatPercent } from '../units.ts'
import { isUnsteady, orderByCause } from './causes.ts'
import { auditCeiling } from './ceiling.ts'
import { auditClosedLoop } from './closedLoop.ts'
import { auditDeliveries, type DeliveriesInputs } from './deliveries.ts'
import {
  areAllGivenUp,
  auditEnding,
  descriptorHint,
  type EndingInputs,
  failureList,
  handshakeHint,
  portHint,
  refusesHandshakes,
} from './endings.ts'
import { auditEvidence, type EvidenceInputs, isOnlyPass } from './evidence.ts'
import { type Finding, isDoubt } from './finding.ts'
import { auditHost, type HostInputs } from './host.ts'
import { limits } from './limits.ts'
import { auditCoreDistance, auditMachine, type MachineInputs } from './machine.ts'
import { auditPairing, type PairingInputs } from './pairing.ts'
import { auditRelay, type RelayInputs } from './relay.ts'
import { auditTarget, type TargetInputs } from './target.ts'
import { auditTimeSeries, type TimeSeriesInputs } from './timeSeries.ts'
import { auditWorkers, type WorkersInputs } from './workers.ts'

/** The inputs of the audit: plain figures, so that every check can be tested without a run. */
export interface AuditInputs {
  /** By worker: requests sent, completed, failed and in flight, each counted independently. */
  readonly accounts: readonly { sent: number; completed: number; failed: number; inFlight: number }[]
  /** The total that a reference server counted, and the totals that the client counted; absent for any other server. */
  readonly server?: { readonly requests: number; readonly sent: number; readonly answered: number } | undefined
  /** Why the run was ended before its time, or lost connections for good. */
  readonly ending?: EndingInputs | undefined
  /** By kind, for the whole run. */
  readonly failures?: FailureCounts
  /** A number of requests has ended the run, before its warm-up was over. */
  readonly endedInWarmup?: boolean
  /** Requests completed in the whole run, and in its measured part. */
  readonly completed: number
  readonly completedInWindow: number
  /** Failed requests and connects as a share of all requests and connects. */
  readonly errorShare: number
  readonly interrupted: boolean
  /** How much was measured. */
  readonly evidence: EvidenceInputs
  /** How far the wall clock and the monotonic clock moved apart during the run. */
  readonly clockDriftMs: number
  /** Cores that client and server used together; absent unless both ran on this machine. */
  readonly sharedCores?: number | undefined
  readonly cores: number
  /** Worker threads asked for and started. */
  readonly workers: WorkersInputs
  readonly response: Quantiles
  /** Mode rate, for the measured part. */
  readonly plan?: {
    readonly planned: number
    readonly sent: number
    readonly clientLag: Quantiles
    /** From sending to the reply. */
    readonly service: Quantiles
  }
  /** The measured part over time, and the machine's counters; absent when nothing was measured. */
  readonly timeSeries?: TimeSeriesInputs | undefined
  readonly host?: HostInputs | undefined
  /** What became of the target and of this process over the run. */
  readonly target?: TargetInputs | undefined
  /** What other programs did, and the client's ports. */
  readonly machine?: MachineInputs | undefined
  /** Frames that came unasked; absent while a run lasts. */
  readonly pairing?: PairingInputs | undefined
  /** Only with a relay, once it has ended. */
  readonly relay?: RelayInputs | undefined
  /** Only for protocols with deliveries: messages that no request asked for. */
  readonly deliveries?: DeliveriesInputs | undefined
}

/**
 * Audits a run that has ended: the findings of all checks, ordered by cause. Where no check found a problem, it looks
 * whether they could have found one. The list is empty when all is well.
 */
export function audit(inputs: AuditInputs): Finding[] {
  const found = findingsOf(inputs)
  return orderByCause(found.some(isDoubt) ? found : [...found, ...auditEvidence(inputs.evidence)])
}

/** The findings of every check, in no order. */
export function findingsOf(inputs: AuditInputs): Finding[] {
  // What came of a pass over the steps is its answer; of its few milliseconds only the accounts say something.
  if (isOnlyPass(inputs.evidence)) return accountsOf(inputs)
  const found = withCoreDistance(findingsOfLoad(inputs), inputs)
  const { hasStages, hasGroups = false } = inputs.evidence
  const inStages = hasStages ? found.map(withStages) : found
  return hasGroups ? inStages.map(withGroups) : inStages
}

/** Why the figures of a run changed in its course, where no other program explains it. */
function withCoreDistance(found: Finding[], { machine }: AuditInputs): Finding[] {
  const isExplained = found.some(finding => finding.code === 'machine-busy' && isDoubt(finding))
  if (machine === undefined || isExplained || !found.some(isUnsteady)) return found
  const { seconds = [], secondsOfRun = [] } = machine
  const inMeasuredPart = auditCoreDistance(seconds)
  if (inMeasuredPart.length > 0) return [...found, ...inMeasuredPart]
  // What differed before the measured part was taken for a warm-up.
  const isBefore = found.some(finding => finding.code === 'warm-up' && isDoubt(finding))
  return isBefore ? [...found, ...auditCoreDistance(secondsOfRun)] : found
}

function accountsOf(inputs: AuditInputs): Finding[] {
  const { pairing, deliveries } = inputs
  return [
    ...conservation(inputs),
    ...(pairing === undefined ? [] : auditPairing(pairing)),
    ...(deliveries === undefined ? [] : auditDeliveries(deliveries)),
  ]
}

/** Beside stages there is no -d, and where they set the connections no -c. */
function withStages(finding: Finding): Finding {
  const hint = finding.hint
    .replace('run longer (-d)', 'make load.stages longer')
    .replace('connections (-c)', 'connections')
  return { ...finding, hint }
}

/** Groups have connections of their own, which -c does not set. */
function withGroups(finding: Finding): Finding {
  return { ...finding, hint: finding.hint.replace('connections (-c)', 'connections in clients') }
}

function findingsOfLoad(inputs: AuditInputs): Finding[] {
  const { ending, failures = {} } = inputs
  const endings = ending === undefined ? [] : auditEnding(ending, failures)
  const isEnded = ending !== undefined && (ending.cutShort !== undefined || areAllGivenUp(ending))
  // A server that was never there cannot be gone: that no connection was ever ready says it better.
  const wasThere = !isEnded || ending.hasConnected
  const isRefusing = ending !== undefined && refusesHandshakes(ending)
  const ofTarget = inputs.target === undefined || !wasThere ? [] : auditTarget(inputs.target)
  const ofAnyRun = [
    ...(inputs.machine === undefined ? [] : auditMachine(inputs.machine)),
    ...ofTarget.map(finding =>
      isRefusing && finding.code === 'target-gone' ? { ...finding, hint: handshakeHint } : finding,
    ),
    ...conservation(inputs),
    ...clock(inputs),
    ...(inputs.pairing === undefined ? [] : auditPairing(inputs.pairing)),
  ]
  // What has ended the run accounts for all else that is odd about it.
  if (isEnded) return [...ofAnyRun, ...endings]
  return [
    ...ofAnyRun,
    ...endings,
    ...(inputs.deliveries === undefined ? [] : auditDeliveries(inputs.deliveries)),
    ...(inputs.relay === undefined ? [] : auditRelay(inputs.relay)),
    ...censoring(inputs),
    ...rate(inputs),
    ...clientLag(inputs),
    ...errors(inputs),
    ...localContention(inputs),
    ...auditWorkers(inputs.workers),
    ...(inputs.timeSeries === undefined
      ? []
      : [
          ...auditTimeSeries(inputs.timeSeries),
          ...auditCeiling(inputs.timeSeries),
          ...auditClosedLoop(inputs.timeSeries),
        ]),
    ...(inputs.host === undefined ? [] : auditHost(inputs.host)),
  ]
}

function conservation({ accounts, server }: AuditInputs): Finding[] {
  const findings: Finding[] = []
  accounts.forEach(({ sent, completed, failed, inFlight }, index) => {
    const accounted = completed + failed + inFlight
    // The counters wrap at 2^32, and so does their sum.
    if ((sent - accounted) >>> 0 === 0) return
    findings.push({
      code: 'conservation',
      severity: 'invalid',
      message: `worker ${index + 1} sent ${sent} requests, but ${accounted} are accounted for`,
      hint: 'this is a bug in volley: please report it and attach report.json',
      value: sent,
      limit: accounted,
    })
  })
  // A server can have seen no more requests than were sent, and no fewer than were answered.
  if (server !== undefined && (server.requests > server.sent || server.requests < server.answered)) {
    const { requests, sent, answered } = server
    findings.push({
      code: 'conservation',
      severity: 'invalid',
      message: `the server counted ${requests} requests; ${sent} were sent to it and ${answered} answered`,
      hint: 'check that no other client uses this server, and that the protocol splits messages as the server does',
      value: requests,
      limit: requests > sent ? sent : answered,
    })
  }
  return findings
}

function censoring({ response }: AuditInputs): Finding[] {
  const { censored = 0, count, lowerBounds = [] } = response
  const share = censored / (count + censored)
  const touched = Object.entries(quantilesWithInterval).filter(
    ([name, q]) => response[name as keyof typeof quantilesWithInterval] !== undefined && share > (1 - q) / 10,
  )
  const [first] = touched
  if (censored === 0 || first === undefined) return []
  const [name, q] = first
  const limit = (1 - q) / 10
  const bounded = lowerBounds.filter(name => name !== 'max')
  const bounds = bounded.length === 0 ? '' : `; only lower bounds are known for ${bounded.join(', ')}`
  return [
    {
      code: 'censoring',
      severity: 'suspect',
      message: `${formatPercent(share)} of the requests have no reply (limit ${formatPercent(limit)}), which affects the quantiles from ${name} up${bounds}`,
      hint: 'see the failures by kind: lower the load, or raise the timeout (--timeout) if the server is only slow',
      value: share,
      limit,
    },
  ]
}

function rate({ plan, interrupted }: AuditInputs): Finding[] {
  if (plan === undefined || plan.planned === 0 || interrupted) return []
  const { planned, sent } = plan
  const missing = 1 - sent / planned
  // One request more or less at the edges of the measured part is no share of anything.
  if (Math.abs(missing) <= limits.rateSuspect || Math.abs(planned - sent) <= 1) return []
  const isInvalid = Math.abs(missing) > limits.rateInvalid
  const limit = isInvalid ? limits.rateInvalid : limits.rateSuspect
  return [
    {
      code: 'rate',
      severity: isInvalid ? 'invalid' : 'suspect',
      message: `${formatPercent(sent / planned)} of the planned requests were sent (limit ${formatPercent(1 - limit)})`,
      hint: 'the others found no free connection: lower the rate (-R), or raise connections (-c) or load.pipeline',
      value: missing,
      limit,
    },
  ]
}

/**
 * Client lag makes response times longer. Requests that left late need not be the slow ones: where the quantile of the
 * times from sending is nearly that of the response times, lag has no part in it, however large its own quantile is.
 */
function clientLag({ plan, response }: AuditInputs): Finding[] {
  if (plan === undefined) return []
  const shares = (['p50', 'p99'] as const).flatMap(name => {
    const lag = plan.clientLag[name]
    const whole = response[name]
    if (lag === undefined || whole === undefined || whole === 0) return []
    const fromSending = plan.service[name] ?? 0
    return [{ name, share: Math.min(lag, Math.max(0, whole - fromSending)) / whole }]
  })
  const worst = shares.sort((a, b) => b.share - a.share)[0]
  if (worst === undefined || worst.share <= limits.lagSuspect) return []
  const isInvalid = worst.share > limits.lagInvalid
  const limit = isInvalid ? limits.lagInvalid : limits.lagSuspect
  return [
    {
      code: 'client-lag',
      severity: isInvalid ? 'invalid' : 'suspect',
      message: `client lag is ${formatPercent(worst.share)} of the ${worst.name} response time (limit ${formatPercent(limit)})`,
      hint: 'requests left later than planned: close other programs, or lower the rate (-R)',
      value: worst.share,
      limit,
    },
  ]
}

function errors(inputs: AuditInputs): Finding[] {
  const { completed, completedInWindow, errorShare: value, interrupted } = inputs
  if (completedInWindow === 0 && !interrupted) {
    return [
      {
        code: 'errors',
        severity: 'invalid',
        message: `not one request was completed${completed === 0 ? '' : ' after the warm-up'}`,
        hint: emptyHint(inputs),
        value,
        limit: limits.errorsSuspect,
      },
    ]
  }
  if (value <= limits.errorsSuspect) return []
  return [
    {
      code: 'errors',
      severity: 'suspect',
      message: `${formatPercent(value)} of all requests and connects failed (limit ${formatPercent(limits.errorsSuspect)})`,
      hint: 'see the failures by kind; requests with a wrong reply are not in the latencies',
      value,
      limit: limits.errorsSuspect,
    },
  ]
}

/** Why nothing was completed in the measured part, and what to do. */
function emptyHint({ completed, failures = {}, endedInWarmup }: AuditInputs): string {
  if (completed === 0) {
    return 'check the protocol: the failures by kind, --once and "volley talk" show what the server answers'
  }
  if (endedInWarmup) {
    return 'the run ended during its warm-up: ask for more requests (-n), or a shorter warm-up (--warmup)'
  }
  const { 'no-free-port': ports = 0, 'no-descriptor': descriptors = 0 } = failures
  if (ports > 0) return portHint
  if (descriptors > 0) return descriptorHint
  const isKnown = Object.keys(failures).length > 0
  return `the server answered, and then stopped${failureList(failures)}: ${isKnown ? 'see its log' : 'see whether it still runs'}`
}

function clock({ clockDriftMs }: AuditInputs): Finding[] {
  if (Math.abs(clockDriftMs) <= limits.clockDriftMs) return []
  return [
    {
      code: 'clock',
      severity: 'invalid',
      message: `the wall clock and the monotonic clock moved apart by ${Math.round(clockDriftMs)} ms (limit ${limits.clockDriftMs} ms)`,
      hint: 'the machine was suspended or its clock was set: run again',
      value: clockDriftMs,
      limit: limits.clockDriftMs,
    },
  ]
}

function localContention({ sharedCores, cores }: AuditInputs): Finding[] {
  if (sharedCores === undefined || sharedCores <= limits.coresInUse * cores) return []
  return [
    {
      code: 'local-contention',
      severity: 'note',
      message: `client and server together used ${formatPercent(sharedCores / cores)} of this machine's CPU (limit ${formatPercent(limits.coresInUse)})`,
      hint: 'each takes CPU from the other; compare servers by their CPU per request',
      value: sharedCores / cores,
      limit: limits.coresInUse,
    },
  ]
}
