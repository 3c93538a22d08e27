import type { HostDifference } from '../host/counters.ts'
import type { DelayedMode } from '../metrics/statistics/modes.ts'
import { formatCount, formatPercent } from '../units.ts'
import type { Finding } from './finding.ts'
import { limits } from './limits.ts'

/** The machine's counters over the run. */
export interface HostInputs {
  readonly host: HostDifference
  /** Segments that the run's own connections retransmitted, where the transport knows. */
  readonly ownRetransmits?: number | undefined
  /** The run used UDP, which does not retransmit. */
  readonly overUdp?: boolean | undefined
  readonly completed: number
  /** Peaks of the response times at the delays that TCP adds. */
  readonly modes: readonly DelayedMode[]
}

/** What to do about each delay that TCP adds. */
const modeHints: Readonly<Record<DelayedMode['name'], string>> = {
  'delayed ACK': 'small writes that wait for an acknowledgement look like this: set TCP_NODELAY in the server',
  'retransmission timeout': 'lost segments look like this: look for packet loss between client and server',
  'SYN retransmission': "lost SYNs look like this: look for packet loss, or raise the server's listen backlog",
}

/**
 * Checks of the machine (docs/measurement.md): CPU time that went to others (6) and TCP retransmissions (14), or, over
 * UDP, datagrams that the machine itself dropped.
 */
export function auditHost(inputs: HostInputs): Finding[] {
  const findings: Finding[] = []
  const { stealShare = 0, throttledMs = 0 } = inputs.host
  if (stealShare > limits.steal) {
    findings.push({
      code: 'generator-busy',
      severity: 'suspect',
      message: `the hypervisor gave ${formatPercent(stealShare)} of this machine's CPU time to others (limit ${formatPercent(limits.steal)})`,
      hint: 'the machine is shared: run again at a quieter time, or use another machine',
      value: stealShare,
      limit: limits.steal,
    })
  }
  if (throttledMs > limits.throttledMs) {
    findings.push({
      code: 'generator-busy',
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

function retransmitFindings({ host, ownRetransmits, completed, modes }: HostInputs): Finding[] {
  const findings: Finding[] = []
  const { retransmits = 0, tcpTimeouts = 0 } = host
  const resent = ownRetransmits ?? retransmits
  // One reply in a hundred lies beyond p99.
  const limit = limits.retransmits * 0.01 * completed
  if (tcpTimeouts > 0 || resent > limit) {
    const named = modes.map(({ name, offsetMs }) => `${name} (+${offsetMs} ms)`).join(', ')
    findings.push({
      code: 'retransmits',
      severity: 'suspect',
      message: `${resent} TCP segments were retransmitted (limit ${formatCount(limit)}), ${tcpTimeouts} after a timeout (limit 0)${named === '' ? '' : `; the response times show ${named}`}`,
      hint: 'p99 and above show the network rather than the server: look for packet loss or full queues',
      value: resent,
      limit,
    })
  } else if (modes.length > 0) {
    const { count, name, offsetMs } = modes[0]!
    findings.push({
      code: 'retransmits',
      severity: 'note',
      message: `${count} response times are ${offsetMs} ms above the median, as with ${name}`,
      hint: modeHints[name],
      value: count,
      limit: 0,
    })
  }
  return findings
}
