import { streamSeed } from '../prng.ts'
import type { SpokenProtocol } from '../protocols/composed.ts'
import { speakingConnections } from '../scenario/clients.ts'
import type { Heartbeat, Load, Reconnect, Scenario, Stage } from '../scenario/scenario.ts'
import type { SocketSettings } from '../socketOptions.ts'
import type { TransportName } from '../transports/catalog.ts'
import type { Address } from '../transports/transport.ts'
import type { WireSettings } from '../transports/wire.ts'
import { type RequestBank, type StepRanges, speaks } from './bank.ts'
import type { Pace } from './pacer.ts'

/** The minimum automatic warm-up, in which the client's own code is compiled as well. */
export const warmupMsMin = 1000
/** In a shorter measured part a warm-up cannot be distinguished from noise, and is not searched for. */
const automaticWarmupMsMin = 5000

/** All that a worker needs, plain and cloneable: the same record starts a thread here or an agent elsewhere. */
export interface WorkerPlan {
  readonly index: number
  readonly workers: number
  readonly address: Address
  readonly protocol: SpokenProtocol
  /** How writes are split or coalesced; absent where they are not. */
  readonly wire?: WireSettings
  readonly socket?: SocketSettings
  readonly transport: TransportName
  /** This worker's share; its links are the connections `firstConnection` and up. */
  readonly connections: number
  readonly firstConnection: number
  /** Its links in their order: first those of groups that send, then those of groups that only listen. */
  readonly groups: readonly LinkGroup[]
  /** The links below this one send; the others only listen. */
  readonly speakingLinks: number
  readonly sourceAddresses?: readonly string[]
  /** This worker's share of the requests to be sent; absent where only time ends the run. */
  readonly requests?: number
  /** Other workers may still send what its listening links get, when its own requests are done. */
  readonly awaitsOthers?: true
  readonly mode: Load['mode']
  readonly pipeline: number
  /** Mode rate: when requests start, over all workers. */
  readonly pace?: Pace
  /** Mode loop with stages: how many connections send, over all workers; absent where all do all the time. */
  readonly ramp?: readonly RampSegment[]
  /** From the start to the end, warm-up included, unless the run is extended. */
  readonly lengthMs: number
  readonly timeoutMs: number
  readonly reconnect: Reconnect['when']
  /** Connections that had their request are closed by a reset. */
  readonly closesByReset?: boolean
  /** A connection is opened anew after so many requests; absent where they do not end it. */
  readonly requestsPerConnection?: number
  readonly backoffMinMs: number
  readonly backoffMaxMs: number
  /** A connection that could not be opened so often in a row is given up; absent where it is tried for ever. */
  readonly attempts?: number
  readonly heartbeatMs?: number
  /** The key for the protocol's own handshake; absent where there is no such handshake. */
  readonly key?: string
  readonly bank: RequestBank
  readonly seed: number
}

/** Links that do the same, one after the other, and the steps that they have. */
export interface LinkGroup extends StepRanges {
  readonly links: number
}

/** A part of a ramp in which the number of connections that send changes linearly. */
export interface RampSegment {
  readonly lengthMs: number
  readonly from: number
  readonly to: number
}

/** How many of a worker's connections send at a time since the start. */
export function activeAt(ramp: readonly RampSegment[], timeMs: number, workers: number, index: number): number {
  let startMs = 0
  let all = 0
  for (const { lengthMs, from, to } of ramp) {
    if (timeMs < startMs) break
    all = from + (to - from) * Math.min(1, (timeMs - startMs) / lengthMs)
    startMs += lengthMs
  }
  return share(Math.round(all), workers, index)
}

/** A run before it starts: its common settings, and the share of every worker. */
export interface Plan {
  readonly workers: readonly WorkerPlan[]
  /** The time before the measured part; the minimum if the warm-up is automatic. */
  readonly warmupMs: number
  readonly isWarmupAutomatic: boolean
  readonly lengthMs: number
  /** By how much the run may be extended once, if it has no steady state at its end. */
  readonly extensionMs: number
  /** A number of requests ends the run. */
  readonly counted: boolean
  readonly endsByTime: boolean
  readonly seed: number
  /** The first reply to each step of the loop is kept for a null server. */
  readonly keepsReplies?: true
}

/** What planning needs besides the scenario; collected before, so that planning is a pure function. */
export interface PlanInputs {
  readonly address: Address
  readonly protocol: SpokenProtocol
  readonly bank: RequestBank
  readonly transport: TransportName
  readonly seed: number
  readonly workers: number
  /** Addresses that the run connects from although the scenario names none. */
  readonly sourceAddresses?: readonly string[] | undefined
  readonly keepsReplies?: boolean
}

