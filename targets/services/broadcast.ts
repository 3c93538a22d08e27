import {
  createBroadcast,
  encodeAcknowledgement,
  encodeDelivery,
  readMessage,
} from '../../harness/protocols/broadcast.ts'
import type { Service } from '../server/service.ts'

/** Messages with which a client leaves. */
const leavingTexts = ['/q', '/quit']
/** The address of a client over a unix socket, which has none. */
const unixAddress = 'unix'

/**
 * Acknowledges every message to its sender and sends it to all other clients, encoded once. A client that does not read is
 * dropped, so that no other client waits for it and its messages take no more memory than the send buffer.
 */
export function createBroadcastServer(spec: { readonly maxFrame: number }): Service {
  /** By link. */
  const senders: (Sender | undefined)[] = []
  return {
    protocol: createBroadcast(spec),
    connect({ link, remoteAddress }) {
      const address = remoteAddress === '' ? unixAddress : remoteAddress
      senders[link] = { address, acknowledgement: encodeAcknowledgement(address) }
    },
    message(connection, bytes, from, end, replies) {
      // The protocol accepts longer lines, since a server adds to them; clients must keep to the limit.
      const text = end - from > spec.maxFrame ? undefined : readMessage(bytes, from, end)
      if (text === undefined) return connection.reject()
      if (leavingTexts.includes(text)) return connection.endLater()
      const { address, acknowledgement } = senders[connection.link]!
      replies.append(acknowledgement)
      const delivery = encodeDelivery(address, text)
      for (const other of connection.connections) {
        if (other.link !== connection.link) other.send(delivery)
      }
    },
    bufferFull: connection => connection.drop(),
    close({ link }) {
      senders[link] = undefined
    },
  }
}

/** The texts about a client, encoded once. */
interface Sender {
  readonly address: string
  readonly acknowledgement: Uint8Array
}
