import type dgram from 'node:dgram'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import { overDatagrams } from '../../harness/protocols/datagram.ts'
import { type Protocol, tooLarge } from '../../harness/protocols/protocol.ts'
import type { BufferSizes } from '../../harness/socketOptions.ts'
import { Connections } from './connections.ts'
import { RunningTotals, type ServerCounters } from './counters.ts'
import { DatagramReplies } from './datagramReplies.ts'
import { bindDatagramSocket, type DatagramAddress } from './datagramSocket.ts'
import { IdleTimeout } from './idleTimeout.ts'
import { answerMsMax, type ManagedServer } from './managedServer.ts'
import { awaitQuiet } from './quiet.ts'
import type { Service } from './service.ts'
import type { TrafficLog } from './trafficLog.ts'
import { Peer } from './udpPeer.ts'

/** Number of clients known at the same time; datagrams of others are rejected. */
const peersMaxDefault = 100_000
const idleTimeoutMsDefault = 60_000
/** Receive buffer requested from the kernel, which may grant less (net.core.rmem_max). */
const receiveBufferBytes = 4 * 1024 * 1024
/** Bytes that may wait to be sent; a reply beyond them is lost, as in a network. */
const sendQueueBytesMax = 16 * 1024 * 1024

export interface UdpServerSettings {
  readonly listen: ListenAddress
  readonly service: Service
  /** Number of clients known at the same time. */
  readonly connectionsMax?: number
  /** A client that has been silent for this long is forgotten. */
  readonly idleTimeoutMs?: number
  /** The buffers of its socket. */
  readonly socket?: BufferSizes
  /** Is told of clients and of what is sent to them; of messages the service tells it. */
  readonly log?: TrafficLog
}

/** Starts to listen for datagrams, each of which is a message; throws a UserError if that fails. */
export async function startUdpServer(settings: UdpServerSettings): Promise<ManagedServer> {
  const server = new UdpServer(settings)
  await server.listen()
  return server
}

class UdpServer implements ManagedServer {
  readonly scheme = 'udp'
  unanswered = 0
  address: DatagramAddress
  readonly peers: Connections<Peer>
  readonly #byAddress = new Map<string, Peer>()
  readonly #service: Service
  readonly #protocol: Protocol
  readonly #replies = new DatagramReplies()
  readonly #idle: IdleTimeout<Peer>
  readonly #log: TrafficLog | undefined
  readonly #buffers: BufferSizes
  #socket!: dgram.Socket
  readonly #totals = new RunningTotals()
  #datagrams = 0
  #unfinished: Peer[] = []
  #isPaused = false
  #stopped: Promise<void> | undefined

