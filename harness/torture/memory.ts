import type { ProcessMemory } from '../host/processes.ts'
import { formatSize } from '../units.ts'

const sampleMs = 20
/** What any server may take in a trial: send queues that are full and bounded, and a heap that has grown a little. */
const riseBytesMin = 64 * 1024 * 1024
/** A heap that is collected now and then may grow by half of what it was before that happens. */
const riseShare = 0.5
/** A server may hold a whole message, and a copy of it. */
const messagesHeld = 2
/** Requests that a trial has under way at once, or replies to them: ten that are glued, both ways. */
const requestsHeld = 20
/** Memory set aside on the strength of an announced 2 GiB; nothing that a server does for a valid request comes near. */
const trustedBytesMin = 1024 ** 3

/** How far a server's memory rose, at most. */
export interface MemoryRise {
  readonly beforeBytes: number
  /** Over what it was at the start. */
  readonly residentBytes: number
  /** Over the least it was before. */
  readonly dataBytes: number
}

export interface MemoryWatch {
  /** How far it rose by now; undefined where nothing was seen. */
  rise(): MemoryRise | undefined
  /** Ends it; how far it rose in all. */
  stop(): MemoryRise | undefined
}

/** Takes samples of a server's memory until it is stopped. */
export function watchMemory(meter: () => ProcessMemory | undefined): MemoryWatch {
  const before = meter()
  let residentBytes = 0
  let dataBytes = 0
  let leastDataBytes = before?.dataBytes ?? 0
  function sample(): void {
    const now = meter()
    if (now === undefined || before === undefined) return
    residentBytes = Math.max(residentBytes, now.residentBytes - before.residentBytes)
    // What was set aside before may be given back meanwhile, and would hide what is set aside now.
    leastDataBytes = Math.min(leastDataBytes, now.dataBytes)
    dataBytes = Math.max(dataBytes, now.dataBytes - leastDataBytes)
  }
  const timer = setInterval(sample, sampleMs)
  function rise(): MemoryRise | undefined {
    return before && { beforeBytes: before.residentBytes, residentBytes, dataBytes }
  }
  return {
    rise,
    stop() {
      clearInterval(timer)
      sample()
      return rise()
    },
  }
}

export interface MemoryAllowance {
  /** The longest message of the protocol, where it has one. */
  readonly frameBytes: number
  readonly requestBytes: number
  /** What the trial gives the server cause to take besides. */
  readonly extraBytes: number
  /** The trial's messages announce far more than they have. */
  readonly announces: boolean
}

/** What is wrong with how far the memory rose; undefined where nothing is. */
export function memoryFault(
  { beforeBytes, residentBytes, dataBytes }: MemoryRise,
  { frameBytes, requestBytes, extraBytes, announces }: MemoryAllowance,
): string | undefined {
  const least = Math.max(riseBytesMin, beforeBytes * riseShare, frameBytes * messagesHeld)
  const allowed = least + requestBytes * requestsHeld + extraBytes
  if (residentBytes > allowed) {
    return `memory rose by ${formatSize(residentBytes)}, more than ${formatSize(allowed)}`
  }
  if (!announces || dataBytes < trustedBytesMin) return undefined
  return `${formatSize(dataBytes)} of memory were set aside for a length that was only announced`
}
