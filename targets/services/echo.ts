import { createProtocol } from '../../harness/protocols/catalog.ts'
import type { Protocol } from '../../harness/protocols/protocol.ts'
import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import type { Replies } from '../server/replies.ts'
import type { Service } from '../server/service.ts'

/** Answers every message with the message itself, or with `reply`, over raw, line or any frame description. */
export function createEcho(spec: ProtocolSpec, reply?: string): Service {
  // A fixed length of replies concerns only clients: a raw server takes each read for one message.
  const protocol = createProtocol(spec.name === 'raw' ? { name: 'raw' } : spec)
  if (reply === undefined) {
    return protocol.sent === undefined
      ? { protocol, message: (_connection, bytes, from, end, replies) => replies.echo(bytes, from, end) }
      : {
          protocol,
          message: (_connection, bytes, from, end, replies) => answer(protocol, bytes.subarray(from, end), replies),
        }
  }
  const frame = protocol.encode({ body: new TextEncoder().encode(reply) })
  const { requestId, seal } = protocol
  return {
    protocol,
    message(_connection, bytes, from, end, replies) {
      const at = replies.reserve(frame.length)
      replies.bytes.set(frame, at)
      requestId?.write(replies.bytes, at, requestId.read(bytes, from, end))
      seal?.(replies.bytes, at, at + frame.length)
    },
  }
}

/**
 * Answers a message with its body in a frame of replies, which are drawn in another way than requests. A body that no such
 * frame holds stays without an answer.
 */
function answer(protocol: Protocol, request: Uint8Array, replies: Replies): void {
  const { body, id } = protocol.decode(request, 0, request.length)
  let frame: Uint8Array
  try {
    frame = protocol.encode({ body, ...(id !== undefined && { id }) })
  } catch (error) {
    if (error instanceof RangeError) return
    throw error
  }
  replies.bytes.set(frame, replies.reserve(frame.length))
}
