import { createRequire } from 'node:module'
import { endianness, getPriority } from 'node:os'
import { messageOf } from './errors.ts'

/** The C library of this machine. */
export interface CLibrary {
  /** A function of the library by its prototype; throws where the library lacks it. */
  bind<Call>(prototype: string): Call
  /** The number of the last error, on this thread. */
  errno(): number
}

/** The used part of koffi. Its own types come with the package, which is optional. */
interface Koffi {
  load(library: string): { func(prototype: string): (...values: never[]) => number }
  errno(): number
}

/** The C library, where its structures are known and koffi can call it, or the reason why not. */
export function loadCLibrary(): CLibrary | string {
  if (process.platform !== 'linux') return `${process.platform} is not Linux`
  if (process.arch !== 'x64' && process.arch !== 'arm64') return `${process.arch} is not supported, x64 and arm64 are`
  if (endianness() !== 'LE') return 'big-endian machines are not supported'
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi
    const library = koffi.load('libc.so.6')
    return { bind: <Call>(prototype: string) => library.func(prototype) as Call, errno: () => koffi.errno() }
  } catch (error) {
    return `koffi, which calls the C library, does not load (${messageOf(error).split('\n')[0]})`
  }
}

/** The shortest slice that the kernel accepts. */
const sliceNanoseconds = 100_000
const callNumber = process.arch === 'x64' ? 314 : 274
/** `struct sched_attr` in 32-bit words: the number of them, and the places of its length, niceness and slice. */
const attribute = { words: 12, length: 0, nice: 4, runtime: 6 } as const

/** sched_setattr(2) for the calling thread, for which older versions of the library have no function. */
export function bindSetSchedule(library: CLibrary): (attributes: Int32Array) => number {
  const call = library.bind<(number: number, thread: number, attributes: Int32Array, flags: number) => number>(
    'int64_t syscall(int64_t, int64_t, const void *, int64_t)',
  )
  return attributes => call(callNumber, 0, attributes, 0)
}

/**
 * A thread that wakes up with a shorter slice than the running one preempts it at once (EEVDF, Linux 6.12). Otherwise
 * what is due waits up to 3 ms for the end of the slice when another thread has the core. An older kernel refuses the
 * call or ignores it.
 */
export function shortenSlice(setSchedule: (attributes: Int32Array) => number): void {
  const attributes = new Int32Array(attribute.words)
  attributes[attribute.length] = attributes.byteLength
  attributes[attribute.nice] = getPriority()
  attributes[attribute.runtime] = sliceNanoseconds
  setSchedule(attributes)
}
