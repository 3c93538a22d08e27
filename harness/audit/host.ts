import type { HostDifference } from '../host/counters.ts'
import type { DelayedMode, StandingDelay } from '../metrics/statistics/modes.ts'
import { formatCount, formatPercent, plural } from '../units.ts'
import type { Finding } from './finding.ts'
import { limits } from './limits.ts'

/** The machine's counters over the run; those of TCP count the connections of every program. */
export interface HostInputs {
  readonly host: HostDifference
  /** Segments that the run's own connections retransmitted, where the transport knows. */
  readonly ownRetransmits?: number | undefined
  /** The run used UDP, which does not retransmit. */
  readonly overUdp?: boolean | undefined
  readonly completed: number
  /** Peaks of the response times at the delays that TCP adds. */
  readonly modes: readonly DelayedMode[]
  /** Most of the replies take as long as one of those delays. */
  readonly standing?: StandingDelay | undefined
}

/** What to do about each delay that TCP adds. */
const modeHints: Readonly<Record<DelayedMode['name'], string>> = {
  'delayed ACK': 'small writes that wait for an acknowledgement look like this: set TCP_NODELAY in the server',
  'retransmission timeout': 'lost segments look like this: look for packet loss between client and server',
  'SYN retransmission': "lost SYNs look like this: look for packet loss, or raise the server's listen backlog",
}

/** From this share of the replies on it is all of them. */
const nearlyAll = 0.99

/**
 * Checks of the machine (docs/measurement.md): CPU time that went to others (6) and TCP retransmissions (14), or, over
 * UDP, datagrams that the machine itself dropped.
 */
export function auditHost(inputs: HostInputs): Finding[] {
  const findings: Finding[] = []
  const { stealShare = 0, throttledMs = 0 } = inputs.host
  if (stealShare > limits.steal) {
    findings.push({
      code: 'steal',
      severity: 'suspect',
      message: `the hypervisor gave ${formatPercent(stealShare)} of this machine's CPU time to others (limit ${formatPercent(limits.steal)})`,
      hint: 'the machine is shared: run again at a quieter time, or use another machine',
      value: stealShare,
      limit: limits.steal,
    })
  }
  if (throttledMs > limits.throttledMs) {
    findings.push({
      code: 'cpu-quota',
      severity: 'suspect',
      message: `the control group's CPU quota stopped this process for ${Math.round(throttledMs)} ms in total (limit ${limits.throttledMs} ms)`,
      hint: 'the quota is too small for the load: raise it, or lower the load',
      value: throttledMs,
      limit: limits.throttledMs,
    })
  }
  return [...findings, ...(inputs.overUdp ? lossFindings(inputs) : retransmitFindings(inputs))]
}

function lossFindings({ host: { udpErrors = 0, udpReceiveBufferErrors = 0 }, completed }: HostInputs): Finding[] {
  // One reply in a hundred lies beyond p99.
  const limit = limits.retransmits * 0.01 * completed
  if (udpErrors <= limit) return []
  const full = udpReceiveBufferErrors > 0 ? `, ${udpReceiveBufferErrors} of them because a receive buffer was full` : ''
  return [
    {
      code: 'datagrams',
      severity: 'suspect',
      message: `this machine itself dropped ${udpErrors} datagrams (limit ${formatCount(limit)})${full}`,
      hint: 'they count as lost although the network did not lose them: raise net.core.rmem_max and net.core.rmem_default, or lower the load',
      value: udpErrors,
      limit,
    },
  ]
}

function retransmitFindings(inputs: HostInputs): Finding[] {
  const { host, ownRetransmits, completed, modes } = inputs
  const { retransmits = 0, tcpTimeouts = 0 } = host
  const resent = ownRetransmits ?? retransmits
  // One reply in a hundred lies beyond p99; a single retransmission is no share of anything.
  const limit = Math.max(1, limits.retransmits * 0.01 * completed)
  if (resent <= limit) return delayNotes(inputs)
  const whose =
    ownRetransmits === undefined ? ' on this machine, by this run or by other programs' : " on this run's connections"
  const named = modes.map(({ name, offsetMs }) => `${name} (+${offsetMs} ms)`).join(', ')
  const timeouts = tcpTimeouts > 0 ? `; the whole machine counted ${plural(tcpTimeouts, 'timeout')} of TCP` : ''
  const shown = named === '' ? '' : `; the response times show ${named}`
  return [
    {
      code: 'retransmits',
      severity: 'suspect',
      message: `${plural(resent, 'TCP segment')} ${resent === 1 ? 'was' : 'were'} retransmitted${whose} (limit ${formatCount(limit)})${timeouts}${shown}`,
      hint:
        ownRetransmits === undefined
          ? 'the slowest replies may show the network rather than the server: look for packet loss, and close other programs that use the network'
          : 'the slowest replies show the network rather than the server: look for packet loss or full queues',
      value: resent,
      limit,
    },
  ]
}

/** Delays of TCP that the response times show although little or nothing was retransmitted. */
function delayNotes({ modes: [mode], standing }: HostInputs): Finding[] {
  if (standing !== undefined) {
    const { offsetMs, name, share } = standing
    const who = share > nearlyAll ? 'every reply takes' : `${formatPercent(share)} of the replies take`
    const message = `${who} ${offsetMs} ms, as with ${name}`
    return [{ code: 'retransmits', severity: 'note', message, hint: modeHints[name], value: share, limit: 0 }]
  }
  if (mode === undefined) return []
  const { count, name, offsetMs } = mode
  const message = `${count} response times are ${offsetMs} ms above the median, as with ${name}`
  return [{ code: 'retransmits', severity: 'note', message, hint: modeHints[name], value: count, limit: 0 }]
}
