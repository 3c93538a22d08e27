import type { Scenario } from '../scenario/scenario.ts'
import type { Address } from '../transports/transport.ts'

/** More addresses than these are not taken by a run by itself. */
const addressesMax = 64
/** The ports are to allow this many times the connects that are to be expected, so that a free one is found at once. */
const reserve = 4
/** Connects a second that a worker can make at most, on today's fastest cores, rounded up. */
const connectsPerWorkerMax = 40_000
/** Of the ports of an address, those that may be held by connections before others are taken. */
const heldMax = 0.9

/** The ports towards a target for each source address, and after how long one that was closed is free again. */
export interface PortsOfAddress {
  readonly count: number
  readonly waitSeconds: number
}

/**
 * Addresses of the loopback network that a run takes by itself, because the ports of one are too few for its connections; undefined where
 * one is enough, the scenario says which, or the target is elsewhere. Every address in 127.0.0.0/8 is this machine's on Linux.
 */
export function loopbackSources(
  scenario: Pick<Scenario, 'sourceAddresses' | 'reconnect' | 'load' | 'connections'>,
  address: Address,
  workers: number,
  ports: PortsOfAddress | undefined,
): readonly string[] | undefined {
  if (scenario.sourceAddresses !== undefined || ports === undefined || !isLoopbackStream(address)) return undefined
  const { count, waitSeconds } = ports
  const held = scenario.connections > heldMax * count ? scenario.connections / heldMax : 0
  const isChurning = scenario.reconnect.when === 'every-request' && !leavesNoPort(scenario.reconnect)
  const churned = isChurning ? reserve * connectsPerSecond(scenario, workers) * waitSeconds : 0
  const addresses = Math.min(addressesMax, Math.ceil(Math.max(held, churned) / count))
  if (addresses < 2) return undefined
  // The ports of 127.0.0.1 stay free for other programs, and for finding out whether the target answers.
  return Array.from({ length: addresses }, (_, index) => `127.0.0.${index + 2}`)
}

/** A target that is reached by TCP at an IPv4 loopback address. */
export function isLoopbackStream(address: Address): boolean {
  return (address.scheme === 'tcp' || address.scheme === 'tls') && address.host.startsWith('127.')
}

/** Connections that end with a reset are not in TIME_WAIT afterwards. */
function leavesNoPort(reconnect: object): boolean {
  return 'close' in reconnect && reconnect.close === 'reset'
}

/** The most connects a second that a scenario with a connection for each request can make. */
function connectsPerSecond({ load }: Pick<Scenario, 'load'>, workers: number): number {
  const most = workers * connectsPerWorkerMax
  if (load.mode !== 'rate') return most
  const rates = [load.rate, ...(load.stages ?? []).map(({ to }) => to)].filter(rate => rate !== undefined)
  return Math.min(most, Math.max(0, ...rates))
}
