import { constants } from 'node:os'
import { shortenSlice } from '../cLibrary.ts'
import { type Clock, monotonicClock } from '../clock.ts'
import type { FailureKind } from '../failures.ts'
import { type SocketSettings, setBuffers } from '../socketOptions.ts'
import { ViewCache } from '../views.ts'
import { connectCause } from './connectCause.ts'
import { abi, epollEvent, type Libc, tcpInfoWord } from './libc.ts'
import {
  internetAddress,
  internetAddressBytes,
  internetAddressText,
  type SocketAddress,
  unixAddress,
} from './sockaddr.ts'
import {
  finished,
  type Loop,
  type TcpInfo,
  type Transport,
  type TransportOptions,
  type Written,
  writeQueueBytesMax,
  written,
} from './transport.ts'

const readBufferBytes = 64 * 1024
const eventsPerWait = 256
/** The longest sleep: how soon a control signal is seen. The thread gets no other events while it waits. */
const waitMsMax = 100
/**
 * Mode rate: closer than this to a wake the thread polls instead of sleeping, as the kernel of a virtual machine takes
 * that long to wake it. At 20 000 requests a second they leave 0.4 us late at the median instead of 21, for 0.64 of a
 * core instead of 0.53; at 2 000 a second the cost cannot be measured.
 */
const spinMs = 0.03

/** Of two names with one number the first: EAGAIN, not EWOULDBLOCK. */
const errorNames = new Map(
  Object.entries(constants.errno)
    .map(([name, number]) => [number, name] as const)
    .toReversed(),
)

const closed = 0
const connecting = 1
const open = 2

/**
 * Linux sockets through the C library: one epoll set for all connections of the worker, with no event loop and no
 * object of Node in the path. The thread that runs it is blocked in the kernel while there is nothing to do, so it can
 * be controlled through shared memory only.
 *
 * Every buffer that the kernel gets is an array that lives as long as the transport, or that the caller holds during
 * the call; and every call is done with its memory when it returns (see `Libc`). The kernel keeps no address between
 * calls.
 */
export function createEpollTransport(libc: Libc, options: TransportOptions, clock: Clock = monotonicClock): Transport {
  return new EpollTransport(libc, options, clock)
}

class EpollTransport implements Transport {
  readonly name = 'epoll'
  readonly #libc: Libc
  readonly #clock: Clock
  readonly #target: SocketAddress
  readonly #sources: readonly SocketAddress[]
  /** By link, its connects so far: each has the next source, so that few links with many connections use the ports of all. */
  readonly #connects: Uint32Array
  readonly #firstConnection: number
  readonly #type: number
  readonly #isDatagram: boolean
  readonly #isInternetStream: boolean
  readonly #socket: SocketSettings
  readonly #epoll: number
  readonly #readBuffer = new Uint8Array(readBufferBytes)
  readonly #events = new Int32Array(eventsPerWait * epollEvent.words)
  readonly #event = new Int32Array(epollEvent.words)
  readonly #timespec = new Int32Array(4)
  readonly #option = new Int32Array(1)
  readonly #infoWords = new Int32Array(tcpInfoWord.all)
  readonly #info: TcpInfo = { roundTripMs: 0, leastRoundTripMs: 0, retransmits: 0 }
  readonly #optionLength = new Int32Array(1)
  /** On, and for no time: the connection is reset as it is closed. */
  readonly #linger = Int32Array.of(1, 0)
  readonly #views = new ViewCache()
  #waitsPrecisely: boolean
  readonly #spinMs: number

  /** By link. */
  readonly #state: Uint8Array
  readonly #descriptor: Int32Array
  /** Counts the connections of a link, so that an event of a closed one is not taken for one of the next. */
  readonly #generation: Int32Array
  readonly #queues: (Queue | undefined)[]
  /** Links whose connect has failed within the call; the next wake reports them to the loop. */
  readonly #failedConnects: { link: number; cause: FailureKind }[] = []

  retransmits = 0
  idleMs = 0
  #wakeTime = Number.NEGATIVE_INFINITY

