import { parseEndpoint, unixPath } from '../../address.ts'
import { type Issue, issue, type Path, showPath } from '../path.ts'
import type { Send, Target } from '../scenario.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { parseSlots } from '../schema/slots.ts'
import { textsOf } from './messages.ts'
import { addressOf, targetsOf } from './targets.ts'

/** Texts with the address of their connection, towards a unix socket, where a client has none. */
export function localAddressIssues(path: Path, send: Send, settings: Partial<ScenarioSettings>): Issue[] {
  const texts = textsOf(send).filter(({ text }) => parseSlots(text).some(isLocalAddress))
  return texts.flatMap(({ path: inside }) =>
    unixTargets(settings).map(place =>
      issue([...path, 'send', ...inside], `{{localAddress}} needs TCP or UDP, and ${place} is a unix socket`),
    ),
  )
}

/** Bare texts begin with the address of a client, which it does not have over a unix socket. */
export function bareTextIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { protocol } = settings
  if (protocol?.name !== 'broadcast' || protocol.framing !== 'text') return []
  const message = 'needs TCP, as bare texts begin with the address of a client, and'
  return unixTargets(settings).map(place => issue(['protocol'], `framing text ${message} ${place} is a unix socket`))
}

function isLocalAddress(part: ReturnType<typeof parseSlots>[number]): boolean {
  return 'slot' in part && part.slot === 'localAddress'
}

/** The targets that are unix sockets, by their path in the file. */
function unixTargets(settings: Partial<ScenarioSettings>): string[] {
  return targetsOf(settings).flatMap(({ path, target }) => (isUnixSocket(target) ? [showPath(path)] : []))
}

function isUnixSocket(target: Target): boolean {
  // A relay listens at an address of its own.
  if (target.relay !== undefined) return false
  if ('serve' in target) return unixPath(String(target.options['listen'] ?? '')) !== undefined
  return parseEndpoint(addressOf(target)).scheme === 'unix'
}
