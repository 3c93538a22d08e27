import type { Address } from '../transports/transport.ts'
import { formatSetting } from '../units.ts'
import { ServerFault } from './fault.ts'
import { type Peer, Peers, type Reply } from './peer.ts'
import { idOf, type Subject, validRequests } from './subject.ts'

/**
 * How long pieces of a message are written apart. With Nagle's algorithm off each goes out at once; a server that is
 * not busy has read it by then. Where it has not, it meets two pieces in one read, which is no fault of its own.
 */
const apartMs = 10
/** How long no reply too many may come in after the last one that is due. */
const quietMs = 30
/** Connections by which it is seen whether others are served. */
const othersCount = 3

export interface BenchSettings {
  readonly address: Address
  readonly subject: Subject
  /** How long a connect or a reply may take. */
  readonly timeoutMs: number
  readonly seed: number
  /** The reply that others must be like; none while the first is awaited. */
  readonly model?: Reply | undefined
  /** Whether the server's memory has risen too far already. */
  readonly exceedsMemoryLimit?: (() => boolean) | undefined
}

/** What a trial works with: connections, valid requests, and what becomes of them. */
export class Bench {
  readonly subject: Subject
  readonly timeoutMs: number
  readonly seed: number
  readonly #peers: Peers
  readonly #model: Reply | undefined
  /** Whether the server's memory has risen too far already: more of the same would only harm the machine. */
  readonly exceedsMemoryLimit: () => boolean

  constructor({ address, subject, timeoutMs, seed, model, exceedsMemoryLimit = () => false }: BenchSettings) {
    this.subject = subject
    this.timeoutMs = timeoutMs
    this.seed = seed
    this.#model = model
    this.exceedsMemoryLimit = exceedsMemoryLimit
    this.#peers = new Peers(address, subject.protocol)
  }

  /** A connection and nothing more. */
  connect(ms = this.timeoutMs): Promise<Peer> {
    return this.#peers.connect(ms)
  }

  /** A connection that has its handshake behind it. */
  async open(ms = this.timeoutMs): Promise<Peer> {
    const peer = await this.#peers.connect(ms)
    peer.keepsReply = true
    for (const { make, replyType } of this.subject.greeting) {
      const frame = make(peer.lastReply)
      peer.requestBytes = frame.length
      await this.write(peer, frame)
      await peer.until(() => peer.replies.length > 0, ms)
      const reply = peer.replies.at(-1)
      if (reply === undefined) throw new ServerFault(`the handshake: ${whatCame(peer, 1, ms)}`)
      if (replyType !== undefined && reply.type !== replyType) throw new ServerFault(wrongReply(reply, replyType))
      peer.replies.length = 0
    }
    peer.keepsReply = false
    peer.requestBytes = this.subject.request.length
    return peer
  }

  /** Writes the bytes; a ServerFault when the server, still there, does not take them. */
  async write(peer: Peer, bytes: Uint8Array): Promise<void> {
    if ((await peer.write(bytes, this.timeoutMs)) || peer.isClosed) return
    throw new ServerFault(`${bytes.length} bytes were not taken within ${formatSetting(this.timeoutMs)}`)
  }

  /** Writes pieces so that they arrive apart; a ServerFault when there are more replies after a piece than it may have. */
  async writeApart(peer: Peer, pieces: readonly Uint8Array[], repliesBefore: (piece: number) => number): Promise<void> {
    let sent = 0
    for (const [index, piece] of pieces.entries()) {
      await this.write(peer, piece)
      sent += piece.length
      if (index === pieces.length - 1) return
      await peer.until(() => peer.replies.length > repliesBefore(index), apartMs)
      if (peer.replies.length > repliesBefore(index)) {
        throw new ServerFault(`answered before the request was whole, after ${sent} bytes`)
      }
    }
  }

  /** Waits until the pieces written last are on their way, and most likely read. */
  async rest(peer: Peer): Promise<void> {
    await peer.until(() => false, apartMs)
  }

