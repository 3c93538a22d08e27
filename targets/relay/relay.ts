import type { RelaySettings } from '../../harness/relaySettings.ts'
import type { ManagedServer } from '../server/managedServer.ts'
import type { RelayCounters } from './counters.ts'
import { kernelTimers } from './kernelTimer.ts'
import type { RelayOptions } from './options.ts'
import { startTcpRelay } from './tcp.ts'
import { startUdpRelay } from './udp.ts'
import { resolveUpstream, type Upstream } from './upstream.ts'
import { type CreateWakeTimer, createMillisecondTimer } from './wakeTimer.ts'

/**
 * In a network whose round trip is shorter, the relay stays awake when something arrives within `pollMs`. A virtual machine
 * takes 20 us to wake it, which is a seventh of the way in a LAN: with one connection and a round trip of 300 us it is late by
 * 2 us on average instead of 17, for 0.17 ms of CPU a request instead of 0.11. With ten connections in a loop it hardly
 * sleeps: late by 7 us instead of 13, 24 k/s instead of 21 k/s, 0.03 ms of CPU a request either way. To stay awake all the
 * time takes half as much CPU again and gains nothing more. These are single runs of 3 s on two cores.
 */
const nearRoundTripMs = 2
const pollMs = 0.05

/** Starts a relay to `upstream`, over TCP or UDP as that is; throws a UserError if it cannot listen. */
export async function startRelay(upstream: Upstream, options: RelayOptions): Promise<ManagedServer<RelayCounters>> {
  const server = await resolveUpstream(upstream)
  const timed = { createTimer: timersFor(options.settings), ...options }
  return server.scheme === 'udp' ? startUdpRelay(server, timed) : startTcpRelay(server, timed)
}

/** The finest timers of this machine. */
function timersFor({ rtt = 0 }: RelaySettings): CreateWakeTimer {
  const isNear = rtt > 0 && rtt < nearRoundTripMs
  const timers = kernelTimers(isNear ? pollMs : 0)
  return typeof timers === 'string' ? createMillisecondTimer : timers
}
