import { list } from '../../invalidValue.ts'
import { placedRequests, placedSteps } from '../clients.ts'
import { type Issue, issue, type Path } from '../path.ts'
import { isOneWay, type Step } from '../scenario.ts'
import type { ScenarioSettings } from '../schema/schema.ts'

/** Protocols whose servers answer each message, and why it matters. */
const answered: Readonly<Record<string, string>> = {
  http: 'HTTP answers every request',
  broadcast: 'a broadcast server acknowledges every message, and its deliveries are counted by that',
}
/** What is known of requests without a reply. */
const withoutReplies = ['throughput', 'errors', 'availability']

/** What excludes `expect: nothing`, or makes no sense beside it. */
export function oneWayIssues(settings: Partial<ScenarioSettings>): Issue[] {
  return [
    ...placedSteps(settings)
      .filter(({ step }) => isOneWay(step))
      .flatMap(({ path, step }) => stepIssues(path, step, settings)),
    ...thresholdIssues(settings),
  ]
}

function stepIssues(path: Path, { capture, listens }: Step, { protocol }: Partial<ScenarioSettings>): Issue[] {
  const place = [...path, 'expect']
  const why = answered[protocol?.name ?? '']
  return [
    ...(listens
      ? [issue(place, 'a step that sends nothing and expects nothing does nothing: give send, or leave it out')]
      : []),
    ...(capture === undefined ? [] : [issue([...path, 'capture'], 'needs a reply, and this step expects nothing')]),
    ...(why === undefined ? [] : [issue(place, `cannot be nothing with protocol ${protocol!.name}: ${why}`)]),
  ]
}

/** Limits on response times need replies. */
function thresholdIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { thresholds = [] } = settings
  const steps = placedRequests(settings)
  if (steps.length === 0 || !steps.every(({ step }) => isOneWay(step))) return []
  return thresholds.flatMap(({ metric }, index) => {
    if (withoutReplies.includes(metric)) return []
    return [
      issue(['thresholds', index], `${metric} needs replies, and no step has any; ${list(withoutReplies)} do not`),
    ]
  })
}
