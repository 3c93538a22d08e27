import { createProtocol } from '../../harness/protocols/catalog.ts'
import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import type { Service } from '../server/service.ts'

/** The default reply. */
export const naiveReply = 'ok'

/**
 * A server as beginners write it: it takes each read, of at most `readBytes` bytes, for one message, and answers it with
 * `reply`, which is framed so that replies can be counted. Messages that arrive together count as one, and a message that
 * arrives in pieces, or is longer, as several. It exists only for the experiments with sticky and split packets.
 */
export function createNaive(spec: ProtocolSpec, readBytes: number, reply: string = naiveReply): Service {
  const framing = createProtocol(spec.name === 'raw' ? { name: 'raw' } : spec)
  const frame = framing.encode({ body: new TextEncoder().encode(reply) })
  const { requestId: _, ...protocol } = framing
  return {
    protocol: { ...protocol, frameEnd: (_bytes, from, to) => Math.min(to, from + readBytes) },
    message: (_connection, _bytes, _from, _end, replies) => replies.append(frame),
  }
}
