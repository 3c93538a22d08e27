import type { HandshakeLogin } from '../engine/client/singleRequests.ts'
import type { Address } from '../transports/transport.ts'
import { formatSetting, plural } from '../units.ts'
import { ServerFault } from './fault.ts'
import { type RawClient, RawClients, type Reply } from './rawClient.ts'
import { idOf, type Subject, validRequests } from './subject.ts'
import type { TortureTimes } from './times.ts'

/** New connections that must be served while those of a trial are open. */
const othersCount = 3
/** A server may send as many messages that want no answer. */
const loginMessagesMax = 256
const noBytes = new Uint8Array(0)

export interface WorkbenchSettings {
  readonly address: Address
  readonly subject: Subject
  /** How long a connect or a reply may take. */
  readonly timeoutMs: number
  readonly seed: number
  readonly times: TortureTimes
  /** The first reply to the valid request, which later ones must match; undefined until it has arrived. */
  readonly model?: Reply | undefined
  /** Whether the server's memory has already risen too far. */
  readonly exceedsMemoryLimit?: (() => boolean) | undefined
}

/** What a trial works with: connections, valid requests, and checks of their replies. */
export class Workbench {
  readonly subject: Subject
  readonly timeoutMs: number
  readonly seed: number
  readonly times: TortureTimes
  readonly #clients: RawClients
  readonly #model: Reply | undefined
  readonly #overUnixSocket: boolean
  /** Whether the server's memory has already risen too far: to continue could only harm the machine. */
  readonly exceedsMemoryLimit: () => boolean

  constructor({
    address,
    subject,
    timeoutMs,
    seed,
    times,
    model,
    exceedsMemoryLimit = () => false,
  }: WorkbenchSettings) {
    this.subject = subject
    this.timeoutMs = timeoutMs
    this.seed = seed
    this.times = times
    this.#model = model
    this.exceedsMemoryLimit = exceedsMemoryLimit
    this.#clients = new RawClients(address, subject.protocol)
    this.#overUnixSocket = address.scheme === 'unix'
  }

  /** Opens a connection without its handshake. */
  connect(ms = this.timeoutMs): Promise<RawClient> {
    return this.#clients.connect(ms)
  }

  /** Opens a connection and does its handshake. */
  async open(ms = this.timeoutMs): Promise<RawClient> {
    const client = await this.#clients.connect(ms)
    client.keepsReplies = true
    for (const step of this.subject.handshake) {
      client.format = step.replyFormat ?? this.subject.protocol
      if ('login' in step) {
        await this.#logIn(client, step, ms)
        continue
      }
      const { make, replyType } = step
      const frame = make(client.kept.pop() ?? noBytes)
      client.kept.length = 0
      client.requestBytes = frame.length
      await this.write(client, frame)
      await client.until(() => client.replies.length > 0, ms)
      const reply = client.replies.at(-1)
      if (reply === undefined) throw new ServerFault(`the handshake: ${describeReceived(client, 1, ms)}`)
      if (replyType !== undefined && reply.type !== replyType)
        throw new ServerFault(describeWrongReply(reply, replyType))
      client.replies.length = 0
    }
    client.keepsReplies = false
    client.kept.length = 0
    client.format = this.subject.replyFormat ?? this.subject.protocol
    client.requestBytes = this.subject.request.length
    return client
  }

  /** Writes the bytes; throws a ServerFault if they are not accepted in time although the connection is open. */
  async write(client: RawClient, bytes: Uint8Array): Promise<void> {
    if ((await client.write(bytes, this.timeoutMs)) || client.isClosed) return
    throw new ServerFault(`${bytes.length} bytes were not accepted within ${formatSetting(this.timeoutMs)}`)
  }

  /** Writes pieces so that they arrive one by one; throws a ServerFault if a piece has more replies than it may have. */
  async writeApart(
    client: RawClient,
    pieces: readonly Uint8Array[],
    repliesBefore: (piece: number) => number,
  ): Promise<void> {
    let sent = 0
    for (const [index, piece] of pieces.entries()) {
      await this.write(client, piece)
      sent += piece.length
      if (index === pieces.length - 1) return
      await client.until(() => client.replies.length > repliesBefore(index), this.times.apartMs)
      if (client.replies.length > repliesBefore(index)) {
        throw new ServerFault(`answered before the request was complete, after ${sent} bytes`)
      }
    }
  }

  /** Waits until the bytes written last have been sent and most likely read. */
  async rest(client: RawClient): Promise<void> {
    await client.until(() => false, this.times.apartMs)
  }

