import { bindSetSchedule, type CLibrary, loadCLibrary } from '../cLibrary.ts'
import { messageOf } from '../errors.ts'
import { bindSocketCalls, type SocketCalls } from '../socketOptions.ts'

/**
 * The calls of the C library that the epoll transport and the null server use. Every call is done with the memory it
 * gets when it returns: none is asynchronous, so the kernel never holds an address while the garbage collector runs,
 * and typed arrays can be passed directly. A negative result is an error, whose number `errno` returns.
 */
export interface Libc extends SocketCalls {
  readonly errno: () => number
  readonly bind: (descriptor: number, address: Uint8Array, length: number) => number
  readonly connect: (descriptor: number, address: Uint8Array, length: number) => number
  readonly listen: (descriptor: number, backlog: number) => number
  readonly accept: (descriptor: number, address: null, length: null, flags: number) => number
  readonly getsockname: (descriptor: number, address: Uint8Array, length: Int32Array) => number
  readonly send: (descriptor: number, bytes: Uint8Array, length: number, flags: number) => number
  readonly recv: (descriptor: number, bytes: Uint8Array, length: number, flags: number) => number
  readonly epollCreate: (flags: number) => number
  readonly epollControl: (epoll: number, operation: number, descriptor: number, event: Int32Array) => number
  /** `timeout` in milliseconds. */
  readonly epollWait: (epoll: number, events: Int32Array, most: number, timeout: number) => number
  /** `timeout` is a timespec of two 64-bit numbers; undefined where the library lacks the call. */
  readonly epollWaitPrecisely:
    | ((epoll: number, events: Int32Array, most: number, timeout: Int32Array, signals: null) => number)
    | undefined
  readonly prctl: (option: number, argument: number) => number
  /** sched_setattr(2), for which older versions of the library have no function. */
  readonly schedSetattr: (attributes: Int32Array) => number
}

/** Numbers of the Linux ABI that are the same on x86-64 and arm64. */
export const abi = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  SOL_IP: 0,
  IP_BIND_ADDRESS_NO_PORT: 24,
  SOL_SOCKET: 1,
  SO_ERROR: 4,
  SO_LINGER: 13,
  SOL_TCP: 6,
  TCP_NODELAY: 1,
  TCP_INFO: 11,
  EPOLL_CLOEXEC: 0o2000000,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_MOD: 3,
  EPOLLIN: 0x1,
  EPOLLOUT: 0x4,
  EPOLLERR: 0x8,
  EPOLLHUP: 0x10,
  PR_SET_TIMERSLACK: 29,
  EINTR: 4,
  EAGAIN: 11,
  ENOENT: 2,
  ENOSYS: 38,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EINPROGRESS: 115,
} as const

/** `struct epoll_event` in 32-bit words: packed on x86-64, aligned on arm64. */
export const epollEvent = process.arch === 'x64' ? { words: 3, data: 1 } : { words: 4, data: 2 }

/** The places of fields in `struct tcp_info`, in 32-bit words, and the number of words that are read. */
export const tcpInfoWord = { rtt: 17, totalRetrans: 25, minRtt: 37, all: 38 } as const

/** The calls of this machine's C library, or the reason why they cannot be made. */
export function loadLibc(): Libc | string {
  const library = loadCLibrary()
  if (typeof library === 'string') return library
  try {
    return bindLibc(library)
  } catch (error) {
    return `the C library lacks a call (${messageOf(error).split('\n')[0]})`
  }
}

function bindLibc(library: CLibrary): Libc {
  const bind = library.bind
  const { socket, close, getsockopt, setsockopt } = bindSocketCalls(library)
  let epollWaitPrecisely: Libc['epollWaitPrecisely']
  try {
    epollWaitPrecisely = bind('int epoll_pwait2(int, void *, int, const void *, const void *)')
  } catch {
    // glibc before 2.35.
  }
  return {
    errno: library.errno,
    socket,
    bind: bind('int bind(int, const void *, uint32_t)'),
    connect: bind('int connect(int, const void *, uint32_t)'),
    listen: bind('int listen(int, int)'),
    accept: bind('int accept4(int, void *, void *, int)'),
    getsockname: bind('int getsockname(int, void *, void *)'),
    close,
    send: bind('int64_t send(int, const void *, size_t, int)'),
    recv: bind('int64_t recv(int, void *, size_t, int)'),
    getsockopt,
    setsockopt,
    epollCreate: bind('int epoll_create1(int)'),
    epollControl: bind('int epoll_ctl(int, int, int, void *)'),
    epollWait: bind('int epoll_wait(int, void *, int, int)'),
    epollWaitPrecisely,
    prctl: bind('int prctl(int, unsigned long)'),
    schedSetattr: bindSetSchedule(library),
  }
}
