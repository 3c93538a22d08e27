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
 * takes some 25 us to wake it, which is a sixth of the way in a LAN: with one connection at 300 us what it passes on is late
 * by 1 us at the median and 5 us at p90, instead of 25 and 34, for 0.2 ms of CPU a request instead of 0.15. With ten
 * connections in a loop it hardly sleeps, and takes 0.05 ms either way. To stay awake all the time doubles the CPU and gains
 * nothing more.
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
