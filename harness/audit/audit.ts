import type { Quantiles } from '../metrics/snapshot.ts'
import { quantilesWithInterval } from '../metrics/timeSeries.ts'
import { auditCeiling } from './ceiling.ts'
import { auditDeliveries, type DeliveriesInputs } from './deliveries.ts'
import { type Finding, percent } from './finding.ts'
import { auditHost, type HostInputs } from './host.ts'
import { limits } from './limits.ts'
import { auditTimeSeries, type TimeSeriesInputs } from './timeSeries.ts'

/** What the audit looks at; plain figures, so that every check can be tried without a run. */
export interface AuditInputs {
  /** By worker: what was sent and what became of it, each counted for itself. */
  readonly accounts: readonly { sent: number; completed: number; failed: number; inFlight: number }[]
  /** What a server of ours counted in all, and what was sent to it in all; absent for another server. */
  readonly server?: { readonly requests: number; readonly sent: number; readonly answered: number } | undefined
  /** In the whole run, and in the measured part of it. */
  readonly completed: number
  readonly completedInWindow: number
  /** All that failed out of all that was tried. */
  readonly errorShare: number
  readonly interrupted: boolean
  /** How far the wall clock and the monotonic clock went apart over the run. */
  readonly clockDriftMs: number
  /** Cores that client and server used together, where both ran on this machine. */
  readonly sharedCores?: number | undefined
  readonly cores: number
  readonly response: Quantiles
  /** Mode rate, of the measured part. */
  readonly plan?: { readonly planned: number; readonly sent: number; readonly clientLag: Quantiles }
  /** How the measured part went on, and what the machine did meanwhile; absent where nothing was measured. */
  readonly timeSeries?: TimeSeriesInputs | undefined
  readonly host?: HostInputs | undefined
  /** Where the protocol has messages that come without being asked for. */
  readonly deliveries?: DeliveriesInputs | undefined
}

/** Holds a run against itself; an empty list is a run that passed every check. */
export function audit(inputs: AuditInputs): Finding[] {
  return [
    ...conservation(inputs),
    ...(inputs.deliveries === undefined ? [] : auditDeliveries(inputs.deliveries)),
    ...censoring(inputs),
    ...rate(inputs),
    ...clientLag(inputs),
    ...errors(inputs),
    ...clock(inputs),
    ...localContention(inputs),
    ...(inputs.timeSeries === undefined
      ? []
      : [...auditTimeSeries(inputs.timeSeries), ...auditCeiling(inputs.timeSeries)]),
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
      hint: 'this is a fault of volley itself: please report it with the report file',
      value: sent,
      limit: accounted,
    })
  })
  // A server cannot have seen more than was sent, nor less than was answered.
  if (server !== undefined && (server.requests > server.sent || server.requests < server.answered)) {
    const { requests, sent, answered } = server
    findings.push({
      code: 'conservation',
      severity: 'invalid',
      message: `the server counted ${requests} requests; ${sent} were sent to it and ${answered} answered`,
      hint: 'does another client use the same server, or does the protocol frame messages otherwise?',
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
  const bounds = lowerBounds.length === 0 ? '' : `; ${lowerBounds.join(', ')} can only be bounded from below`
  return [
    {
      code: 'censoring',
      severity: 'suspect',
      message: `${percent(share)} of the requests have no reply, which the quantiles from ${first[0]} up feel${bounds}`,
      hint: 'the server is too slow for its timeout, loses requests, or stood still at the end',
      value: share,
      limit: (1 - first[1]) / 10,
    },
  ]
}

function rate({ plan, interrupted }: AuditInputs): Finding[] {
  if (plan === undefined || plan.planned === 0 || interrupted) return []
  const { planned, sent } = plan
  const missing = 1 - sent / planned
  if (Math.abs(missing) <= limits.rateSuspect) return []
  const isInvalid = Math.abs(missing) > limits.rateInvalid
  const limit = isInvalid ? limits.rateInvalid : limits.rateSuspect
  return [
    {
      code: 'rate',
      severity: isInvalid ? 'invalid' : 'suspect',
      message: `${percent(sent / planned)} of the planned requests were sent (limit ${percent(1 - limit)})`,
      hint: 'the server or the connections hold them back: lower the rate, or raise connections or pipeline',
      value: missing,
      limit,
    },
  ]
}

function clientLag({ plan, response }: AuditInputs): Finding[] {
  if (plan === undefined) return []
  const shares = (['p50', 'p99'] as const).flatMap(name => {
    const lag = plan.clientLag[name]
    const whole = response[name]
    return lag === undefined || whole === undefined || whole === 0 ? [] : [{ name, share: lag / whole }]
  })
  const worst = shares.sort((a, b) => b.share - a.share)[0]
  if (worst === undefined || worst.share <= limits.lagSuspect) return []
  const isInvalid = worst.share > limits.lagInvalid
  const limit = isInvalid ? limits.lagInvalid : limits.lagSuspect
  return [
    {
      code: 'client-lag',
      severity: isInvalid ? 'invalid' : 'suspect',
      message: `${worst.name} of our own lag is ${percent(worst.share)} of the ${worst.name} response (limit ${percent(limit)})`,
      hint: 'close other programs, or lower the rate',
      value: worst.share,
      limit,
    },
  ]
}

function errors({ completed, completedInWindow, errorShare: value, interrupted }: AuditInputs): Finding[] {
  if (completedInWindow === 0 && !interrupted) {
    const none = completed === 0
    return [
      {
        code: 'errors',
        severity: 'invalid',
        message: none ? 'not one request was completed' : 'not one request was completed after the warm-up',
        hint: none
          ? 'is the protocol right? The failures by kind, "load: { mode: once }" and "volley talk" show what the server answers'
          : 'the run ended before its warm-up did: ask for more requests, or for less warm-up',
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
      message: `${percent(value)} of what was tried failed (limit ${percent(limits.errorsSuspect)})`,
      hint: 'the latencies are those of the requests that did not fail; see the failures by kind',
      value,
      limit: limits.errorsSuspect,
    },
  ]
}

function clock({ clockDriftMs }: AuditInputs): Finding[] {
  if (Math.abs(clockDriftMs) <= limits.clockDriftMs) return []
  return [
    {
      code: 'clock',
      severity: 'invalid',
      message: `the wall clock and the monotonic clock went ${Math.round(clockDriftMs)} ms apart`,
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
      message: `client and server used ${percent(sharedCores / cores)} of this machine together`,
      hint: 'the throughput is that of both; compare the server by its CPU per request',
      value: sharedCores / cores,
      limit: limits.coresInUse,
    },
  ]
}
