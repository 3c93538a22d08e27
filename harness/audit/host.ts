import type { HostDifference } from '../host/counters.ts'
import type { DelayedMode } from '../metrics/statistics/modes.ts'
import { type Finding, percent } from './finding.ts'
import { limits } from './limits.ts'

/** What the machine did during the run. */
export interface HostInputs {
  readonly host: HostDifference
  /** Segments that the run's own connections sent anew, where the transport can tell. */
  readonly ownRetransmits?: number | undefined
  /** The run's own traffic is datagrams, which nobody sends anew. */
  readonly overUdp?: boolean | undefined
  readonly completed: number
  /** Bumps of the response times where the network's own delays would put them. */
  readonly modes: readonly DelayedMode[]
}

/**
 * Checks of the machine: what it withheld from us (6), and what the network sent anew (14; measurement, section 2), or over
 * UDP what the machine itself lost.
 */
export function auditHost(inputs: HostInputs): Finding[] {
  const findings: Finding[] = []
  const { stealShare = 0, throttledMs = 0 } = inputs.host
  if (stealShare > limits.steal) {
    findings.push({
      code: 'generator-busy',
      severity: 'suspect',
      message: `the hypervisor gave ${percent(stealShare)} of this machine's time to others (limit ${percent(limits.steal)})`,
      hint: 'the machine is shared: compare in pairs (volley ab), or take another',
      value: stealShare,
      limit: limits.steal,
    })
  }
  if (throttledMs > limits.throttledMs) {
    findings.push({
      code: 'generator-busy',
      severity: 'suspect',
      message: `the control group held this process up for ${Math.round(throttledMs)} ms in all`,
      hint: 'its CPU quota is too small for the load: raise it, or lower the load',
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
  const full = udpReceiveBufferErrors > 0 ? `, ${udpReceiveBufferErrors} of them for want of room to receive them` : ''
  return [
    {
      code: 'datagrams',
      severity: 'suspect',
      message: `this machine lost ${udpErrors} datagrams itself${full}`,
      hint: 'they are counted as lost, but no network lost them: raise net.core.rmem_max and rmem_default, or lower the load',
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
      message: `${resent} segments were sent anew, ${tcpTimeouts} after a timeout${named === '' ? '' : `; the response times show ${named}`}`,
      hint: 'p99 and beyond are those of the network, not of the server: look for loss, or for full queues',
      value: resent,
      limit,
    })
  } else if (modes.length > 0) {
    const [first] = modes
    findings.push({
      code: 'retransmits',
      severity: 'note',
      message: `${first!.count} response times lie where ${first!.name} puts them, at +${first!.offsetMs} ms`,
      hint: 'small writes that wait for an acknowledgement look like this: does the server set TCP_NODELAY?',
      value: first!.count,
      limit: 0,
    })
  }
  return findings
}
