import type { Finding } from './finding.ts'

/** What is known of the deliveries of a run, all of it, warm-up and the moment after the end included. */
export interface DeliveriesInputs {
  readonly count: number
  /** Messages that were sent, and those of them that were acknowledged: each goes to all others. */
  readonly sent: number
  readonly acknowledged: number
  /** Connections besides a sender's own. */
  readonly others: number
  /** Deliveries that may be missing, as a server need not have taken a connection before its first message. */
  readonly possiblyMissed: number
  /** What a server of ours counted. */
  readonly serverSent?: number | undefined
  /** Why it is not known how many were to come. */
  readonly inexact?: string | undefined
}

/** Whether every message that was acknowledged came to all others, as far as that can be known. */
export function auditDeliveries(inputs: DeliveriesInputs): Finding[] {
  const { count, sent, acknowledged, others, possiblyMissed, serverSent, inexact } = inputs
  const [least, most] = [acknowledged * others, sent * others]
  const finding = (severity: Finding['severity'], limit: number, message: string, hint: string): Finding[] => {
    return [{ code: 'deliveries', severity, message, hint, value: count, limit }]
  }
  if (inexact !== undefined) {
    if (count === least && (serverSent ?? count) === count) return []
    const hint = 'that need be no loss; with connections that stand from the start to the end it would be known'
    return finding('note', least, `${count} deliveries came, about ${least} were expected, but ${inexact}`, hint)
  }
  if (serverSent !== undefined && count !== serverSent) {
    const hint = 'were they lost on their way, or does another client use the same server?'
    return finding('suspect', serverSent, `${count} deliveries came, and the server counted ${serverSent}`, hint)
  }
  if (count > most) {
    const hint = 'does another client use the same server, or does it send messages twice?'
    return finding('suspect', most, `${count} deliveries came of ${sent} messages to ${others} others each`, hint)
  }
  const missing = least - count
  if (missing <= 0) return []
  const message = `${missing} of ${least} deliveries did not come: ${acknowledged} messages were acknowledged, with ${others} others each`
  if (missing <= possiblyMissed) {
    return finding('note', least, message, 'the server may have taken some connections after the first messages')
  }
  return finding('suspect', least, message, 'the server loses messages, or does not send them to every connection')
}
