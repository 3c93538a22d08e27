import { encodeAcknowledgement, encodeDelivery, readMessage } from '../../harness/protocols/broadcast.ts'
import { tooLarge } from '../../harness/protocols/protocol.ts'
import { closeFrame, closeStatus, frameType, webSocketFrame } from '../../harness/protocols/webSocket.ts'
import type { Replies } from '../server/replies.ts'
import type { Connection, Service } from '../server/service.ts'
import { frameEnd, isControl, isUpgrade, unmask, webSocketRequests } from './webSocketFrames.ts'
import { answerUpgrade, refusal } from './webSocketUpgrade.ts'

/** The least room for the text of a message. */
const textBytesMin = 4096
const statusBytes = 2
const opcodeBits = 0x0f
const upgradeFirst = 'a WebSocket begins with its upgrade'

/** What a server of broadcasts does that does not depend on how messages are told apart. */
export interface BroadcastRules {
  /** Messages with which a client leaves. */
  readonly leavingTexts: readonly string[]
  /** The address by which others know a client. */
  addressOf(connection: Connection): string
  readonly maxFrame: number
}

/** A client whose connection has been upgraded. */
interface Client {
  readonly address: string
  readonly acknowledgement: Uint8Array
  /** A close has been sent: nothing else follows it. */
  isClosing: boolean
}

/** What a message is made of: its kind, 0 where there is none, and the bytes of its text. */
interface Gathered {
  readonly kind: number
  readonly bytes: number
}

/** The same service over WebSocket: each message is acknowledged to its sender and sent to all others. */
export function webSocketService(rules: BroadcastRules): Service {
  const room = new Room(rules)
  return {
    protocol: webSocketRequests(rules.maxFrame),
    message(connection, bytes, from, end, replies) {
      room.message(connection, bytes, from, end, replies)
    },
    refuse: ({ link }, reason, replies) => room.refuse(link, reason, replies),
    leave: ({ link }, replies) => room.leave(link, replies),
    bufferFull: connection => connection.drop(),
    close: ({ link }) => room.closed(link),
  }
}

/** The clients of a server, and what is done with their messages. */
class Room {
  readonly #rules: BroadcastRules
  /** By link; undefined until its upgrade. */
  readonly #clients: (Client | undefined)[] = []
  /** Where the text of a message is put together, without masks. */
  #text = new Uint8Array(textBytesMin)

  constructor(rules: BroadcastRules) {
    this.#rules = rules
  }

  message(connection: Connection, bytes: Uint8Array, from: number, end: number, replies: Replies): void {
    const client = this.#clients[connection.link]
    if (client === undefined) this.#upgrade(connection, bytes.subarray(from, end), replies)
    else if (isUpgrade(bytes, from)) reject(connection, client, closeStatus.protocolError, replies)
    else {
      const message = this.#gather(connection, client, bytes.subarray(from, end), replies)
      if (message.kind !== 0 && !client.isClosing) this.#deliver(connection, client, message, replies)
    }
  }

  /** Answers bytes that are no message, after which the connection is closed. */
  refuse(link: number, reason: number, replies: Replies): void {
    const client = this.#clients[link]
    const isLong = reason === tooLarge
    if (client !== undefined) close(client, isLong ? closeStatus.tooBig : closeStatus.protocolError, replies)
    else {
      const status = isLong ? '431 Request Header Fields Too Large' : '400 Bad Request'
      replies.append(refusal(status, upgradeFirst).head)
    }
  }

  /** The server closes a connection. */
  leave(link: number, replies: Replies): void {
    const client = this.#clients[link]
    if (client !== undefined) close(client, closeStatus.goingAway, replies)
  }

  closed(link: number): void {
    this.#clients[link] = undefined
  }

  #upgrade(connection: Connection, head: Uint8Array, replies: Replies): void {
    const answer = isUpgrade(head, 0) ? answerUpgrade(head) : refusal('400 Bad Request', upgradeFirst)
    replies.append(answer.head)
    if (!answer.isUpgraded) {
      connection.reject()
      return
    }
    const address = this.#rules.addressOf(connection)
    const acknowledgement = encodeAcknowledgement(address, 'websocket')
    this.#clients[connection.link] = { address, acknowledgement, isClosing: false }
  }

  /** Puts the text of a whole message together, and answers the control frames in it. */
  #gather(connection: Connection, client: Client, bytes: Uint8Array, replies: Replies): Gathered {
    if (this.#text.length < bytes.length) this.#text = new Uint8Array(bytes.length)
    let length = 0
    let kind = 0
    for (let at = 0; at < bytes.length; ) {
      const next = frameEnd(bytes, at, bytes.length, this.#rules.maxFrame)
      const type = bytes[at]!
      const until = unmask(bytes, at, next, this.#text, length)
      if (isControl(type)) control(connection, client, { type, payload: this.#text.slice(length, until) }, replies)
      else {
        length = until
        if (kind === 0) kind = type & opcodeBits
      }
      at = next
    }
    return { kind, bytes: length }
  }

  #deliver(connection: Connection, client: Client, { kind, bytes }: Gathered, replies: Replies): void {
    const isText = kind === frameType.textStart
    const text = isText ? readMessage(this.#text, 0, bytes) : undefined
    if (text === undefined) {
      reject(connection, client, isText ? closeStatus.invalidPayload : closeStatus.unacceptable, replies)
    } else if (this.#rules.leavingTexts.includes(text)) {
      close(client, closeStatus.normal, replies)
      connection.endLater()
    } else {
      replies.append(client.acknowledgement)
      const delivery = encodeDelivery(client.address, text, 'websocket')
      for (const other of connection.connections) {
        const receiver = this.#clients[other.link]
        if (other.link !== connection.link && receiver?.isClosing === false) other.send(delivery)
      }
    }
  }
}

/** Sends a close, unless one has been sent. */
function close(client: Client, status: number, replies: Replies): void {
  if (!client.isClosing) replies.append(closeFrame(status))
  client.isClosing = true
}

/** Closes a connection on which something came that must not. */
function reject(connection: Connection, client: Client, status: number, replies: Replies): void {
  close(client, status, replies)
  connection.reject()
}

/** Answers a ping with the same bytes, and a close with its status. */
function control(
  connection: Connection,
  client: Client,
  { type, payload }: { readonly type: number; readonly payload: Uint8Array },
  replies: Replies,
): void {
  if (client.isClosing || type === frameType.pong) return
  if (type === frameType.ping) replies.append(webSocketFrame(frameType.pong, payload))
  else {
    replies.append(webSocketFrame(frameType.close, payload.subarray(0, statusBytes)))
    client.isClosing = true
    connection.endLater()
  }
}
