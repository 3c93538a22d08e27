import type dgram from 'node:dgram'
import { bindDatagramSocket, createDatagramSocket, type DatagramAddress } from '../server/datagramSocket.ts'
import type { ManagedServer } from '../server/managedServer.ts'
import { awaitQuiet } from '../server/quiet.ts'
import { type RelayCounters, relayCounters } from './counters.ts'
import { DatagramFlow } from './datagrams.ts'
import { lineBytesMax } from './flow.ts'
import type { RelayOptions } from './options.ts'
import { Timeline } from './timeline.ts'
import type { Upstream } from './upstream.ts'
import { createWays, type Way } from './way.ts'

/** Number of clients at the same time, each with a socket to the server; datagrams of others are rejected. */
const sessionsMaxDefault = 10_000
const idleSweepsPerTimeout = 10

type UdpUpstream = Extract<Upstream, { host: string }>

/** Starts to relay datagrams to `upstream`; throws a UserError if it cannot listen. */
export async function startUdpRelay(
  upstream: UdpUpstream,
  options: RelayOptions,
  sessionsMax: number = sessionsMaxDefault,
): Promise<ManagedServer<RelayCounters>> {
  const relay = new UdpRelay(upstream, options, sessionsMax)
  try {
    await relay.listen()
  } catch (error) {
    relay.timeline.close()
    throw error
  }
  return relay
}

class UdpRelay implements ManagedServer<RelayCounters> {
  readonly scheme = 'udp'
  address: DatagramAddress
  readonly timeline: Timeline
  readonly #upstream: UdpUpstream
  #socket!: dgram.Socket
  readonly #sessionsMax: number
  readonly #ways: { readonly up: Way; readonly down: Way }
  readonly #up: DatagramFlow<Session>
  readonly #down: DatagramFlow<Session>
  /** By address and port of the client. */
  readonly #sessions = new Map<string, Session>()
  readonly #idleTimeoutMs: number
  #sweeping: NodeJS.Timeout | undefined
  #rejected = 0
  #stopped: Promise<void> | undefined
  #isPaused = false

  constructor(upstream: UdpUpstream, options: RelayOptions, sessionsMax: number) {
    const { listen, settings, seed, idleTimeoutMs, createTimer } = options
    this.timeline = new Timeline(createTimer)
    this.address = listen as DatagramAddress
    this.#upstream = upstream
    this.#sessionsMax = sessionsMax
    this.#idleTimeoutMs = idleTimeoutMs
    this.#ways = createWays(settings, seed)
    const bytesMax = lineBytesMax(settings)
    const { up, down } = this.#ways
    this.#up = new DatagramFlow(this.timeline, up, bytesMax, (bytes, session) => this.#toServer(bytes, session))
    this.#down = new DatagramFlow(this.timeline, down, bytesMax, (bytes, session) => this.#toClient(bytes, session))
  }

  async listen(): Promise<void> {
    const { socket, address } = await bindDatagramSocket(this.address, (bytes, from) => this.#fromClient(bytes, from))
    this.#socket = socket
    this.address = address
    this.#sweeping = setInterval(() => this.#sweep(), this.#idleTimeoutMs / idleSweepsPerTimeout)
  }

  counters(): RelayCounters {
    return relayCounters(this.#ways, this.timeline, {
      connections: this.#sessions.size,
      rejected: this.#rejected,
      resets: 0,
    })
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    await awaitQuiet({
      received: () => this.#ways.up.datagramsIn + this.#ways.down.datagramsIn,
      isPending: () => this.#up.count + this.#down.count > 0,
      stopReading: () => {
        this.#isPaused = true
      },
    })
    clearInterval(this.#sweeping)
    for (const [key, session] of this.#sessions) this.#forget(key, session)
    await new Promise<void>(resolve => this.#socket.close(resolve))
    this.timeline.close()
  }

  #fromClient(bytes: Buffer, { address, port }: dgram.RemoteInfo): void {
    const key = `${address} ${port}`
    const session = this.#sessions.get(key) ?? this.#newSession(key, address, port)
    if (session === undefined || this.#isPaused) {
      this.#rejected++
      return
    }
    session.receivedMs = this.timeline.now()
    this.#up.send(bytes, session)
    this.timeline.fireDue()
  }

  #newSession(key: string, address: string, port: number): Session | undefined {
    if (this.#stopped !== undefined || this.#sessions.size >= this.#sessionsMax) return undefined
    const socket = createDatagramSocket(this.#upstream.host)
    const session: Session = { address, port, socket, receivedMs: 0, isForgotten: false }
    const { host: serverHost, port: serverPort } = this.#upstream
    socket.on('message', (bytes, from) => {
      // Datagrams of other senders are rejected, as on a connected socket.
      if (from.port !== serverPort || from.address !== serverHost) {
        this.#rejected++
        return
      }
      session.receivedMs = this.timeline.now()
      this.#down.send(bytes, session)
      this.timeline.fireDue()
    })
    // For example no file descriptor is left: the datagrams of this client are lost.
    socket.on('error', () => this.#forget(key, session))
    this.#sessions.set(key, session)
    return session
  }

  #toServer(bytes: Uint8Array, { socket, isForgotten }: Session): boolean {
    if (isForgotten) return false
    const { host, port } = this.#upstream
    socket.send(bytes, port, host, error => error && countAsLost(this.#ways.up, bytes))
    return true
  }

  #toClient(bytes: Uint8Array, { address, port }: Session): boolean {
    this.#socket.send(bytes, port, address, error => error && countAsLost(this.#ways.down, bytes))
    return true
  }

  #sweep(): void {
    const receivedMsMin = this.timeline.now() - this.#idleTimeoutMs
    for (const [key, session] of this.#sessions) {
      if (session.receivedMs < receivedMsMin) this.#forget(key, session)
    }
  }

  #forget(key: string, session: Session): void {
    if (session.isForgotten) return
    session.isForgotten = true
    session.socket.close()
    this.#sessions.delete(key)
  }
}

/** A client, and the socket that represents it to the server. */
interface Session {
  readonly address: string
  readonly port: number
  readonly socket: dgram.Socket
  receivedMs: number
  isForgotten: boolean
}

/** Corrects the counters for a datagram that the system did not send. */
function countAsLost(way: Way, bytes: Uint8Array): void {
  way.datagramsPassed--
  way.bytesPassed -= bytes.length
  way.lost++
}
