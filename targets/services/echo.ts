import { createProtocol } from '../../harness/protocols/catalog.ts'
import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import type { Service } from '../server/service.ts'

/** Answers every message with the message itself, or with `reply`, over raw, line or any frame description. */
export function createEcho(spec: ProtocolSpec, reply?: string): Service {
  // A fixed length of replies concerns only clients: a raw server takes each read for one message.
  const protocol = createProtocol(spec.name === 'raw' ? { name: 'raw' } : spec)
  if (reply === undefined) {
    return { protocol, message: (_connection, bytes, from, end, replies) => replies.echo(bytes, from, end) }
  }
  const frame = protocol.encode({ body: new TextEncoder().encode(reply) })
  const { requestId } = protocol
  return {
    protocol,
    message(_connection, bytes, from, end, replies) {
      const at = replies.reserve(frame.length)
      replies.bytes.set(frame, at)
      requestId?.write(replies.bytes, at, requestId.read(bytes, from, end))
    },
  }
}