  /** Waits for exactly `count` replies that match the first valid one; throws a ServerFault with what came instead. */
  async replies(client: RawClient, count: number, ms = this.timeoutMs): Promise<readonly Reply[]> {
    const { replies } = client
    await client.until(() => replies.length >= count, ms)
    if (replies.length < count) throw new ServerFault(describeReceived(client, count, ms))
    await client.until(() => replies.length > count || client.partialBytes > 0, this.times.quietMs)
    if (replies.length > count) throw new ServerFault(`${replies.length} replies to ${plural(count, 'request')}`)
    if (client.garbage !== undefined) throw new ServerFault(`after ${plural(count, 'reply')}: ${client.garbage}`)
    if (client.partialBytes > 0)
      throw new ServerFault(`${plural(client.partialBytes, 'byte')} more than ${plural(count, 'reply')}`)
    for (const reply of replies) this.#compare(reply)
    this.#compareIds(replies)
    return replies
  }

  /** One valid request on a new connection: its reply, and whether the server then closed the connection. */
  async exchange(ms = this.timeoutMs): Promise<{ readonly reply: Reply; readonly closes: boolean }> {
    const client = await this.open(ms)
    await this.write(client, validRequests(this.subject, 1)[0]!)
    const [reply] = await this.replies(client, 1, ms)
    const closes = client.isEnded
    client.closeGracefully()
    return { reply: reply!, closes }
  }

  /** Throws a ServerFault unless new connections are served while those of the trial are open. */
  async othersServed(): Promise<void> {
    try {
      await Promise.all(Array.from({ length: othersCount }, () => this.exchange()))
    } catch (error) {
      throw error instanceof ServerFault ? new ServerFault(`another connection meanwhile: ${error.message}`) : error
    }
  }

  /** Closes every connection gracefully. */
  closeGracefully(): Promise<void> {
    return this.#clients.closeGracefully()
  }

  /** Closes every connection at once, which ends the trial. */
  destroy(): void {
    this.#clients.destroy()
  }

  /** Goes through a login, message by message; throws a ServerFault where the server does not accept it. */
  async #logIn(client: RawClient, { login }: HandshakeLogin, ms: number): Promise<void> {
    const dialogue = login(this.#overUnixSocket)
    let act = dialogue.next(undefined)
    for (let messages = 0; messages < loginMessagesMax; messages++) {
      if (act.kind === 'refused' || act.kind === 'failed') throw new ServerFault(`the login: ${act.text}`)
      if (act.kind === 'done') {
        client.replies.length = 0
        client.kept.length = 0
        return
      }
      if (act.kind === 'send') await this.write(client, act.bytes)
      await client.until(() => client.kept.length > 0, ms)
      const message = client.kept.shift()
      if (message === undefined) throw new ServerFault(`the login: ${describeReceived(client, 1, ms)}`)
      client.replies.length = 0
      act = dialogue.next(message)
    }
    throw new ServerFault(`the login: ${loginMessagesMax} messages, and no end`)
  }

  #compare(reply: Reply): void {
    const model = this.#model
    if (model === undefined) return
    for (const field of ['status', 'type'] as const) {
      if (reply[field] === model[field]) continue
      throw new ServerFault(`a reply of ${field} ${reply[field]}, but the first had ${model[field]}`)
    }
    if (reply.isRefusal === model.isRefusal) return
    throw new ServerFault(`the request was ${reply.isRefusal ? 'refused' : 'accepted'}, unlike the first`)
  }

  #compareIds(replies: readonly Reply[]): void {
    const { requestId } = this.subject.protocol
    if (requestId === undefined) return
    const wanted = replies.map((_, index) => idOf(requestId.max, index))
    const found = replies.map(({ id }) => id!)
    const missing = wanted.find(id => !found.includes(id))
    if (missing !== undefined) {
      throw new ServerFault(`no reply has the id ${missing}, although there are as many replies as requests`)
    }
  }
}

/** What a client received instead of `count` replies. */
function describeReceived(client: RawClient, count: number, ms: number): string {
  const got = client.replies.length
  const few = got === 0 ? (count === 1 ? 'no reply' : `none of ${count} replies`) : `${got} of ${count} replies`
  const partial =
    client.partialBytes > 0 && client.garbage === undefined ? ` but ${plural(client.partialBytes, 'byte')}` : ''
  if (client.garbage !== undefined) return `${got === 0 ? '' : `${few}, then `}${client.garbage}`
  if (client.isClosed) return `${few}${partial}: ${client.error ?? 'the server closed the connection'}`
  if (client.isEnded) return `${few}${partial}: the server closed the connection`
  return `${few}${partial} within ${formatSetting(ms)}`
}

function describeWrongReply({ isRefusal, type }: Reply, wanted: number): string {
  return `the handshake: ${isRefusal ? 'refused' : `a reply of type ${type} instead of ${wanted}`}`
}
