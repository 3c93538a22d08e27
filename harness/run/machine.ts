import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { MachineState } from '../audit/machine.ts'
import { CoreDistanceMeter } from '../host/coreDistance.ts'
import { MachineMeter } from '../host/machineMeter.ts'
import { readPorts, readTimeWait } from '../host/ports.ts'
import { createCpuMeter, type ProcessRef } from '../host/processes.ts'
import { ServerProcesses } from '../host/serverProcesses.ts'
import { systemFiles } from '../host/systemFiles.ts'
import type { Phase } from '../metrics/snapshot.ts'
import type { Plan } from '../plan/plan.ts'
import { isLoopbackStream, loopbackSources } from '../plan/sourceAddresses.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { type BufferSizes, grantedBuffers, hasBuffers, loadSocketCalls } from '../socketOptions.ts'
import type { RunningTarget } from '../target/target.ts'
import type { TransportName } from '../transports/catalog.ts'
import { isLocal } from '../transports/resolve.ts'
import type { Address } from '../transports/transport.ts'
import type { Observer } from './observer.ts'

/** Interfaces behind which containers and virtual machines of this machine are. */
const ownNetworks = /^(docker|br-|veth|virbr|cni|podman|lxc|lxd|vmnet|vboxnet|flannel|cali)/

/** The processes of the server: the one that the run started, and those that listen at its address on this machine. */
export function serverProcesses({ process: started, found }: RunningTarget): ServerProcesses {
  const listensAt = found !== undefined && isOnThisMachine(found) ? found : undefined
  return new ServerProcesses({ started, listensAt })
}

/** Reads the CPU seconds of a server; undefined where its process is not known or has ended. */
export function serverCpuMeter(server: Pick<ServerProcesses, 'processes'>): () => number | undefined {
  const meters = new Map<ProcessRef, { read: () => number | undefined; from: number; seconds: number }>()
  let isFirst = true
  return () => {
    let isKnown = false
    for (const ref of server.processes) {
      const meter = meters.get(ref) ?? { read: createCpuMeter(ref), from: Number.NaN, seconds: 0 }
      meters.set(ref, meter)
      const seconds = meter.read()
      if (seconds === undefined) continue
      isKnown = true
      // What a process used before it was found would all count in the moment at which it is.
      if (Number.isNaN(meter.from)) meter.from = isFirst ? 0 : seconds
      meter.seconds = seconds - meter.from
    }
    isFirst = false
    // The sum does not decrease when one of several processes ends.
    return isKnown ? [...meters.values()].reduce((sum, { seconds }) => sum + seconds, 0) : undefined
  }
}

/** The addresses that a run connects from although its scenario names none, so that it does not run out of ports. */
export function ownSources(scenario: Scenario, address: Address, transport: TransportName, workers: number) {
  const ports = readPorts(systemFiles, { isLoopback: isLoopbackStream(address), isBoundFirst: transport === 'node' })
  return loopbackSources(scenario, address, workers, ports)
}

/** The buffers that the kernel gives where the scenario asks for some; unknown where the C library cannot be called. */
export function socketBuffers({ socket = {} }: Scenario): { socketBuffers?: BufferSizes } {
  const calls = hasBuffers(socket) ? loadSocketCalls() : undefined
  return calls === undefined || typeof calls === 'string' ? {} : { socketBuffers: grantedBuffers(calls, socket) }
}

/** In a shorter run nothing is said of changes in its course. */
const followedMsMin = 3000
/** How far the cores are apart is measured with every second reading: five times a second, for a tenth of a millisecond each. */
const readingsPerDistance = 2

/** Follows the machine during a run: other programs, how far its cores are apart, and the client's ports. */
export class MachineWatch {
  readonly #plan: Plan
  readonly #server: ServerProcesses
  readonly #meter: MachineMeter
  /** Absent for short runs, and on a machine of one core. */
  readonly #distance: CoreDistanceMeter | undefined
  /** Of the current second, in nanoseconds. */
  #shortestNs = Number.POSITIVE_INFINITY
  #readings = 0
  #phase: Phase | undefined

  constructor(plan: Plan, cores: number, server: ServerProcesses) {
    this.#distance = plan.lengthMs >= followedMsMin ? CoreDistanceMeter.start() : undefined
    this.#plan = plan
    this.#server = server
    this.#meter = new MachineMeter({ cores, workers: plan.workers.length, server })
  }

  /** Reads the machine where a part of the run begins, and now and then in between. */
  readonly observer: Observer = {
    progressed: ({ progress: { phase } }) => {
      this.#measureDistance(phase)
      if (phase === this.#phase) return this.#meter.progressed()
      // A scan takes some milliseconds of CPU. The end of the run has one of its own.
      if (this.#phase === undefined || phase === 'measuring') this.#meter.scan()
      // The first second of the run begins where the connections are open.
      if (this.#phase === undefined || this.#phase === 'opening') this.#meter.otherCoresSince()
      this.#phase = phase
    },
  }

  otherCores(): number | undefined {
    return this.#meter.otherCoresSince()
  }

  /** How far the cores were apart since the last call, as a round trip in nanoseconds: the shortest, as an interruption makes it longer. */
  coreDistanceNs(): number | undefined {
    const shortest = this.#shortestNs
    this.#shortestNs = Number.POSITIVE_INFINITY
    return Number.isFinite(shortest) ? shortest : undefined
  }

  stop(): void {
    this.#distance?.stop()
  }

  #measureDistance(phase: Phase): void {
    if (phase === 'opening' || this.#readings++ % readingsPerDistance > 0) return
    this.#shortestNs = Math.min(this.#shortestNs, this.#distance?.measure() ?? Number.POSITIVE_INFINITY)
  }

  /** The same at the end of the run, when processes of the server may be others than at its start. */
  stateAtEnd(fromMs: number): MachineState {
    this.#server.lookUp()
    return this.state(fromMs)
  }

  /** What the audit is told, about the part of the run since a time. */
  state(fromMs: number): MachineState {
    const { address, transport, sourceAddresses } = this.#plan.workers[0]!
    const isStream = address.scheme === 'tcp' || address.scheme === 'tls'
    const isBoundFirst = transport === 'node' && sourceAddresses !== undefined
    const ports = isStream ? readPorts(systemFiles, { isLoopback: isLocal(address), isBoundFirst }) : undefined
    const use = this.#meter.useSince(fromMs)
    if (ports === undefined) return { use }
    const portUse = {
      sources: sourceAddresses?.length ?? 1,
      isLoopback: isLoopbackStream(address),
      canReset: address.scheme === 'tcp',
      timeWait: readTimeWait(systemFiles),
    }
    return { use, ports: { ...ports, ...portUse } }
  }
}

/** Whether a server at an address runs on this machine: at one of its own addresses, or in a network that is only within it. */
export function isOnThisMachine(address: Address, interfaces = networkInterfaces()): boolean {
  if (address.scheme === 'unix' || isLocal(address)) return true
  const host = address.host.replace(/%.*/, '')
  const entries = Object.entries(interfaces).flatMap(([name, all = []]) => all.map(one => ({ name, ...one })))
  return entries.some(({ name, address: own, cidr, family }) => {
    if (own === host) return true
    const [kind, version] = family === 'IPv4' ? (['ipv4', 4] as const) : (['ipv6', 6] as const)
    if (!ownNetworks.test(name) || cidr === null || isIP(host) !== version) return false
    const [base, bits] = cidr.split('/')
    const network = new BlockList()
    network.addSubnet(base!, Number(bits), kind)
    return network.check(host, kind)
  })
}
