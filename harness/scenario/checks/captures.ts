import { InvalidValue, list, show } from '../../invalidValue.ts'
import { createProtocol } from '../../protocols/catalog.ts'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import { answersOf, restName } from '../answers.ts'
import { clientGroups, type PlacedStep, placedSteps } from '../clients.ts'
import { conflict, type Issue, issue, type Path } from '../path.ts'
import type { Expectation, Send, Step } from '../scenario.ts'
import { parseCapture } from '../schema/capture.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { noSuchSlot, parseSlots } from '../schema/slots.ts'
import { textsOf } from './messages.ts'

/** Steps that use a value which no earlier step has captured, and captures that cannot work. */
export function captureIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { connect, heartbeat, protocol } = settings
  // An invalid handshake is reported by itself: what it captures is unknown.
  if (connect === undefined) return []
  const steps = placedSteps(settings)
  const groups = clientGroups(settings).map((_, number) => steps.filter(({ group }) => group === number))
  const handshakes = groups.map(own => own.filter(({ kind }) => kind === 'connect'))
  // A heartbeat may be sent before any step of the loop, and on every connection.
  const [first = [], ...others] = handshakes.map(namesIn)
  const common = new Set(first.filter(name => others.every(names => names.includes(name))))
  return [
    ...groups.flatMap(own => groupIssues(own, protocol)),
    ...(heartbeat ? useIssues(['heartbeat', 'send'], heartbeat.send, common) : []),
    // What a message of the server has is for its answer alone.
    ...answersOf(protocol).flatMap(({ path, send, capture = {} }) => [
      ...useIssues([...path, 'send'], send, new Set([...common, ...Object.keys(capture), restName])),
      ...fieldIssues([...path, 'capture'], capture, protocol),
    ]),
    ...sharedNameIssues(steps, protocol),
    ...(steps.some(({ kind, step }) => kind === 'loop' && step.capture) ? loopIssues(settings) : []),
  ]
}

/** Names that both a step and an answer capture: a connection has one value by each name. */
function sharedNameIssues(steps: readonly PlacedStep[], protocol: ProtocolSpec | undefined): Issue[] {
  const answers = answersOf(protocol)
  if (answers.length === 0) return []
  const taken = new Set([restName, ...answers.flatMap(({ capture = {} }) => Object.keys(capture))])
  return steps.flatMap(({ path, step }) =>
    Object.keys(step.capture ?? {})
      .filter(name => taken.has(name))
      .map(name => conflict([...path, 'capture', name], 'a name that no answer of the protocol uses', show(name))),
  )
}

/** What is wrong with the values of one group of connections, which are those of its handshake and its loop. */
function groupIssues(steps: readonly PlacedStep[], protocol: ProtocolSpec | undefined): Issue[] {
  const issues: Issue[] = []
  const captured = new Set<string>()
  const all = new Set(namesIn(steps.filter(({ kind }) => kind !== 'mix')))
  for (const kind of ['connect', 'mix', 'loop'] as const) {
    for (const { path, step } of steps.filter(placed => placed.kind === kind)) {
      const { send, expect, reply, capture = {} } = step
      issues.push(...useIssues([...path, 'send'], send, captured), ...expectIssues([...path, 'expect'], expect, all))
      if (kind === 'mix') {
        const message = 'cannot be combined with mix, whose steps have no order; capture in connect instead'
        if (step.capture) issues.push(issue([...path, 'capture'], message))
        continue
      }
      issues.push(...fieldIssues([...path, 'capture'], capture, reply?.spec ?? protocol))
      for (const name of Object.keys(capture)) captured.add(name)
    }
  }
  return issues
}

/** What excludes captures in a loop. */
function loopIssues({ load, reconnect }: Partial<ScenarioSettings>): Issue[] {
  const issues: Issue[] = []
  if (load && load.pipeline > 1) {
    issues.push(conflict(['load', 'pipeline'], '1 with capture in loop', String(load.pipeline)))
  }
  if (reconnect?.when === 'every-request') {
    const message =
      '"every-request" cannot be combined with capture in loop: a captured value is lost with its connection'
    issues.push(issue(['reconnect', 'when'], message))
  }
  return issues
}

function namesIn(steps: readonly PlacedStep[]): string[] {
  return steps.flatMap(({ step }) => Object.keys(step.capture ?? {}))
}

/** Fields that a reply of the protocol does not have. */
function fieldIssues(path: Path, capture: NonNullable<Step['capture']>, protocol: ProtocolSpec | undefined): Issue[] {
  if (protocol === undefined) return []
  const known = Object.keys(createProtocol(protocol).fields ?? {})
  return Object.entries(capture).flatMap(([name, text]) => {
    const source = parseCapture(text)
    if (source.kind !== 'field' || known.includes(source.name)) return []
    const wanted = known.length === 0 ? 'a frame that is drawn with fields' : `a field of its frames (${list(known)})`
    return [conflict([...path, name], wanted, show(source.name))]
  })
}

function useIssues(path: Path, send: Send, captured: ReadonlySet<string>): Issue[] {
  return textsOf(send).flatMap(({ path: inside, text }) =>
    parseSlots(text).flatMap(part => {
      if (!('name' in part) || captured.has(part.name)) return []
      const shown = `{{${part.name}}}`
      const fault =
        captured.size === 0
          ? noSuchSlot(shown)
          : new InvalidValue(`a slot, or a value that an earlier step captures (${list([...captured])})`, show(shown))
      return [issue([...path, ...inside], fault.message)]
    }),
  )
}

/**
 * Braces in an expectation are literal text. Around the name of a captured value they are refused, as a slot was meant.
 */
function expectIssues(path: Path, expect: Expectation | undefined, names: ReadonlySet<string>): Issue[] {
  if (expect === undefined || typeof expect === 'string') return []
  return (['equals', 'body', 'contains', 'error'] as const).flatMap(key => {
    const text = expect[key]
    const name = typeof text === 'string' ? [...names].find(name => text.includes(`{{${name}}}`)) : undefined
    if (name === undefined) return []
    return [
      conflict(
        [...path, key],
        'text without slots, or expect: echo in place of the mapping for what was sent',
        show(`{{${name}}}`),
      ),
    ]
  })
}
