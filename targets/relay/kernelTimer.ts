import net from 'node:net'
import { bindSetSchedule, type CLibrary, loadCLibrary, shortenSlice } from '../../harness/cLibrary.ts'
import { UserError } from '../../harness/errors.ts'
import type { CreateWakeTimer, WakeTimer } from './wakeTimer.ts'

const clockMonotonic = 1
/** O_NONBLOCK and O_CLOEXEC, by which the flags of all three calls are defined, on x86-64 and arm64. */
const nonBlocking = 0o4000
const closeOnExec = 0o2000000
/** `struct itimerspec` in 32-bit words: an interval and a time, each of 64-bit seconds and nanoseconds. */
const timerSpec = { words: 8, seconds: 4, nanoseconds: 6 } as const
/** The kernel writes a count of eight bytes; a read that fills its buffer would be followed by another one. */
const readBufferBytes = 16
/** A longer sleep is continued. */
const delayMsMax = 3_600_000

interface TimerCalls {
  readonly pipe: (ends: Int32Array, flags: number) => number
  readonly createTimer: (clock: number, flags: number) => number
  readonly setTimer: (descriptor: number, flags: number, spec: Int32Array, before: null) => number
  readonly duplicate: (from: number, to: number, flags: number) => number
  readonly close: (descriptor: number) => number
  readonly errno: () => number
}

/**
 * Timers of the Linux kernel, which count nanoseconds, on Node's event loop; or the reason why there are none here. Within
 * `pollMs` of its time such a timer does not sleep but lets the event loop turn: sockets are read meanwhile.
 */
export function kernelTimers(pollMs: number): CreateWakeTimer | string {
  const library = loadCLibrary()
  if (typeof library === 'string') return library
  const calls = bindCalls(library)
  return wake => {
    shortenSlice(bindSetSchedule(library))
    return new KernelTimer(calls, wake, pollMs)
  }
}

function bindCalls(library: CLibrary): TimerCalls {
  return {
    pipe: library.bind('int pipe2(void *, int)'),
    createTimer: library.bind('int timerfd_create(int, int)'),
    setTimer: library.bind('int timerfd_settime(int, int, const void *, void *)'),
    duplicate: library.bind('int dup3(int, int, int)'),
    close: library.bind('int close(int)'),
    errno: library.errno,
  }
}

class KernelTimer implements WakeTimer {
  readonly #calls: TimerCalls
  readonly #wake: () => void
  readonly #pollMs: number
  readonly #socket: net.Socket
  readonly #descriptor: number
  readonly #spec = new Int32Array(timerSpec.words)
  #poll: NodeJS.Immediate | undefined
  #isClosed = false

  constructor(calls: TimerCalls, wake: () => void, pollMs: number) {
    this.#calls = calls
    this.#wake = wake
    this.#pollMs = pollMs
    const { socket, descriptor } = openTimer(calls, wake)
    this.#socket = socket
    this.#descriptor = descriptor
  }

  set(delayMs: number): void {
    if (this.#isClosed) return
    if (delayMs <= this.#pollMs) {
      this.#poll ??= setImmediate(this.#polled)
      return
    }
    // A time of zero would stop the timer.
    const nanoseconds = Math.max(1, Math.ceil(Math.min(delayMs - this.#pollMs, delayMsMax) * 1e6))
    const spec = this.#spec
    spec[timerSpec.seconds] = Math.floor(nanoseconds / 1e9)
    spec[timerSpec.nanoseconds] = nanoseconds % 1e9
    this.#calls.setTimer(this.#descriptor, 0, spec, null)
  }

  close(): void {
    this.#isClosed = true
    clearImmediate(this.#poll)
    this.#socket.destroy()
  }

  readonly #polled = (): void => {
    this.#poll = undefined
    this.#wake()
  }
}

/**
 * A timer's descriptor that Node's event loop waits for. Node takes only descriptors of kinds that it knows, so it gets the
 * end of a pipe, and the timer takes the place of that before the loop looks at it for the first time. This needs nothing
 * that Node does not document; a thread that sleeps and writes to a pipe would cost two switches of thread for each time.
 */
function openTimer(calls: TimerCalls, wake: () => void): { readonly socket: net.Socket; readonly descriptor: number } {
  const timer = check(calls, 'timerfd_create', calls.createTimer(clockMonotonic, nonBlocking | closeOnExec))
  const ends = new Int32Array(2)
  check(calls, 'pipe2', calls.pipe(ends, nonBlocking | closeOnExec))
  const [descriptor, otherEnd] = ends as unknown as [number, number]
  const onread = {
    buffer: new Uint8Array(readBufferBytes),
    callback() {
      wake()
      return true
    },
  }
  const socket = new net.Socket({
    fd: descriptor,
    readable: true,
    writable: false,
    onread,
  } as net.SocketConstructorOpts)
  check(calls, 'dup3', calls.duplicate(timer, descriptor, closeOnExec))
  calls.close(timer)
  calls.close(otherEnd)
  // What is relayed keeps the process alive, not the timer.
  socket.unref()
  return { socket, descriptor }
}

function check(calls: TimerCalls, name: string, result: number): number {
  if (result < 0) throw new UserError(`the system gives the relay no timer: ${name} failed with error ${calls.errno()}`)
  return result
}
