import type { ProcessMemory } from '../host/processes.ts'
import { formatSize } from '../units.ts'

const sampleMs = 20
/** What any server may use in a trial: full but bounded send queues, and a slightly larger heap. */
const riseBytesMin = 64 * 1024 * 1024
/** A garbage-collected heap may grow by half of its size before it is collected. */
const riseShare = 0.5
/** A server may hold a whole message, and a copy of it. */
const messagesHeld = 2
/** Requests and replies that a trial has in flight at once: ten glued ones, in both directions. */
const requestsHeld = 20
/** Memory that only an announced length of 2 GiB explains: far above what a server needs for a valid request. */
const announcedBytesMin = 1024 ** 3

/** The highest rise of a server's memory. */
export interface MemoryRise {
  readonly beforeBytes: number
  /** Above its value at the start. */
  readonly residentBytes: number
  /** Above the lowest value before. */
  readonly dataBytes: number
}

export interface MemoryWatch {
  /** The rise so far; undefined if no sample could be taken. */
  rise(): MemoryRise | undefined
  /** Stops sampling and gives the whole rise. */
  stop(): MemoryRise | undefined
}

/** Samples a server's memory every 20 ms until it is stopped. */
export function watchMemory(meter: () => ProcessMemory | undefined): MemoryWatch {
  const before = meter()
  let residentBytes = 0
  let dataBytes = 0
  let leastDataBytes = before?.dataBytes ?? 0
  function sample(): void {
    const now = meter()
    if (now === undefined || before === undefined) return
    residentBytes = Math.max(residentBytes, now.residentBytes - before.residentBytes)
    // Memory allocated earlier may be freed in the meantime, which would hide what is allocated now.
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
  /** The protocol's maxFrame; 0 if it has none. */
  readonly frameBytes: number
  readonly requestBytes: number
  /** What this trial allows in addition. */
  readonly extraBytes: number
  /** The trial's messages announce far more bytes than they have. */
  readonly announces: boolean
}

/** What is wrong with a rise of the memory; undefined if it is within the allowance. */
export function memoryFault(
  { beforeBytes, residentBytes, dataBytes }: MemoryRise,
  { frameBytes, requestBytes, extraBytes, announces }: MemoryAllowance,
): string | undefined {
  const least = Math.max(riseBytesMin, beforeBytes * riseShare, frameBytes * messagesHeld)
  const allowed = least + requestBytes * requestsHeld + extraBytes
  if (residentBytes > allowed) {
    return `memory rose by ${formatSize(residentBytes)}, more than ${formatSize(allowed)}`
  }
  if (!announces || dataBytes < announcedBytesMin) return undefined
  return `${formatSize(dataBytes)} of memory was allocated for a length that was only announced`
}
