import type { MachineUse } from '../host/machineMeter.ts'
import type { Ports } from '../host/ports.ts'
import type { Collector } from '../metrics/collector.ts'
import type { Measured } from '../metrics/measured.ts'
import { median } from '../metrics/statistics/median.ts'
import type { Totals } from '../metrics/totals.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { formatCount, formatPercent, plural } from '../units.ts'
import type { Finding } from './finding.ts'
import { limits } from './limits.ts'

/** What was read of the machine for a run, besides its counters. */
export interface MachineState {
  /** What other programs used in the measured part. */
  readonly use?: MachineUse | undefined
  /** For TCP: the ports of the client towards this target. */
  readonly ports?: (Ports & PortUse) | undefined
}

interface PortUse {
  /** Addresses that the run connects from. */
  readonly sources: number
  /** Connections of this machine in TIME_WAIT at the end. */
  readonly timeWait?: number | undefined
  /** The target is in 127.0.0.0/8, whose addresses are all this machine's. */
  readonly isLoopback: boolean
  /** A connection can end with a reset, which leaves no port waiting: plain TCP. */
  readonly canReset: boolean
}

/** A second of the measured part, as far as the distance of the cores shows in it. */
export interface DistanceSecond {
  readonly coreDistanceNs?: number
  readonly p50?: number
}

/** What the checks of the machine look at. */
export interface MachineInputs extends MachineState {
  /** The measured part by second, and the whole run without its first second, in which code is compiled. */
  readonly seconds?: readonly DistanceSecond[]
  readonly secondsOfRun?: readonly DistanceSecond[]
  readonly connects: {
    /** A connection for each request, which the client closes. */
    readonly areForRequests: boolean
    /** In the whole run, and for each second of the measured part. */
    readonly count: number
    readonly perSecond: number
    readonly elapsedSeconds: number
    /** Connects that found no free port. */
    readonly withoutPort: number
  }
}

/** The inputs of these checks for a run that has ended, or so far. */
export function machineInputs(
  state: MachineState | undefined,
  scenario: Scenario,
  { collector, totals, measured }: { collector: Collector; totals: Totals; measured: Measured },
): MachineInputs | undefined {
  if (state === undefined) return undefined
  const seconds = collector.intervals.filter(({ second }) => (second - 1) * 1000 >= measured.warmupMs)
  const elapsedSeconds = measured.elapsedMs / 1000
  const failures: Readonly<Record<string, number | undefined>> = totals.failures
  return {
    ...state,
    seconds,
    secondsOfRun: collector.intervals.slice(1),
    connects: {
      areForRequests: scenario.reconnect.when === 'every-request' && !closesByReset(scenario.reconnect),
      count: totals.connects,
      perSecond:
        seconds.length > 0
          ? seconds.reduce((sum, { connects }) => sum + connects, 0) /
            seconds.reduce((sum, { seconds: length = 1 }) => sum + length, 0)
          : totals.connects / Math.max(1e-3, elapsedSeconds),
      elapsedSeconds,
      withoutPort: failures['no-free-port'] ?? 0,
    },
  }
}

/** A connection that ends with a reset leaves no port waiting. */
function closesByReset(reconnect: object): boolean {
  return 'close' in reconnect && reconnect.close === 'reset'
}

/**
 * Whether the figures changed with how far the cores of this machine were apart: for a run whose figures changed. Two
 * threads that work together are slower the further their cores are apart; the response times of a server that gets slower
 * by itself change without that.
 */
export function auditCoreDistance(seconds: readonly DistanceSecond[]): Finding[] {
  const known = seconds.flatMap(({ coreDistanceNs, p50 }) =>
    coreDistanceNs === undefined || p50 === undefined ? [] : [{ ns: coreDistanceNs, p50 }],
  )
  const distances = known.map(({ ns }) => ns)
  const [near, far] = [Math.min(...distances), Math.max(...distances)]
  if (known.length < limits.distanceSecondsMin || far / near < limits.coreDistance) return []
  const between = Math.sqrt(near * far)
  const [others, apart] = [known.filter(({ ns }) => ns <= between), known.filter(({ ns }) => ns > between)]
  const p50Of = (group: typeof known) => median(group.map(({ p50 }) => p50))
  const slower = p50Of(apart) / p50Of(others) - 1
  if (!(slower > limits.slowerApart)) return []
  const nsOf = (group: typeof known) => `${Math.round(median(group.map(({ ns }) => ns)))} ns`
  return [
    {
      code: 'machine-busy',
      severity: 'suspect',
      message: `the host of this virtual machine moved its cores: a cache line took ${nsOf(apart)} from one to the other and back in ${plural(apart.length, 'second')}, and ${nsOf(others)} in ${plural(others.length, 'other')}; p50 was ${formatPercent(slower)} higher then`,
      hint: 'client and server were slower by that together, not the server alone: run longer (-d), and compare runs with the same distance (coreDistanceNs in report.json)',
      value: far / near,
      limit: limits.coreDistance,
    },
  ]
}

/** Checks of the machine: whether other programs were busy (19), and whether the client had ports enough (20). */
export function auditMachine(inputs: MachineInputs): Finding[] {
  return [...(inputs.use === undefined ? [] : busyFindings(inputs.use)), ...portFindings(inputs)]
}

