import type { ManagedServer } from '../server/managedServer.ts'
import type { RelayCounters } from './counters.ts'
import type { RelayOptions } from './options.ts'
import { startTcpRelay } from './tcp.ts'
import { startUdpRelay } from './udp.ts'
import { resolveUpstream, type Upstream } from './upstream.ts'

/** Starts a relay to `upstream`, over TCP or UDP as that is; throws a UserError if it cannot listen. */
export async function startRelay(upstream: Upstream, options: RelayOptions): Promise<ManagedServer<RelayCounters>> {
  const server = await resolveUpstream(upstream)
  return server.scheme === 'udp' ? startUdpRelay(server, options) : startTcpRelay(server, options)
}
