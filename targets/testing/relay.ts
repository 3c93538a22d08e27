import type { RelayCounters } from '../relay/counters.ts'
import { ServerChild } from './child.ts'

/** A relay to an address, which tells what it counts; ends with the test. */
export function startRelay(to: string, ...flags: string[]): ServerChild {
  return ServerChild.start(['relay', '--to', to, '--listen', '127.0.0.1:0', ...flags], { ipc: true })
}

/** What a relay has told of itself last. */
export function countersOf(relay: ServerChild): RelayCounters | undefined {
  return relay.messages.filter(message => message.type === 'stats').at(-1) as unknown as RelayCounters | undefined
}