function busyFindings(use: MachineUse): Finding[] {
  const { otherCores, cores } = use
  const limit = Math.max(limits.otherCores, limits.otherShare * cores)
  if (otherCores <= limit) return takenNotes(use)
  const named = use.programs.map(program => `${program.name} ${percentOfCore(program.cores)}`).join(', ')
  const who = use.areUnseen === true ? 'programs outside this container, or hidden from it,' : 'other programs'
  return [
    {
      code: 'machine-busy',
      severity: 'suspect',
      message: `${who} used ${coresText(otherCores)} of ${whichCores(use)} (limit ${coresText(limit)})${
        named === '' ? '' : `${use.isPart ? '; they ran there, and on others:' : ':'} ${named}`
      }${waitText(use)}${takenText(use)}`,
      hint: 'close them, or use another machine; to compare servers on a busy one, run them in turn, several times each',
      value: otherCores,
      limit,
    },
  ]
}

function whichCores({ cores, isPart }: MachineUse): string {
  return isPart ? `the ${plural(cores, 'core')} that this process may use` : plural(cores, 'core')
}

/** A program that was left out although nothing shows that it is the server: without another finding nobody would know. */
function takenNotes({ takenForServer }: MachineUse): Finding[] {
  if (takenForServer === undefined) return []
  const { name, cores } = takenForServer
  return [
    {
      code: 'machine-busy',
      severity: 'note',
      message: `the process of the server was not found; ${name}, the busiest other program (${percentOfCore(cores)}), is taken for it and left out`,
      hint: 'if it is not the server, close it: it takes CPU from both; run with the rights to look into the server, and it is found',
      value: cores,
      limit: limits.otherCores,
    },
  ]
}

function waitText({ waitShare, serverWaitShare = 0, pressureShare }: MachineUse): string {
  if (pressureShare !== undefined) {
    return `; for ${formatPercent(pressureShare)} of the time some thread of this machine waited for a core`
  }
  const waits = [
    ...(waitShare !== undefined && waitShare >= 0.001 ? [`the client waited ${formatPercent(waitShare)}`] : []),
    ...(serverWaitShare >= 0.001 ? [`the server ${formatPercent(serverWaitShare)}`] : []),
  ]
  return waits.length === 0 ? '' : `; ${waits.join(' and ')} of the time for a core`
}

function takenText({ takenForServer }: MachineUse): string {
  return takenForServer === undefined
    ? ''
    : `; ${takenForServer.name} (${percentOfCore(takenForServer.cores)}) is taken for the server and left out`
}

/** Of one core, as the tools of the system show it: `99 %`, `130 %`. */
function percentOfCore(cores: number): string {
  return `${cores >= 0.01 ? Math.round(cores * 100) : '< 1'} %`
}

function coresText(cores: number): string {
  return Number(cores.toPrecision(2)).toString()
}

/**
 * Half of the range is what connect() tries first (by parity, since Linux 4.2): from there on it searches thousands of taken ports for each
 * connection, in the client's own time.
 */
const triedFirst = 0.5
/** The fewest connections in TIME_WAIT, as a share of those that should be: with fewer the server closes first, or with a reset. */
const timeWaitMin = 0.1

function portFindings({ ports, connects }: MachineInputs): Finding[] {
  if (ports === undefined) return []
  const { count, waitSeconds, sources, timeWait } = ports
  const { areForRequests, withoutPort, elapsedSeconds } = connects
  const all = count * sources
  const isReused = waitSeconds < elapsedSeconds
  const taken = isReused ? connects.perSecond * waitSeconds : connects.count
  const heldMin = timeWaitMin * Math.min(connects.count, all)
  const areHeld = areForRequests && (timeWait === undefined || timeWait >= heldMin)
  const value = taken / (all * triedFirst)
  const isOver = areHeld && value > limits.portsInUse
  if (!isOver && withoutPort === 0) return []
  const range = `${formatCount(count)} ports from ${sources === 1 ? 'one address' : `each of ${sources} addresses`}`
  const waiting = timeWait === undefined ? '' : `; ${formatCount(timeWait)} connections were in TIME_WAIT`
  const churn = isReused ? `${formatCount(connects.perSecond)} connects/s` : `${formatCount(connects.count)} connects`
  const message =
    withoutPort > 0
      ? `${formatCount(withoutPort)} connects found no free port of this client: it has ${range}${waiting}`
      : `${churn} take ${formatPercent(value)} of the ports that connect() tries first (limit ${formatPercent(limits.portsInUse)}): ${range}, each free again ${formatCount(waitSeconds)} s after its connection was closed${waiting}`
  return [
    {
      code: 'ports',
      severity: 'suspect',
      message,
      hint: portHint(ports, areForRequests),
      value: withoutPort > 0 ? Math.max(value, 1) : value,
      limit: limits.portsInUse,
    },
  ]
}

function portHint({ isLoopback, canReset }: PortUse, areForRequests: boolean): string {
  const more = isLoopback
    ? 'sourceAddresses: [127.0.0.2-127.0.0.33]'
    : 'sourceAddresses to several addresses of this machine'
  const closing = canReset ? 'reconnect: { when: every-request, close: reset }, which leaves no port waiting, or ' : ''
  return areForRequests
    ? `the client's ports are the limit, not the server: set ${more}, or ${closing}keep connections open (reconnect: { when: failure })`
    : `the client's ports are the limit, not the server: set ${more}, or ask for fewer connections (-c)`
}