/** Divides a scenario among its workers: connections and requests exactly, each worker with its own seed. */
export function planRun(scenario: Scenario, inputs: PlanInputs): Plan {
  const { address, protocol, bank, transport, seed, workers } = inputs
  const { sourceAddresses = inputs.sourceAddresses ?? [] } = scenario
  const isWarmupAutomatic = scenario.warmup === 'auto' && scenario.duration >= automaticWarmupMsMin
  const warmupMs = scenario.warmup === 'auto' ? warmupMsMin : scenario.warmup
  const lengthMs = warmupMs + scenario.duration
  const extensionMs = isWarmupAutomatic ? lengthMs : 0
  const common = {
    workers,
    address,
    protocol,
    ...(scenario.wire && { wire: scenario.wire }),
    ...(scenario.socket && { socket: scenario.socket }),
    transport,
    mode: scenario.load.mode,
    pipeline: scenario.load.pipeline,
    ...paceOf(scenario.load, lengthMs + extensionMs),
    ...rampOf(scenario.load),
    lengthMs,
    timeoutMs: scenario.timeout,
    reconnect: scenario.reconnect.when,
    ...(scenario.reconnect.after !== undefined && { requestsPerConnection: scenario.reconnect.after }),
    ...(scenario.reconnect.close === 'reset' && { closesByReset: true }),
    backoffMinMs: scenario.reconnect.backoff.min,
    backoffMaxMs: scenario.reconnect.backoff.max,
    ...(scenario.reconnect.attempts !== undefined && { attempts: scenario.reconnect.attempts }),
    ...(sourceAddresses.length > 0 && { sourceAddresses }),
    ...heartbeatPeriod(scenario.heartbeat),
    ...(scenario.key === undefined ? {} : { key: scenario.key }),
    bank,
  }
  return {
    warmupMs,
    isWarmupAutomatic,
    lengthMs,
    extensionMs,
    counted: scenario.requests !== undefined,
    endsByTime: scenario.requests === undefined && scenario.load.mode !== 'once',
    seed,
    ...(inputs.keepsReplies === true && { keepsReplies: true as const }),
    workers: Array.from({ length: workers }, (_, index) => ({
      ...common,
      index,
      connections: share(scenario.connections, workers, index),
      firstConnection: shareStart(scenario.connections, workers, index),
      ...linksOf(scenario, bank, workers, index),
      ...(scenario.requests === undefined ? {} : { requests: share(scenario.requests, workers, index) }),
      seed: streamSeed(seed, index),
    })),
  }
}

/** The number of workers: one per two cores if the target is on this machine, otherwise one per core. */
export function workerCount(scenario: Scenario, cores: number, targetIsLocal: boolean): number {
  const wanted =
    scenario.workers === 'auto' ? Math.max(1, Math.floor(targetIsLocal ? cores / 2 : cores)) : scenario.workers
  return Math.min(wanted, speakingConnections(scenario))
}

/**
 * A worker's share of each group. Connections are dealt out one by one, those that send before the others, so that workers
 * have as many of either kind as each other, or one more.
 */
function linksOf(
  scenario: Scenario,
  bank: RequestBank,
  workers: number,
  index: number,
): Pick<WorkerPlan, 'groups' | 'speakingLinks' | 'awaitsOthers'> {
  // A ramp has one group, with the most connections that it comes to.
  const { clients = [scenario] } = scenario
  const groups = clients.map(({ connections }, number) => ({ connections, ranges: bank.groups[number]! }))
  let dealt = 0
  const shares = [true, false].flatMap(speaking =>
    groups
      .filter(({ ranges }) => speaks(ranges) === speaking)
      .map(({ connections, ranges }) => {
        const before = share(dealt, workers, index)
        dealt += connections
        return { ...ranges, links: share(dealt, workers, index) - before }
      }),
  )
  const speakingLinks = shares.reduce((sum, group) => sum + (speaks(group) ? group.links : 0), 0)
  const listens = speakingLinks < share(dealt, workers, index)
  const endsByTime = scenario.requests === undefined && scenario.load.mode !== 'once'
  return { groups: shares, speakingLinks, ...(listens && !endsByTime && workers > 1 && { awaitsOthers: true }) }
}

/** Part `index` of `total` in `parts` parts that differ by at most one and add up to the total. */
export function share(total: number, parts: number, index: number): number {
  return shareStart(total, parts, index + 1) - shareStart(total, parts, index)
}

/** The sum of the parts before part `index`. */
export function shareStart(total: number, parts: number, index: number): number {
  return Math.floor(total / parts) * index + Math.min(index, total % parts)
}

function paceOf({ mode, rate = 0, arrivals = 'poisson', stages }: Load, lengthMs: number): { pace?: Pace } {
  if (mode !== 'rate') return {}
  if (stages === undefined) return { pace: { arrivals, segments: [{ lengthMs, from: rate, to: rate }] } }
  return { pace: { arrivals, segments: segmentsOf(stages, rate, stage => stage.to!) } }
}

function rampOf({ mode, stages }: Load): { ramp?: readonly RampSegment[] } {
  return mode === 'loop' && stages !== undefined ? { ramp: segmentsOf(stages, 0, stage => stage.connections!) } : {}
}

/** Stages as linear segments, each beginning where the one before ends. */
function segmentsOf(stages: readonly Stage[], start: number, end: (stage: Stage) => number): RampSegment[] {
  let from = start
  return stages.map(stage => {
    const segment = { lengthMs: stage.duration, from, to: end(stage) }
    from = segment.to
    return segment
  })
}

function heartbeatPeriod(heartbeat: Heartbeat | undefined): { heartbeatMs?: number } {
  return heartbeat === undefined ? {} : { heartbeatMs: heartbeat.every }
}
