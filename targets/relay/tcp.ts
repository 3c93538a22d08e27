import net from 'node:net'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import { DirectSocket, type SocketHandlers } from '../../harness/socket.ts'
import { listenAt } from '../server/listen.ts'
import type { ManagedServer } from '../server/managedServer.ts'
import { awaitQuiet } from '../server/quiet.ts'
import { Replies } from '../server/replies.ts'
import { type RelayCounters, relayCounters } from './counters.ts'
import { type Mark, mark } from './delayLine.ts'
import { Flow, type FlowEnds, lineBytesMax, type Network } from './flow.ts'
import type { RelayOptions } from './options.ts'
import { type Job, Timeline } from './timeline.ts'
import type { Upstream } from './upstream.ts'
import { createWays, type Way } from './way.ts'

/** How long a connection that the relay has closed may take until both sides are closed. */
const lingerMs = 500

/** One read buffer for all connections of the process: each read is copied before the next one. */
const readBuffer = new Uint8Array(64 * 1024)

/** Starts to relay TCP connections to `upstream`; throws a UserError if it cannot listen. */
export async function startTcpRelay(
  upstream: Exclude<Upstream, { scheme: 'udp' }>,
  options: RelayOptions,
): Promise<ManagedServer<RelayCounters>> {
  const relay = new TcpRelay(upstream, options)
  try {
    await relay.listen()
  } catch (error) {
    relay.network.timeline.close()
    throw error
  }
  return relay
}

class TcpRelay implements ManagedServer<RelayCounters> {
  address: ListenAddress
  readonly network: Network
  readonly up: Way
  readonly down: Way
  readonly upstream: net.NetConnectOpts
  /** Number of reads so far, of all connections. */
  reads = 0
  resets = 0
  /** Nothing is read from clients any more. */
  isPaused = false
  readonly #listener: net.Server
  readonly #connections = new Set<RelayedConnection>()
  #rejected = 0
  #allClosed = () => {}

