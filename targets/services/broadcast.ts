import {
  createBroadcast,
  encodeAcknowledgement,
  encodeDelivery,
  readMessage,
} from '../../harness/protocols/broadcast.ts'
import type { BroadcastFraming } from '../../harness/protocols/protocolSpec.ts'
import type { Connection, Service } from '../server/service.ts'
import { webSocketService } from './webSocketBroadcast.ts'

/** Messages with which a client leaves. */
const leavingTexts = ['/q', '/quit']
/** The address of a client over a unix socket, which has none. */
const unixAddress = 'unix'

/** How messages are told apart, and the longest that is accepted. */
interface BroadcastServerSettings {
  readonly framing?: BroadcastFraming
  readonly maxFrame: number
}

/**
 * Acknowledges every message to its sender and sends it to all other clients. A client that does not read is dropped, so
 * that no other client waits for it and its messages take no more memory than the send buffer. The sender is the client
 * whose connection it is, whatever address the message names.
 */
export function createBroadcastServer({ framing = 'line', maxFrame }: BroadcastServerSettings): Service {
  if (framing === 'websocket') return webSocketService({ leavingTexts, addressOf, maxFrame })
  /** By link. */
  const clients: (Client | undefined)[] = []
  return {
    // Bare text is only what a server sends.
    protocol: createBroadcast({ framing: framing === 'text' ? 'json' : framing, maxFrame }),
    connect(connection) {
      const address = addressOf(connection)
      clients[connection.link] = { address, acknowledgement: encodeAcknowledgement(address, framing) }
    },
    message(connection, bytes, from, end, replies) {
      // The protocol accepts longer frames, since a server adds to them; clients must keep to the limit.
      const text = end - from > maxFrame ? undefined : readMessage(bytes, from, end)
      if (text === undefined) return connection.reject()
      if (leavingTexts.includes(text)) return connection.endLater()
      const { address, acknowledgement } = clients[connection.link]!
      replies.append(acknowledgement)
      if (framing === 'text') sendTexts(connection, text)
      else sendToOthers(connection, encodeDelivery(address, text, framing))
    },
    bufferFull: connection => connection.drop(),
    close({ link }) {
      clients[link] = undefined
    },
  }

  /** Sends each client the text with that client's own address before it: there its clients look for it. */
  function sendTexts(sender: Connection, text: string): void {
    for (const other of sender.connections) {
      if (other.link !== sender.link) other.send(encodeDelivery(clients[other.link]!.address, text, framing))
    }
  }
}

/** The address by which other clients know one. */
function addressOf({ remoteAddress }: Connection): string {
  return remoteAddress === '' ? unixAddress : remoteAddress
}

/** Sends a delivery, encoded once, to all clients but its sender. */
function sendToOthers(sender: Connection, delivery: Uint8Array): void {
  for (const other of sender.connections) {
    if (other.link !== sender.link) other.send(delivery)
  }
}

/** The texts about a client, encoded once. */
interface Client {
  readonly address: string
  readonly acknowledgement: Uint8Array
}
