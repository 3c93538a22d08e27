import { plural } from '../units.ts'
import type { Finding } from './finding.ts'

/** Counts of deliveries over the whole run, including the warm-up and the drain after the end. */
export interface DeliveriesInputs {
  readonly count: number
  /** Messages sent, and those acknowledged; the server sends each to all other connections. */
  readonly sent: number
  readonly acknowledged: number
  /** Connections other than the sender's. */
  readonly others: number
  /** Deliveries that may be missing because the server had not yet accepted a connection. */
  readonly possiblyMissed: number
  /** Counted by a reference server. */
  readonly serverSent?: number | undefined
  /** Why the expected number is not exact. */
  readonly inexact?: string | undefined
  /** Pieces of deliveries that came later than their beginning. */
  readonly pieces?: number | undefined
}

/** Checks that every acknowledged message reached all other connections, as far as that can be known. */
export function auditDeliveries(inputs: DeliveriesInputs): Finding[] {
  const { count, sent, acknowledged, others, possiblyMissed, serverSent, inexact } = inputs
  const [least, most] = [acknowledged * others, sent * others]
  const finding = (severity: Finding['severity'], limit: number, message: string, hint: string): Finding[] => {
    return [{ code: 'deliveries', severity, message, hint, value: count, limit }]
  }
  if (inexact !== undefined) {
    if (count === least && (serverSent ?? count) === count) return []
    const hint = 'this may be no loss: keep every connection open for the whole run to know the exact number'
    return finding('note', least, `${count} deliveries arrived and about ${least} were expected, but ${inexact}`, hint)
  }
  if (serverSent !== undefined && count !== serverSent) {
    const hint =
      'check that no other client uses this server; if none does, deliveries were lost or repeated on the way'
    return finding('suspect', serverSent, `${count} deliveries arrived, but the server counted ${serverSent}`, hint)
  }
  if (count > most) {
    const hint = 'check that no other client uses this server, and that it does not send messages twice'
    return finding(
      'suspect',
      most,
      `${count} deliveries arrived, but ${sent} messages to ${plural(others, 'other connection')} each make at most ${most}`,
      hint,
    )
  }
  const missing = least - count
  if (missing <= 0) return []
  const message = `${missing} of ${least} deliveries did not arrive: ${acknowledged} messages were acknowledged, each due at ${plural(others, 'other connection')}`
  if (missing <= possiblyMissed) {
    return finding(
      'note',
      least,
      message,
      'this is no loss if the server accepted some connections only after the first messages were sent',
    )
  }
  return finding(
    'suspect',
    least,
    message,
    'the server lost messages or did not send them to every connection: check its log for dropped clients',
  )
}