  constructor(libc: Libc, options: TransportOptions, clock: Clock) {
    const { address, links, sourceAddresses = [], firstConnection = 0, socket = {} } = options
    this.#socket = socket
    this.#libc = libc
    this.#clock = clock
    this.#target = address.scheme === 'unix' ? unixAddress(address.path) : internetAddress(address.host, address.port)
    this.#type = (address.scheme === 'udp' ? abi.SOCK_DGRAM : abi.SOCK_STREAM) | abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC
    this.#sources = sourceAddresses.map(source => internetAddress(source, 0))
    this.#connects = new Uint32Array(sourceAddresses.length > 0 ? links : 0)
    this.#firstConnection = firstConnection
    this.#spinMs = options.isPaced === true ? spinMs : 0
    this.#isDatagram = address.scheme === 'udp'
    this.#isInternetStream = address.scheme === 'tcp'
    this.#epoll = libc.epollCreate(abi.EPOLL_CLOEXEC)
    if (this.#epoll < 0) throw new Error(`epoll_create1 failed with error ${libc.errno()}`)
    this.#waitsPrecisely = libc.epollWaitPrecisely !== undefined
    this.#state = new Uint8Array(links)
    this.#descriptor = new Int32Array(links)
    this.#generation = new Int32Array(links)
    this.#queues = new Array<Queue | undefined>(links).fill(undefined)
  }

  connect(link: number): void {
    const libc = this.#libc
    const descriptor = libc.socket(this.#target.family, this.#type, 0)
    if (descriptor < 0) {
      this.#failConnect(link, libc.errno())
      return
    }
    setBuffers(libc, descriptor, this.#socket)
    if (this.#isInternetStream && this.#socket.noDelay !== false) {
      this.#enable(descriptor, abi.SOL_TCP, abi.TCP_NODELAY)
    }
    const isBound = this.#sources.length === 0 || this.#bindSource(descriptor, link)
    const failed = !isBound || libc.connect(descriptor, this.#target.bytes, this.#target.bytes.length) < 0
    const error = failed ? libc.errno() : 0
    if (failed && error !== abi.EINPROGRESS) {
      libc.close(descriptor)
      this.#failConnect(link, error)
      return
    }
    this.#state[link] = connecting
    this.#descriptor[link] = descriptor
    this.#generation[link]!++
    // A connecting socket becomes writable once it is connected or has failed.
    this.#watch(link, abi.EPOLL_CTL_ADD, abi.EPOLLOUT)
  }

  write(link: number, bytes: Uint8Array, from: number, to: number): Written {
    if (this.#state[link] !== open) return written.refused
    const queue = this.#queues[link]
    if (queue !== undefined) return this.#enqueue(queue, bytes, from, to)
    const length = to - from
    const sent = this.#send(link, bytes, from, to)
    if (sent === length) return written.taken
    // A broken connection shows up as its next event; only a full buffer is a reason to wait.
    if (sent < 0 && this.#libc.errno() !== abi.EAGAIN) {
      // With UDP this error was the event, and the datagram was not sent. Sent again it goes out, and brings the next
      // one.
      if (this.#isDatagram && this.#libc.errno() === abi.ECONNREFUSED) this.#send(link, bytes, from, to)
      return written.taken
    }
    if (length > writeQueueBytesMax) return written.refused
    const rest = new Queue()
    this.#queues[link] = rest
    this.#watch(link, abi.EPOLL_CTL_MOD, abi.EPOLLIN | abi.EPOLLOUT)
    return this.#enqueue(rest, bytes, from + Math.max(0, sent), to)
  }

  close(link: number, isReset = false): void {
    if (this.#state[link] === closed) return
    if (isReset && this.#isInternetStream) {
      this.#libc.setsockopt(
        this.#descriptor[link]!,
        abi.SOL_SOCKET,
        abi.SO_LINGER,
        this.#linger,
        this.#linger.byteLength,
      )
    }
    this.retransmits += this.tcpInfo(link)?.retransmits ?? 0
    this.#state[link] = closed
    this.#queues[link] = undefined
    // The kernel removes a closed descriptor from the epoll set.
    this.#libc.close(this.#descriptor[link]!)
  }

  queuedBytes(link: number): number {
    return this.#queues[link]?.bytes ?? 0
  }

  localAddress(link: number): string | undefined {
    if (this.#state[link] !== open) return undefined
    const bytes = new Uint8Array(internetAddressBytes)
    this.#optionLength[0] = bytes.length
    const isKnown = this.#libc.getsockname(this.#descriptor[link]!, bytes, this.#optionLength) === 0
    return isKnown ? internetAddressText(bytes) : undefined
  }

  tcpInfo(link: number): TcpInfo | undefined {
    if (!this.#isInternetStream || this.#state[link] !== open) return undefined
    const words = this.#infoWords
    this.#optionLength[0] = words.byteLength
    const descriptor = this.#descriptor[link]!
    if (this.#libc.getsockopt(descriptor, abi.SOL_TCP, abi.TCP_INFO, words, this.#optionLength) < 0) return undefined
    const info = this.#info
    info.roundTripMs = words[tcpInfoWord.rtt]! / 1000
    info.leastRoundTripMs = words[tcpInfoWord.minRtt]! / 1000
    info.retransmits = words[tcpInfoWord.totalRetrans]!
    return info
  }

  now(): number {
    return this.#clock.now()
  }

  wakeAt(time: number): void {
    if (time < this.#wakeTime) this.#wakeTime = time
  }

  async run(loop: Loop): Promise<void> {
    this.#libc.prctl(abi.PR_SET_TIMERSLACK, 1)
    shortenSlice(this.#libc.schedSetattr)
    try {
      let now = this.#clock.now()
      for (;;) {
        if (now >= this.#wakeTime) {
          this.#wakeTime = Number.POSITIVE_INFINITY
          this.#reportFailedConnects(loop, now)
          const next = loop.wake(now)
          if (next === finished) return
          this.wakeAt(next)
          now = this.#clock.now()
        }
        const ready = this.#wait(Math.min(waitMsMax, Math.max(0, this.#wakeTime - now - this.#spinMs)))
        const waitedUntil = this.#clock.now()
        this.idleMs += waitedUntil - now
        for (let index = 0; index < ready; index++) this.#handle(loop, index * epollEvent.words)
        // Reading the clock allocates 16 bytes: a wait without events needs only one reading.
        now = ready > 0 ? this.#clock.now() : waitedUntil
      }
    } finally {
      for (let link = 0; link < this.#state.length; link++) this.close(link)
      this.#libc.close(this.#epoll)
    }
  }

  #send(link: number, bytes: Uint8Array, from: number, to: number): number {
    const view = this.#views.view(bytes, from, to)
    return this.#libc.send(this.#descriptor[link]!, view, to - from, abi.MSG_DONTWAIT | abi.MSG_NOSIGNAL)
  }

  #wait(milliseconds: number): number {
    const libc = this.#libc
    if (this.#waitsPrecisely) {
      this.#timespec[0] = 0
      this.#timespec[2] = milliseconds * 1e6
      const ready = libc.epollWaitPrecisely!(this.#epoll, this.#events, eventsPerWait, this.#timespec, null)
      if (ready >= 0) return ready
      if (libc.errno() !== abi.ENOSYS) return 0
      // Linux before 5.11.
      this.#waitsPrecisely = false
    }
    return Math.max(0, libc.epollWait(this.#epoll, this.#events, eventsPerWait, Math.ceil(milliseconds)))
  }

  #handle(loop: Loop, at: number): void {
    const events = this.#events[at]!
    const link = this.#events[at + epollEvent.data]!
    const state = this.#state[link]!
    if (state === closed || this.#events[at + epollEvent.data + 1] !== this.#generation[link]) return
    if (state === connecting) {
      this.#finishConnect(loop, link)
      return
    }
    if ((events & abi.EPOLLOUT) !== 0 && this.#flush(link)) loop.drained?.(link, this.#clock.now())
    // The loop may have closed the link.
    if ((events & ~abi.EPOLLOUT) !== 0 && this.#state[link] === open) this.#read(loop, link)
  }

  #read(loop: Loop, link: number): void {
    const buffer = this.#readBuffer
    const received = this.#libc.recv(this.#descriptor[link]!, buffer, readBufferBytes, abi.MSG_DONTWAIT)
    if (received > 0) {
      loop.received(link, buffer, 0, received, this.#clock.now())
      return
    }
    const error = received < 0 ? this.#libc.errno() : 0
    // A datagram may be empty; a stream without bytes has ended.
    if (error === abi.EAGAIN || error === abi.EINTR || (received === 0 && this.#isDatagram)) return
    this.close(link)
    const cause = error === 0 ? 'closed-early' : error === abi.ECONNREFUSED ? 'connect-refused' : 'reset'
    loop.closed(link, cause, this.#clock.now())
  }

  #finishConnect(loop: Loop, link: number): void {
    const error = this.#connectError(link)
    const now = this.#clock.now()
    if (error === 0) {
      this.#state[link] = open
      this.#watch(link, abi.EPOLL_CTL_MOD, abi.EPOLLIN)
      loop.opened(link, now)
      return
    }
    this.close(link)
    loop.closed(link, this.#connectCause(error), now)
  }

  #connectError(link: number): number {
    this.#optionLength[0] = 4
    this.#libc.getsockopt(this.#descriptor[link]!, abi.SOL_SOCKET, abi.SO_ERROR, this.#option, this.#optionLength)
    return this.#option[0]!
  }

  /** Leaves the port to the connect, which can then reuse one that is in use towards another target. */
  #bindSource(descriptor: number, link: number): boolean {
    const turn = this.#firstConnection + link + this.#connects[link]!++
    const source = this.#sources[turn % this.#sources.length]!
    this.#enable(descriptor, abi.SOL_IP, abi.IP_BIND_ADDRESS_NO_PORT)
    return this.#libc.bind(descriptor, source.bytes, source.bytes.length) === 0
  }

  #enable(descriptor: number, level: number, name: number): void {
    this.#option[0] = 1
    this.#libc.setsockopt(descriptor, level, name, this.#option, 4)
  }

  #watch(link: number, operation: number, events: number): void {
    this.#event[0] = events
    this.#event[epollEvent.data] = link
    this.#event[epollEvent.data + 1] = this.#generation[link]!
    this.#libc.epollControl(this.#epoll, operation, this.#descriptor[link]!, this.#event)
  }

  #enqueue(queue: Queue, bytes: Uint8Array, from: number, to: number): Written {
    if (queue.bytes + to - from > writeQueueBytesMax) return written.refused
    queue.parts.push(new Uint8Array(bytes.subarray(from, to)))
    queue.bytes += to - from
    return written.taken
  }

  /** Writes the queue, as far as the kernel takes it; returns whether nothing is left of it. */
  #flush(link: number): boolean {
    const queue = this.#queues[link]
    if (queue === undefined) return false
    while (queue.parts.length > 0) {
      const part = queue.parts[0]!
      const sent = this.#libc.send(this.#descriptor[link]!, part, part.length, abi.MSG_DONTWAIT | abi.MSG_NOSIGNAL)
      // A datagram that cannot be sent at all is lost; a broken stream shows up as its next event.
      const isLost = sent < 0 && this.#isDatagram && this.#libc.errno() !== abi.EAGAIN
      if (sent < 0 && !isLost) return false
      queue.bytes -= isLost ? part.length : sent
      if (!isLost && sent < part.length) {
        queue.parts[0] = part.subarray(sent)
        return false
      }
      queue.parts.shift()
    }
    this.#queues[link] = undefined
    this.#watch(link, abi.EPOLL_CTL_MOD, abi.EPOLLIN)
    return true
  }

  /** A connect has failed within the call: the next wake tells the loop. */
  #failConnect(link: number, error: number): void {
    this.#failedConnects.push({ link, cause: this.#connectCause(error) })
    this.wakeAt(this.#clock.now())
  }

  #connectCause(error: number): FailureKind {
    return connectCause(errorNames.get(error), !this.#isInternetStream && !this.#isDatagram)
  }

  #reportFailedConnects(loop: Loop, now: number): void {
    for (const { link, cause } of this.#failedConnects.splice(0)) loop.closed(link, cause, now)
  }
}

/** Bytes written to a connection that the kernel has not taken yet. */
class Queue {
  readonly parts: Uint8Array[] = []
  bytes = 0
}
