import type { FailureCounts, FailureKind } from '../failures.ts'
import { formatCount, formatSetting, plural } from '../units.ts'
import type { Finding } from './finding.ts'

/** Why a run was ended before its time, and for how long it had been so. */
export interface CutShort {
  /** `stuck`: no request got further. `unconnected`: no connection was ever ready for a request. */
  readonly reason: 'stuck' | 'unconnected'
  readonly forMs: number
}

/** Connections that are not opened again. */
export interface GivenUp {
  readonly count: number
  /** Connections of the run. */
  readonly of: number
  /** Failures in a row after which one is given up. */
  readonly attempts: number
}

/** What the checks of a run's end look at. */
export interface EndingInputs {
  readonly cutShort?: CutShort | undefined
  readonly givenUp?: GivenUp | undefined
  /** Whether a connection was ever ready for a request. */
  readonly hasConnected: boolean
  /** Messages of handshakes that were sent. */
  readonly handshakes?: number
  readonly completed: number
  /** Of a run with a number of requests that has ended before its time: how many were sent, and how many should have been. */
  readonly counted?: { readonly sent: number; readonly wanted: number } | undefined
}

/** Check 15 (docs/measurement.md): whether the run was ended, or went on with fewer connections, as it could not go on. */
export function auditEnding(inputs: EndingInputs, failures: FailureCounts): Finding[] {
  return [...stuck(inputs, failures), ...givenUp(inputs, failures)]
}

/** Whether all connections were given up, which ends a run. */
export function areAllGivenUp({ givenUp }: EndingInputs): boolean {
  return givenUp !== undefined && givenUp.count >= givenUp.of
}

function stuck(inputs: EndingInputs, failures: FailureCounts): Finding[] {
  const { cutShort, completed, counted } = inputs
  if (cutShort === undefined) return []
  const { reason, forMs } = cutShort
  const wanted = counted?.wanted ?? completed
  const duration = formatSetting(forMs)
  const done = completed === 0 ? 'not one request' : `only ${formatCount(completed)} of ${formatCount(wanted)} requests`
  const stopped =
    reason === 'unconnected'
      ? {
          message: `no connection was ever ready for a request: for ${duration} every attempt failed${failureList(failures)}`,
          hint: `the run was ended: ${connectHint(inputs, failures)}`,
        }
      : {
          message: `${done} could be completed: for ${duration} every connection failed${failureList(failures)}`,
          hint: 'the run was ended: see what the server answers with "volley talk", and whether it still runs',
        }
  return [{ code: 'stuck', severity: 'invalid', ...stopped, value: completed, limit: wanted }]
}

function givenUp(inputs: EndingInputs, failures: FailureCounts): Finding[] {
  const { givenUp, counted } = inputs
  if (givenUp === undefined || givenUp.count === 0) return []
  const { count, of, attempts } = givenUp
  const isAll = areAllGivenUp(inputs)
  const isCut = counted !== undefined && counted.sent < counted.wanted
  const which = isAll ? plural(of, 'connection') : `${formatCount(count)} of ${plural(of, 'connection')}`
  const were = (isAll ? of : count) === 1 ? 'was' : 'were'
  const missing = isCut ? `; ${formatCount(counted.sent)} of ${formatCount(counted.wanted)} requests were sent` : ''
  return [
    {
      code: 'given-up',
      severity: isAll || isCut ? 'invalid' : 'suspect',
      message: `${isAll && of > 1 ? 'all ' : ''}${which} ${were} given up, after ${plural(attempts, 'failed attempt')} in a row${failureList(failures)}${missing}`,
      hint: `${isAll ? 'the run was ended' : 'the run went on without them'}: ${connectHint(inputs, failures)}; reconnect.attempts says how often to try`,
      value: count,
      limit: 0,
    },
  ]
}

/** Kinds of failures that come before there is a connection; all others are of its handshake. */
const connectKinds: readonly FailureKind[] = ['connect-refused', 'connect-timeout', 'connect-failed', 'unreachable']

/** What to do where connections cannot be opened, by the most frequent failure. */
function connectHint({ hasConnected, handshakes = 0 }: EndingInputs, failures: FailureCounts): string {
  const { 'no-free-port': ports = 0, 'no-descriptor': descriptors = 0 } = failures
  if (ports > 0) return portHint
  if (descriptors > 0) return descriptorHint
  const [most] = byCount(failures)
  return !refusesHandshakes({ hasConnected, handshakes }) && (most === undefined || connectKinds.includes(most[0]))
    ? 'see whether the server still listens at this address, and what its log says'
    : handshakeHint
}

export const handshakeHint =
  'the handshake fails: "volley talk FILE" shows what the server answers; check the key or the login, if there is one'

/** A server that takes messages of the handshake listens, though it may refuse the key or the login. */
export function refusesHandshakes({
  hasConnected,
  handshakes = 0,
}: Pick<EndingInputs, 'hasConnected' | 'handshakes'>): boolean {
  return !hasConnected && handshakes > 0
}

export const portHint =
  'this machine ran out of local ports: add sourceAddresses, or use connections for more than one request'
export const descriptorHint =
  'this machine ran out of file descriptors: raise "ulimit -n", or use fewer connections (-c)'

/** The failures for the end of a sentence: ` (connect-refused 22, reset 4)`, the most frequent first. */
export function failureList(failures: FailureCounts): string {
  const kinds = byCount(failures)
  return kinds.length === 0 ? '' : ` (${kinds.map(([kind, count]) => `${kind} ${formatCount(count)}`).join(', ')})`
}

function byCount(failures: FailureCounts): [FailureKind, number][] {
  return (Object.entries(failures) as [FailureKind, number][]).sort(([, a], [, b]) => b - a)
}
