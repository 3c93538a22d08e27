import { assert } from '../errors.ts'
import type { FailureKind } from '../failures.ts'
import { Heap } from '../heap.ts'
import { finished, type Loop, type Transport, type Written, writeQueueBytesMax, written } from './transport.ts'

/** The server of a `memory` transport: plain functions, called at simulated times. */
export interface MemoryServer {
  /** The cause for which a connect fails, if it does. */
  refuses?(link: number, now: number): FailureKind | undefined
  /** Whether a connect is never answered, as where its packets are lost. */
  ignores?(link: number, now: number): boolean
  accepted?(connection: MemoryConnection, now: number): void
  received?(connection: MemoryConnection, bytes: Uint8Array, now: number): void
  /** The client has closed the connection. */
  closed?(connection: MemoryConnection, now: number): void
}

/** The actions of a server on a connection; each happens after `delayMs`. */
export interface MemoryConnection {
  readonly link: number
  /** The address of the client. */
  readonly remoteAddress: string
  send(bytes: Uint8Array, delayMs?: number): void
  close(delayMs?: number): void
  reset(delayMs?: number): void
  /** Reads nothing more: what the client writes stays in its write queue. */
  stopReading(): void
  /** After `stopReading`: takes all that is queued by then, and reads nothing more. */
  readQueued(delayMs?: number): void
}

export interface MemoryTransport extends Transport {
  /** Calls `action` at a simulated time, for example to send a control signal. */
  at(time: number, action: (now: number) => void): void
  /** Within an action: the client stands still for so long, and finds all that happened meanwhile at once. */
  standStill(milliseconds: number): void
}

/** Events after which a simulation is assumed to be endless. */
const eventsMax = 50_000_000

/**
 * A network and a clock in memory: connects and bytes take the times they are given, everything happens in one fixed
 * order, and a run of minutes takes only as long as its events. For tests of the loop, and for experiments whose result
 * is known exactly.
 */
export function createMemoryTransport(server: MemoryServer, { connectMs = 0.05, wireMs = 0 } = {}): MemoryTransport {
  return new SimulatedTransport(server, connectMs, wireMs)
}

interface Event {
  readonly time: number
  readonly order: number
  readonly action: (now: number) => void
}

class SimulatedTransport implements MemoryTransport {
  readonly name = 'memory'
  time = 0
  loop!: Loop
  readonly server: MemoryServer
  readonly wireMs: number
  readonly #connectMs: number
  readonly #connections = new Map<number, SimulatedConnection>()
  readonly #events = new Heap<Event>(isBefore)
  #order = 0
  #wakeTime = 0

  constructor(server: MemoryServer, connectMs: number, wireMs: number) {
    this.server = server
    this.#connectMs = connectMs
    this.wireMs = wireMs
  }

  connect(link: number): void {
    assert(!this.#connections.has(link), `link ${link} is already connected`)
    const connection = new SimulatedConnection(this, link)
    this.#connections.set(link, connection)
    this.at(this.time + this.#connectMs, now => {
      if (!connection.open || this.server.ignores?.(link, now)) return
      const cause = this.server.refuses?.(link, now)
      if (cause !== undefined) {
        this.drop(connection)
        this.loop.closed(link, cause, now)
        return
      }
      this.server.accepted?.(connection, now)
      this.loop.opened(link, now)
    })
  }

  write(link: number, bytes: Uint8Array, from: number, to: number): Written {
    const connection = this.#connections.get(link)
    return connection === undefined ? written.refused : connection.take(Uint8Array.from(bytes.subarray(from, to)))
  }

  close(link: number): void {
    const connection = this.#connections.get(link)
    if (connection === undefined) return
    this.drop(connection)
    this.at(this.time + this.wireMs, now => this.server.closed?.(connection, now))
  }

  queuedBytes(link: number): number {
    return this.#connections.get(link)?.queuedBytes ?? 0
  }

  localAddress(link: number): string | undefined {
    return this.#connections.get(link)?.remoteAddress
  }

  /** Work takes no simulated time, so all of it is idle. */
  get idleMs(): number {
    return this.time
  }

  /** The simulated time, in milliseconds. */
  now(): number {
    return this.time
  }

  wakeAt(time: number): void {
    if (time < this.#wakeTime) this.#wakeTime = time
  }

  at(time: number, action: (now: number) => void): void {
    this.#events.add({ time: Math.max(time, this.time), order: this.#order++, action })
  }

  standStill(milliseconds: number): void {
    this.time += milliseconds
  }

  async run(loop: Loop): Promise<void> {
    this.loop = loop
    for (let count = 0; count < eventsMax; count++) {
      const next = this.#events.first
      if (next === undefined || this.#wakeTime <= next.time) {
        this.time = Math.max(this.time, this.#wakeTime)
        this.#wakeTime = Number.POSITIVE_INFINITY
        const wanted = loop.wake(this.time)
        if (wanted === finished) {
          for (const link of this.#connections.keys()) this.close(link)
          return
        }
        this.wakeAt(wanted)
      } else {
        this.#events.takeFirst()
        this.time = Math.max(this.time, next.time)
        next.action(this.time)
      }
    }
    throw new Error(`the simulation did not end within ${eventsMax} events`)
  }

  drop(connection: SimulatedConnection): void {
    connection.open = false
    this.#connections.delete(connection.link)
  }
}

class SimulatedConnection implements MemoryConnection {
  readonly link: number
  readonly remoteAddress: string
  open = true
  readonly #transport: SimulatedTransport
  /** Written by the client and not taken. */
  queuedBytes = 0
  #reading = true
  #queued: Uint8Array[] = []

  constructor(transport: SimulatedTransport, link: number) {
    this.#transport = transport
    this.link = link
    // Addresses of different lengths.
    this.remoteAddress = `127.0.0.1:${link + 8}`
  }

  take(bytes: Uint8Array): Written {
    if (!this.#reading) {
      if (this.queuedBytes + bytes.length > writeQueueBytesMax) return written.refused
      this.queuedBytes += bytes.length
      this.#queued.push(bytes)
      return written.taken
    }
    const { time: now, wireMs, server } = this.#transport
    this.#transport.at(now + wireMs, time => server.received?.(this, bytes, time))
    return written.taken
  }

  send(bytes: Uint8Array, delayMs = 0): void {
    const copy = Uint8Array.from(bytes)
    this.#later(delayMs, now => this.#transport.loop.received(this.link, copy, 0, copy.length, now))
  }

  close(delayMs = 0): void {
    this.#end('closed-early', delayMs)
  }

  reset(delayMs = 0): void {
    this.#end('reset', delayMs)
  }

  stopReading(): void {
    this.#reading = false
  }

  readQueued(delayMs = 0): void {
    this.#later(delayMs, now => {
      if (this.queuedBytes === 0) return
      this.queuedBytes = 0
      const { server } = this.#transport
      for (const bytes of this.#queued.splice(0)) server.received?.(this, bytes, now)
      this.#transport.loop.drained?.(this.link, now)
    })
  }

  #end(cause: FailureKind, delayMs: number): void {
    this.#later(delayMs, now => {
      this.#transport.drop(this)
      this.#transport.loop.closed(this.link, cause, now)
    })
  }

  #later(delayMs: number, action: (now: number) => void): void {
    this.#transport.at(this.#transport.time + this.#transport.wireMs + delayMs, now => {
      if (this.open) action(now)
    })
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}
