import { abi, epollEvent, type Libc } from '../transports/libc.ts'
import { internetAddress, unixAddress } from '../transports/sockaddr.ts'
import { ViewCache } from '../views.ts'
import { type NullReplies, nothingOwed, type Owed } from './owed.ts'

const readBufferBytes = 64 * 1024
const eventsPerWait = 256
const backlog = 4096
/** The longest sleep: how soon the signal to stop is seen. */
const waitMs = 50
/** The number of the listening socket, in place of the link of a connection. */
const listener = -1

/** A server that listens already, and answers while `run` runs. */
export interface EpollNullServer {
  /** 0 for a unix socket. */
  readonly port: number
  /** Blocks the thread until it is stopped; throws when connections cannot be accepted. */
  run(isStopped: () => boolean): void
}

/**
 * The null server on Linux: for each readable event one system call to read and one to write, and almost nothing else.
 */
export function listenByEpoll(libc: Libc, replies: NullReplies, path?: string): EpollNullServer {
  const address = path === undefined ? internetAddress('127.0.0.1', 0) : unixAddress(path)
  const type = abi.SOCK_STREAM | abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC
  const descriptor = checked(libc, 'socket', libc.socket(address.family, type, 0))
  checked(libc, 'bind', libc.bind(descriptor, address.bytes, address.bytes.length))
  checked(libc, 'listen', libc.listen(descriptor, backlog))
  const bound = new Uint8Array(128)
  checked(libc, 'getsockname', libc.getsockname(descriptor, bound, Int32Array.of(bound.length)))
  const port = path === undefined ? new DataView(bound.buffer).getUint16(2) : 0
  return { port, run: isStopped => new EpollNullLoop(libc, replies, descriptor, path === undefined).run(isStopped) }
}

class EpollNullLoop {
  readonly #libc: Libc
  readonly #replies: NullReplies
  readonly #listener: number
  readonly #isInternet: boolean
  readonly #epoll: number
  readonly #buffer = new Uint8Array(readBufferBytes)
  readonly #events = new Int32Array(eventsPerWait * epollEvent.words)
  readonly #event = new Int32Array(epollEvent.words)
  readonly #on = Int32Array.of(1)
  readonly #views = new ViewCache()
  /** By link: the descriptor, or -1 where there is no connection. */
  readonly #descriptors: number[] = []
  readonly #owed: Owed[] = []
  readonly #freeLinks: number[] = []

  constructor(libc: Libc, replies: NullReplies, listening: number, isInternet: boolean) {
    this.#libc = libc
    this.#replies = replies
    this.#listener = listening
    this.#isInternet = isInternet
    this.#epoll = checked(libc, 'epoll_create1', libc.epollCreate(abi.EPOLL_CLOEXEC))
  }

  run(isStopped: () => boolean): void {
    const libc = this.#libc
    const events = this.#events
    try {
      this.#watch(this.#listener, listener, abi.EPOLL_CTL_ADD, abi.EPOLLIN)
      while (!isStopped()) {
        const ready = libc.epollWait(this.#epoll, events, eventsPerWait, waitMs)
        for (let index = 0; index < ready; index++) {
          const at = index * epollEvent.words
          const link = events[at + epollEvent.data]!
          if (link === listener) this.#accept()
          else if (this.#descriptors[link]! >= 0) this.#serve(link)
        }
      }
    } finally {
      for (const descriptor of this.#descriptors) if (descriptor >= 0) libc.close(descriptor)
      libc.close(this.#listener)
      libc.close(this.#epoll)
    }
  }

  #accept(): void {
    const libc = this.#libc
    for (let count = 0; count < backlog; count++) {
      const descriptor = libc.accept(this.#listener, null, null, abi.SOCK_NONBLOCK | abi.SOCK_CLOEXEC)
      if (descriptor < 0) {
        const error = libc.errno()
        if (error === abi.EAGAIN) return
        if (error === abi.EINTR || error === abi.ECONNABORTED) continue
        throw new Error(`accept4 failed with error ${error}`)
      }
      if (this.#isInternet) libc.setsockopt(descriptor, abi.SOL_TCP, abi.TCP_NODELAY, this.#on, 4)
      const link = this.#freeLinks.pop() ?? this.#descriptors.length
      this.#descriptors[link] = descriptor
      this.#owed[link] = nothingOwed()
      this.#watch(descriptor, link, abi.EPOLL_CTL_ADD, abi.EPOLLIN)
    }
  }

  /** A link waits either for something to read or to write what it owes, never for both. */
  #serve(link: number): void {
    const owed = this.#owed[link]!
    if (owed.left > 0) {
      if (this.#write(link, owed) && owed.left === 0) this.#rewatch(link, abi.EPOLLIN)
      return
    }
    const buffer = this.#buffer
    const received = this.#libc.recv(this.#descriptors[link]!, buffer, readBufferBytes, abi.MSG_DONTWAIT)
    if (received <= 0) {
      if (received === 0 || !this.#mayTryAgain()) this.#close(link)
      return
    }
    if (!this.#replies.answer(owed, link, buffer, received)) {
      this.#close(link)
      return
    }
    if (!this.#write(link, owed) || owed.left === 0) return
    // Nothing more is read until this is written, so that at most one read is kept for a connection.
    if (owed.isShared) {
      owed.block = owed.block.slice(owed.at, owed.at + owed.left)
      owed.at = 0
    }
    this.#rewatch(link, abi.EPOLLOUT)
  }

  /** Writes as much of what is owed as the kernel takes; false when the connection broke and was closed. */
  #write(link: number, owed: Owed): boolean {
    const libc = this.#libc
    const descriptor = this.#descriptors[link]!
    while (owed.left > 0) {
      const end = Math.min(owed.block.length, owed.at + owed.left)
      const part = this.#views.view(owed.block, owed.at, end)
      const sent = libc.send(descriptor, part, end - owed.at, abi.MSG_DONTWAIT | abi.MSG_NOSIGNAL)
      if (sent < 0) {
        if (this.#mayTryAgain()) return true
        this.#close(link)
        return false
      }
      owed.left -= sent
      owed.at = (owed.at + sent) % owed.block.length
    }
    return true
  }

  #mayTryAgain(): boolean {
    const error = this.#libc.errno()
    return error === abi.EAGAIN || error === abi.EINTR
  }

  #close(link: number): void {
    this.#libc.close(this.#descriptors[link]!)
    this.#descriptors[link] = -1
    this.#replies.drop(link)
    this.#freeLinks.push(link)
  }

  #rewatch(link: number, events: number): void {
    this.#watch(this.#descriptors[link]!, link, abi.EPOLL_CTL_MOD, events)
  }

  #watch(descriptor: number, link: number, operation: number, events: number): void {
    this.#event[0] = events
    this.#event[epollEvent.data] = link
    this.#libc.epollControl(this.#epoll, operation, descriptor, this.#event)
  }
}

function checked(libc: Libc, call: string, result: number): number {
  if (result < 0) throw new Error(`${call} failed with error ${libc.errno()}`)
  return result
}
