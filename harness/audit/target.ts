import type { Quantiles } from '../metrics/snapshot.ts'
import { formatCount, formatDuration, plural } from '../units.ts'
import type { Finding } from './finding.ts'
import { limits } from './limits.ts'
import { connectionOutage, type Outage } from './outages.ts'
import { type SilenceInputs, silence } from './silence.ts'

/** The inputs of the checks of what became of the target, and of this process, over the run. */
export interface TargetInputs extends SilenceInputs {
  readonly response: Quantiles
}

/** Seconds by which a silence has to be longer than an outage of the connections to say more than that one. */
const tellsMoreSeconds = 1

/** A shorter outage is less than the tenth of a second to which its dates are rounded. */
const shownSecondsMin = 0.05

/** Checks 18 and 21 (docs/measurement.md): whether the target was there all the time, and whether this process ran. */
export function auditTarget(inputs: TargetInputs): Finding[] {
  return [...targetGone(inputs), ...clientStalled(inputs)]
}

function targetGone(inputs: TargetInputs): Finding[] {
  const outage = worstOf(connectionOutage(inputs), silence(inputs))
  if (outage === undefined) return []
  const { from, to, isAtEnd, what } = outage
  const length = to - from
  // A run that never reconnects ends with its last connection.
  const lasting = length < shownSecondsMin ? '' : `, for ${formatDuration(length * 1000)}`
  return [
    {
      code: 'target-gone',
      severity: isAtEnd ? 'invalid' : 'suspect',
      message: isAtEnd
        ? `the server ${what} from second ${formatSecond(from)} to the end${lasting}: it did not come back`
        : `the server ${what} from second ${formatSecond(from)} to ${formatSecond(to)}, and came back`,
      hint: isAtEnd
        ? 'look in its log for why it ended or hangs (dmesg names the victims of the OOM killer); the figures mix the time before and after'
        : 'the figures include the outage: look in its log for a restart, a reload or a pause',
      value: length,
      limit: 0,
    },
  ]
}

/** The one at the end, else the longer: a server that hangs may lose its connections only later, or for a part of the time. */
function worstOf(ofConnections: Outage | undefined, silent: Outage | undefined): Outage | undefined {
  if (ofConnections === undefined || silent === undefined) return ofConnections ?? silent
  if (ofConnections.isAtEnd !== silent.isAtEnd) return ofConnections.isAtEnd ? ofConnections : silent
  const lengthOf = ({ from, to }: Outage) => to - from
  return lengthOf(silent) > lengthOf(ofConnections) + tellsMoreSeconds ? silent : ofConnections
}

function clientStalled({ stall, response }: TargetInputs): Finding[] {
  if (stall === undefined || stall.ms < limits.stallMs || response.max < stall.ms / 2) return []
  const { ms, atMs, requests } = stall
  return [
    {
      code: 'client-stalled',
      severity: 'suspect',
      message: `this process stood still for ${formatDuration(ms)} at second ${formatSecond(atMs / 1000)} (limit ${limits.stallMs} ms): ${plural(requests, 'request')} waited for us, not for the server`,
      hint: `${touched(stall, response)} not the server's: the process was stopped, the machine suspended or too busy; run again`,
      value: ms,
      limit: limits.stallMs,
    },
  ]
}

/** The quantiles that requests which waited for a stall can have made. */
function touched({ ms, requests }: { ms: number; requests: number }, response: Quantiles): string {
  const beyond = { p50: 0.5, p90: 0.1, p99: 0.01, p999: 0.001 } as const
  const names = Object.entries(beyond).flatMap(([name, share]) => {
    const value = response[name as keyof typeof beyond]
    const isMade = value !== undefined && value >= ms / 2 && requests >= share * response.count
    return isMade ? [name === 'p999' ? 'p99.9' : name] : []
  })
  return names.length === 0 ? 'max is' : `${names.join(', ')} and max are`
}

function formatSecond(second: number): string {
  return formatCount(Math.round(second * 10) / 10)
}
