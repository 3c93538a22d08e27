import { createProtocol } from '../../harness/protocols/catalog.ts'
import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import type { Service } from '../server/service.ts'

/** What a read is answered with unless something else is asked for. */
export const naiveReply = 'ok'

/**
 * A server as it is first written: it takes each read, of at most `readBytes` bytes, for one message, and answers it with
 * `reply`, which is framed so that replies can be counted. Messages that came together are one to it, and one that came
 * in pieces, or is longer, is several. It is there for the experiments with sticky and split packets, and for nothing else.
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
