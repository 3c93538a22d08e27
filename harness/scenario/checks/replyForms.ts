import { createProtocol } from '../../protocols/catalog.ts'
import { streamFault } from '../../protocols/picture/faults.ts'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import { unknownFields, unknownFieldText } from '../../protocols/replies/schema.ts'
import { placedSteps } from '../clients.ts'
import { conflict, type Issue, issue, type Path } from '../path.ts'
import { isDatagramTarget } from '../resolve.ts'
import { isOneWay, type ReplyForm, type Step } from '../scenario.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { targetsOf } from './targets.ts'

/** Protocols whose replies are all of one kind, and why. */
const fixed: Readonly<Record<string, string>> = {
  http: 'a reply of HTTP says itself where it ends',
  broadcast: 'a broadcast server acknowledges every message in the same way',
}

/** What excludes `reply` in a step, or makes no sense beside it. */
export function replyFormIssues(settings: Partial<ScenarioSettings>): Issue[] {
  return [...stepsIssues(settings), ...idIssues(settings)]
}

/** Replies of several frames with ids: nothing tells which of the frames that come between one another belong together. */
function idIssues({ protocol, load }: Partial<ScenarioSettings>): Issue[] {
  if (protocol === undefined || !('replies' in protocol) || load === undefined || load.pipeline === 1) return []
  const { until, more } = protocol.replies ?? {}
  if (until === undefined && more === undefined) return []
  if (createProtocol(protocol).requestId === undefined) return []
  const wanted = '1 where replies have ids and several frames, as frames of other replies may come between them'
  return [conflict(['load', 'pipeline'], wanted, String(load.pipeline))]
}

function stepsIssues(settings: Partial<ScenarioSettings>): Issue[] {
  return placedSteps(settings).flatMap(({ path, step }) =>
    step.reply === undefined ? [] : stepIssues([...path, 'reply'], step, step.reply, settings),
  )
}

function stepIssues(path: Path, step: Step, form: ReplyForm, settings: Partial<ScenarioSettings>): Issue[] {
  const { protocol, layers } = settings
  const refusals = [
    ...(isOneWay(step) ? ['says how a reply ends, and this step expects nothing'] : []),
    ...(protocol === undefined ? [] : protocolFaults(form, protocol)),
    ...(layers === undefined ? [] : ['cannot be combined with layers, which are those of all bodies']),
    ...formFaults(form, settings),
  ]
  return refusals.map(message => issue(path, message))
}

function protocolFaults({ rules }: ReplyForm, protocol: ProtocolSpec): string[] {
  const why = fixed[protocol.name]
  if (why !== undefined) return [`cannot be set with protocol ${protocol.name}: ${why}`]
  if (createProtocol(protocol).requestId !== undefined) {
    return ['needs replies in order, and those of this protocol have ids']
  }
  if (rules === undefined) return []
  if (protocol.name !== 'line' && protocol.name !== 'frame') {
    return [`until, more and single go with line and frame, not with ${protocol.name}`]
  }
  const known = Object.keys(createProtocol(protocol).fields ?? {})
  return unknownFields(rules, known).map(({ kind, name }) => `${kind}: ${unknownFieldText(name, known)}`)
}

/** A format of its own has no ids, and says over a stream where a frame ends. */
function formFaults({ spec }: ReplyForm, settings: Partial<ScenarioSettings>): string[] {
  if (spec === undefined) return []
  const isStream = targetsOf(settings).some(({ target }) => !isDatagramTarget(target))
  const drawn = isStream && spec.name === 'frame' && 'request' in spec ? streamFault(spec.reply) : undefined
  return [
    ...(drawn === undefined ? [] : [`frame: ${drawn}`]),
    ...(createProtocol(spec).requestId === undefined
      ? []
      : ['needs replies in order, and those of this format have ids']),
  ]
}