  /** Waits for exactly so many replies, like the first one that was seen; a ServerFault tells what came instead. */
  async replies(peer: Peer, count: number, ms = this.timeoutMs): Promise<readonly Reply[]> {
    const { replies } = peer
    await peer.until(() => replies.length >= count, ms)
    if (replies.length < count) throw new ServerFault(whatCame(peer, count, ms))
    await peer.until(() => replies.length > count || peer.partialBytes > 0, quietMs)
    if (replies.length > count) throw new ServerFault(`${replies.length} replies to ${plural(count, 'request')}`)
    if (peer.garbage !== undefined) throw new ServerFault(`after ${plural(count, 'reply')}: ${peer.garbage}`)
    if (peer.partialBytes > 0)
      throw new ServerFault(`${plural(peer.partialBytes, 'byte')} more than ${plural(count, 'reply')}`)
    for (const reply of replies) this.#compare(reply)
    this.#compareIds(replies)
    return replies
  }

  /** A new connection, one valid request, its reply, and whether the server ended the connection with that. */
  async exchange(ms = this.timeoutMs): Promise<{ readonly reply: Reply; readonly closes: boolean }> {
    const peer = await this.open(ms)
    await this.write(peer, validRequests(this.subject, 1)[0]!)
    const [reply] = await this.replies(peer, 1, ms)
    const closes = peer.isEnded
    peer.leave()
    return { reply: reply!, closes }
  }

  /** Sees whether new connections are served while those of the trial are open. */
  async othersServed(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: othersCount }, () => this.exchange()))
    } catch (error) {
      throw error instanceof ServerFault ? new ServerFault(`meanwhile another connection: ${error.message}`) : error
    }
  }

  /** Ends every connection in order. */
  leave(): Promise<void> {
    return this.#peers.leave()
  }

  /** Closes every connection at once, and so ends the trial. */
  destroy(): void {
    this.#peers.destroy()
  }

  #compare(reply: Reply): void {
    const model = this.#model
    if (model === undefined) return
    for (const field of ['status', 'type'] as const) {
      if (reply[field] === model[field]) continue
      throw new ServerFault(`a reply of ${field} ${reply[field]}, where the first had ${model[field]}`)
    }
    if (reply.isRefusal === model.isRefusal) return
    throw new ServerFault(`the request was ${reply.isRefusal ? 'refused' : 'taken'}, unlike the first`)
  }

  #compareIds(replies: readonly Reply[]): void {
    const { requestId } = this.subject.protocol
    if (requestId === undefined) return
    const wanted = replies.map((_, index) => idOf(requestId.bits, index))
    const found = replies.map(({ id }) => id!)
    const missing = wanted.find(id => !found.includes(id))
    if (missing !== undefined) {
      throw new ServerFault(`no reply has the id ${missing}, though there are as many as requests`)
    }
  }
}

/** What came in place of `count` replies. */
function whatCame(peer: Peer, count: number, ms: number): string {
  const got = peer.replies.length
  const few = got === 0 ? (count === 1 ? 'no reply' : `none of ${count} replies`) : `${got} of ${count} replies`
  const partial = peer.partialBytes > 0 && peer.garbage === undefined ? ` but ${plural(peer.partialBytes, 'byte')}` : ''
  if (peer.garbage !== undefined) return `${got === 0 ? '' : `${few}, then `}${peer.garbage}`
  if (peer.isClosed) return `${few}${partial}: ${peer.error ?? 'the server closed the connection'}`
  if (peer.isEnded) return `${few}${partial}: the server closed the connection`
  return `${few}${partial} within ${formatSetting(ms)}`
}

function wrongReply({ isRefusal, type }: Reply, wanted: number): string {
  return `the handshake: ${isRefusal ? 'refused' : `a reply of type ${type}, where ${wanted} was to come`}`
}

function plural(count: number, thing: string): string {
  const things = thing.endsWith('y') ? `${thing.slice(0, -1)}ies` : `${thing}s`
  return `${count} ${count === 1 ? thing : things}`
}
