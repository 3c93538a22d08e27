import { createProtocol } from '../../harness/protocols/catalog.ts'
import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import type { Service } from '../server/service.ts'

/** The default reply. */
export const naiveReply = 'ok'

/**
 * A server as beginners write it: it takes each read, of at most `readBytes` bytes, for one message, and answers it with
 * `reply`, which is framed so that replies can be counted, or with `echo` by the bytes that it read. Messages that arrive
 * together count as one, and a message that arrives in pieces, or is longer, as several. It exists only for the
 * experiments with sticky and split packets.
 */
export function createNaive(spec: ProtocolSpec, readBytes: number, reply: string = naiveReply): Service {
  const framing = createProtocol(spec.name === 'raw' ? { name: 'raw' } : spec)
  const { requestId: _, ...rest } = framing
  const protocol = {
    ...rest,
    frameEnd: (_bytes: Uint8Array, from: number, to: number) => Math.min(to, from + readBytes),
  }
  if (reply === 'echo') {
    return { protocol, message: (_connection, bytes, from, end, replies) => replies.echo(bytes, from, end) }
  }
  const frame = framing.encode({ body: new TextEncoder().encode(reply) })
  return { protocol, message: (_connection, _bytes, _from, _end, replies) => void replies.append(frame) }
}