  constructor({ listen, service, connectionsMax, idleTimeoutMs, log, socket = {} }: UdpServerSettings) {
    this.#buffers = socket
    this.address = listen as DatagramAddress
    this.#log = log
    this.peers = new Connections(connectionsMax ?? peersMaxDefault)
    this.#service = service
    this.#protocol = overDatagrams(service.protocol)
    this.#idle = new IdleTimeout(
      idleTimeoutMs ?? idleTimeoutMsDefault,
      peer => this.#forget(peer),
      peer => this.#pending(peer) > 0,
    )
  }

  async listen(): Promise<void> {
    const receive = (bytes: Uint8Array, from: dgram.RemoteInfo) => this.#received(bytes, from)
    try {
      const { receiveBuffer = receiveBufferBytes, sendBuffer } = this.#buffers
      const bound = await bindDatagramSocket(this.address, receive, {
        recvBufferSize: receiveBuffer,
        ...(sendBuffer !== undefined && { sendBufferSize: sendBuffer }),
      })
      this.#socket = bound.socket
      this.address = bound.address
    } catch (error) {
      this.#idle.stop()
      throw error
    }
  }

  counters(): ServerCounters {
    return this.#totals.read(this.peers.length, this.#replies.bytesOut)
  }

  stop(answerMs = answerMsMax): Promise<void> {
    this.#stopped ??= this.#stop(answerMs)
    return this.#stopped
  }

  get queuedBytes(): number {
    return this.#socket.getSendQueueSize()
  }

  /** Sends a datagram; false when the bytes are still needed and must not change. */
  sendTo(peer: Peer, bytes: Uint8Array): boolean {
    if (this.queuedBytes + bytes.length > sendQueueBytesMax) {
      this.#totals.buffersFull++
      return true
    }
    this.#log?.sent(peer, bytes)
    // A datagram that cannot be sent is lost, which UDP allows.
    this.#socket.send(bytes, peer.port, peer.address)
    return this.#socket.getSendQueueCount() === 0
  }

  /** Sends bytes that are no reply to a message. */
  sendApart(peer: Peer, bytes: Uint8Array): void {
    this.sendTo(peer, bytes)
    this.#totals.bytesSent += bytes.length
  }

  finishLater(peer: Peer): void {
    if (this.#unfinished.push(peer) === 1) setImmediate(() => this.#finishAll())
  }

  finishNow(peer: Peer): void {
    if (this.#service.finish === undefined || peer.isForgotten) return
    peer.activeTick = this.#idle.tick
    this.#replies.start(peer)
    this.#service.finish(peer, this.#replies)
    this.#replies.flush()
  }

  reject(): void {
    this.#totals.rejected++
  }

  async #stop(answerMs: number): Promise<void> {
    const quiescible = {
      // Clients that keep sending are not waited for once reading has stopped.
      received: () => (this.#isPaused ? 0 : this.#datagrams),
      isPending: () => this.#isPending(),
      stopReading: () => {
        this.#isPaused = true
      },
    }
    await awaitQuiet(quiescible, answerMs)
    this.#idle.stop()
    for (const peer of this.peers) {
      this.unanswered += this.#pending(peer)
      this.#forget(peer)
    }
    this.#log?.end()
    await new Promise<void>(resolve => this.#socket.close(() => resolve()))
  }

  #isPending(): boolean {
    if (this.#service.pending === undefined) return false
    for (const peer of this.peers) if (this.#pending(peer) > 0) return true
    return false
  }

  #pending(peer: Peer): number {
    return this.#service.pending?.(peer) ?? 0
  }

  /** A datagram is one message, except for an empty one, which only probes whether the port is open. */
  #received(bytes: Uint8Array, { address, port }: dgram.RemoteInfo): void {
    this.#datagrams++
    this.#totals.bytesIn += bytes.length
    if (bytes.length === 0 || this.#isPaused) return
    const key = `${address} ${port}`
    const peer = this.#byAddress.get(key) ?? this.#newPeer(key, address, port)
    if (peer === undefined) {
      this.#totals.rejected++
      return
    }
    peer.activeTick = this.#idle.tick
    const end = this.#protocol.frameEnd(bytes, 0, bytes.length, 0)
    const isOverlong = end === tooLarge && this.#service.overlong !== undefined
    if (end < 0) this.#totals.rejected++
    if (end < 0 && !isOverlong) return
    this.#totals.requests++
    this.#replies.start(peer)
    if (isOverlong) this.#service.overlong?.(peer, bytes, 0, this.#replies)
    else this.#service.message(peer, bytes, 0, end, this.#replies)
    this.#replies.flush()
  }

  #newPeer(key: string, address: string, port: number): Peer | undefined {
    if (this.peers.isFull) return undefined
    const peer = new Peer(this, this.peers.nextLink(), { key, address, port })
    this.peers.set(peer)
    this.#byAddress.set(key, peer)
    this.#idle.add(peer)
    this.#log?.opened(peer, peer)
    this.#service.connect?.(peer)
    return peer
  }

  #forget(peer: Peer): void {
    if (!this.peers.delete(peer)) return
    peer.isForgotten = true
    this.#byAddress.delete(peer.key)
    this.#idle.delete(peer)
    this.#service.close?.(peer)
    this.#log?.closed(peer)
  }

  #finishAll(): void {
    const peers = this.#unfinished
    this.#unfinished = []
    for (const peer of peers) this.finishNow(peer)
  }
}