  constructor(upstream: Exclude<Upstream, { scheme: 'udp' }>, { listen, settings, seed, createTimer }: RelayOptions) {
    this.address = listen
    const { up, down } = createWays(settings, seed)
    this.up = up
    this.down = down
    this.network = {
      timeline: new Timeline(createTimer),
      replies: new Replies(),
      lineBytesMax: lineBytesMax(settings),
      heldBytes: 0,
    }
    const target = upstream.scheme === 'unix' ? { path: upstream.path } : { host: upstream.host, port: upstream.port }
    this.upstream = { ...target, allowHalfOpen: true } as net.NetConnectOpts
    this.#listener = net.createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, accepted => {
      this.#connections.add(new RelayedConnection(this, accepted))
    })
  }

  async listen(): Promise<void> {
    this.address = await listenAt(this.#listener, this.address, () => this.#rejected++)
  }

  counters(): RelayCounters {
    const own = { connections: this.#connections.size, rejected: this.#rejected, resets: this.resets }
    return relayCounters(this, this.network.timeline, own)
  }

  async stop(): Promise<void> {
    await this.#stop()
    this.network.timeline.close()
  }

  async #stop(): Promise<void> {
    this.#listener.close()
    await awaitQuiet({
      received: () => this.reads,
      isPending: () => [...this.#connections].some(connection => connection.isPending),
      stopReading: () => {
        this.isPaused = true
        for (const connection of this.#connections) connection.client.pauseSource()
      },
    })
    if (this.#connections.size === 0) return
    const forced = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy()
    }, lingerMs)
    const closed = new Promise<void>(resolve => {
      this.#allClosed = resolve
    })
    for (const connection of this.#connections) connection.end()
    await closed
    clearTimeout(forced)
  }

  closed(connection: RelayedConnection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#allClosed()
  }
}

/**
 * A client's connection and the one to the server that belongs to it. On the timeline it is the opening of the latter,
 * which takes half a round trip to get there.
 */
class RelayedConnection implements Job {
  dueMs = Number.POSITIVE_INFINITY
  sequence = 0
  readonly relay: TcpRelay
  readonly client: Side
  readonly server: Side
  #isOver = false

  constructor(relay: TcpRelay, accepted: net.Socket) {
    this.relay = relay
    const { network, up, down } = relay
    this.client = new Side(this)
    this.server = new Side(this)
    this.client.connectTo(this.server, new Flow(network, up, this.client))
    this.server.connectTo(this.client, new Flow(network, down, this.server))
    this.client.socket = DirectSocket.accept(accepted, readBuffer, this.client, { allowHalfOpen: true })
    this.client.isOpen = true
    network.timeline.add(this, up.markArrivalMs(network.timeline.now()))
    network.timeline.fireDue()
  }

  get isPending(): boolean {
    const isOpening = this.server.socket === undefined && this.dueMs < Number.POSITIVE_INFINITY
    return isOpening || this.client.out.isPending || this.server.out.isPending
  }

  /** The opening has arrived at the server. */
  fire(): void {
    if (!this.#isOver) this.server.socket = DirectSocket.connect(this.relay.upstream, readBuffer, this.server)
  }

  /** Resets both sides. */
  reset(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.relay.resets++
    this.client.socket?.reset()
    this.server.socket?.reset()
  }

  /** Closes both sides gracefully, and discards what still comes in. */
  end(): void {
    this.#isOver = true
    this.client.end()
    this.server.end()
    this.sideClosed()
  }

  destroy(): void {
    this.client.socket?.destroy()
    this.server.socket?.destroy()
  }

  /** The connection is closed when both sides are, or when the one to the server will never be opened. */
  sideClosed(): void {
    const willOpen = !this.#isOver && this.server.socket === undefined
    if (!willOpen && this.client.isClosed && (this.server.isClosed || this.server.socket === undefined)) {
      this.relay.closed(this)
    }
  }
}

/** One side of a relayed connection, and the flow of the bytes that it sends to the other one. */
class Side implements SocketHandlers, FlowEnds {
  socket: DirectSocket | undefined
  isOpen = false
  isClosed = false
  out!: Flow
  readonly #connection: RelayedConnection
  #peer!: Side
  #hasEnded = false

  constructor(connection: RelayedConnection) {
    this.#connection = connection
  }

  connectTo(peer: Side, out: Flow): void {
    this.#peer = peer
    this.out = out
  }

  get destination(): DirectSocket | undefined {
    const { isOpen, isClosed, socket } = this.#peer
    return isOpen && !isClosed ? socket : undefined
  }

  connected(): void {
    this.isOpen = true
    this.#peer.out.proceed()
  }

  data(buffer: Uint8Array, bytes: number): void {
    const { relay } = this.#connection
    relay.reads++
    this.out.send(buffer, 0, bytes)
    relay.network.timeline.fireDue()
  }

  ended(): void {
    this.#hasEnded = true
    this.#sendMark(mark.end)
  }

  drained(): void {
    this.#peer.out.proceed()
  }

  closed(error: NodeJS.ErrnoException | undefined): void {
    this.isClosed = true
    if (error !== undefined || !this.#hasEnded) this.#sendMark(mark.reset)
    // Bytes on their way to this side are lost.
    this.#peer.out.cut()
    this.#connection.sideClosed()
  }

  marked(kind: Mark): void {
    if (kind === mark.reset) this.#connection.reset()
    else this.#peer.socket?.end()
  }

  pauseSource(): void {
    this.socket?.socket.pause()
  }

  resumeSource(): void {
    const { relay, client } = this.#connection
    if (relay.isPaused && this === client) return
    this.socket?.socket.resume()
  }

  end(): void {
    this.out.cut()
    this.socket?.end()
    this.socket?.socket.resume()
  }

  #sendMark(kind: Mark): void {
    this.#connection.relay.reads++
    this.out.sendMark(kind)
    this.#connection.relay.network.timeline.fireDue()
  }
}
