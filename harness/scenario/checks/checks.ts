import { isMapping } from '../../mapping.ts'
import { createProtocol } from '../../protocols/catalog.ts'
import { answersOf } from '../answers.ts'
import { placedSteps } from '../clients.ts'
import { conflict, type Issue, type Path } from '../path.ts'
import { layerIssues } from '../schema/layers.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { answerIssues } from './answers.ts'
import { captureIssues } from './captures.ts'
import { clientIssues } from './clients.ts'
import { datagramIssues } from './datagrams.ts'
import { keysIn } from './keys.ts'
import { loadIssues } from './load.ts'
import { bareTextIssues, localAddressIssues } from './localAddress.ts'
import { loginIssues } from './logins.ts'
import { dataIssues, type Exchange, messageIssues } from './messages.ts'
import { oneWayIssues } from './oneWay.ts'
import { reconnectIssues } from './reconnect.ts'
import { replyFormIssues } from './replyForms.ts'
import { serverOptionIssues } from './serverOptions.ts'
import { socketIssues } from './socket.ts'
import { targetIssues } from './targets.ts'
import { wireIssues } from './wire.ts'

/**
 * Settings that are valid by themselves and cannot be combined. `settings` has only the valid ones: each check looks at
 * those that are present, so that every fault is shown at once. `data` is the file as it was written.
 */
export function conflictIssues(data: unknown, settings: Partial<ScenarioSettings>): Issue[] {
  const given = new Set(isMapping(data) ? Object.keys(data) : [])
  const known = given.has('clients') && settings.clients === undefined ? withoutHandshake(settings) : settings
  return [
    ...iterationIssues(given),
    ...clientIssues(given, settings),
    ...loadIssues(given, settings),
    ...reconnectIssues(known),
    ...targetIssues(settings),
    ...keyIssues(data, settings),
    ...layerIssues(settings, given.has('layerKey')),
    ...wireIssues(settings),
    ...socketIssues(settings),
    ...serverOptionIssues(settings),
    ...datagramIssues(settings),
    ...captureIssues(known),
    ...bareTextIssues(settings),
    ...oneWayIssues(settings),
    ...replyFormIssues(settings),
    ...loginIssues(settings),
    ...answerIssues(settings),
    ...stepsOf(settings).flatMap(({ path, step }) => [
      ...messageIssues(path, step, settings.protocol),
      ...localAddressIssues(path, step.send, settings),
      ...(given.has('data') ? [] : dataIssues(path, step.send)),
    ]),
    ...answersOf(settings.protocol).flatMap(({ path, send }) => (given.has('data') ? [] : dataIssues(path, send))),
  ]
}

/** Groups that are invalid have handshakes of which nothing is known, as an invalid one is. */
function withoutHandshake({ connect: _, ...settings }: Partial<ScenarioSettings>): Partial<ScenarioSettings> {
  return settings
}

function iterationIssues(given: ReadonlySet<string>): Issue[] {
  const found = ['loop', 'mix'].filter(key => given.has(key))
  if (found.length === 1 || given.has('clients')) return []
  return [conflict([], 'exactly one of loop and mix', found.length === 0 ? 'neither' : 'both')]
}

/** A key, whether of the scenario or of a reference server, needs a protocol that has a handshake with a key. */
function keyIssues(data: unknown, { protocol }: Partial<ScenarioSettings>): Issue[] {
  if (!protocol || createProtocol(protocol).keyHandshake !== undefined) return []
  const keys = keysIn(data).filter(path => path.at(-1) === 'key')
  // About the key, not its value, so that the message is shown as it is.
  return keys.map(path => ({ path, about: 'key', message: `key needs protocol tlv, not ${protocol.name}` }))
}

/** Every message of a scenario, and what is expected of its reply. */
function stepsOf(settings: Partial<ScenarioSettings>): { readonly path: Path; readonly step: Exchange }[] {
  const { heartbeat } = settings
  const beat = heartbeat ? [{ path: ['heartbeat'], step: { send: heartbeat.send } }] : []
  // A login has no messages that the scenario could be wrong about.
  return [...placedSteps(settings).filter(({ step }) => !('login' in step)), ...beat]
}
