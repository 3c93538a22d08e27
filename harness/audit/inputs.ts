import type { Collector } from '../metrics/collector.ts'
import { field } from '../metrics/slab.ts'
import { createProtocol } from '../protocols/catalog.ts'
import type { RunRecord } from '../report/assemble.ts'
import type { Totals } from '../report/record.ts'
import type { DeliveriesInputs } from './deliveries.ts'

/** What the audit looks at of deliveries; undefined where the protocol has none, or the run could not go on to its end. */
export function deliveriesInputs(run: RunRecord, collector: Collector, totals: Totals): DeliveriesInputs | undefined {
  const { scenario, workers } = run.facts
  if (createProtocol(scenario.protocol).delivery === undefined || run.error !== undefined) return undefined
  const { handshakes, heartbeats } = totals
  const inexact = inexactReason(run, collector, totals)
  return {
    count: collector.total(field.deliveries) + collector.total(field.deliveriesAfter),
    sent: totals.sent + handshakes.sent + heartbeats.sent,
    acknowledged: totals.completed + handshakes.completed + heartbeats.completed + collector.total(field.answeredApart),
    others: scenario.connections - 1,
    // A worker knows of its own connections only; those of the others miss as many.
    possiblyMissed: collector.total(field.possiblyMissed) * workers,
    serverSent: run.serverDeliveries,
    ...(inexact !== undefined && { inexact }),
  }
}

/** Why it is not known how many deliveries were to come: each is to those connections that stand at that moment. */
function inexactReason(run: RunRecord, collector: Collector, totals: Totals): string | undefined {
  const { scenario, workers } = run.facts
  const { connections, load, requests } = scenario
  if (totals.handshakes.sent > 0) return 'messages were sent while connections were being opened'
  if (load.stages?.some(stage => stage.connections !== undefined)) return 'connections came and went in stages'
  const haveStood = totals.connects === connections && collector.level(field.open) === connections
  if (!haveStood) return 'connections came or went meanwhile'
  if (workers > 1 && requests !== undefined) return 'one worker may have ended before another'
  return collector.level(field.deliveriesCut) > 0 ? 'more were still coming a second after the end' : undefined
}
