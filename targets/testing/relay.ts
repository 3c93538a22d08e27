import { type RelayTexts, relayOptions } from '../cli/relayFlags.ts'
import type { RelayCounters } from '../relay/counters.ts'
import { startRelay } from '../relay/relay.ts'
import type { ManagedServer } from '../server/managedServer.ts'
import { ServerChild } from './child.ts'

const listen = '127.0.0.1:0'

/** A relay in this process, with the flags as on the command line; the test has to stop it. */
export function openRelay(to: string, flags: Omit<RelayTexts, 'to'> = {}): Promise<ManagedServer<RelayCounters>> {
  const { upstream, options } = relayOptions({ to, listen, ...flags })
  return startRelay(upstream, options)
}

/** A relay in a process of its own that sends its counters; `killServers` ends it. */
export function spawnRelay(to: string, ...flags: string[]): ServerChild {
  return ServerChild.start(['relay', '--to', to, '--listen', listen, ...flags], { ipc: true })
}

/** The counters that a spawned relay sent last. */
export function countersOf(relay: ServerChild): RelayCounters | undefined {
  return relay.messages.filter(message => message.type === 'stats').at(-1) as unknown as RelayCounters | undefined
}
