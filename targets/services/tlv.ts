import { writeUint32 } from '../../harness/protocols/integers.ts'
import { createTlv } from '../../harness/protocols/tlv.ts'
import type { Replies } from '../server/replies.ts'
import type { Service } from '../server/service.ts'

/** The reply to a message that is too long: "the length of the message is abnormal". */
export const overlongText = '报文长度异常的错误'

const typeOffset = 4

/**
 * Answers every TLV message with its own value or with `reply`, under the type of the message or under `replyType`. A message
 * over `maxFrame` is answered as soon as its header is in, since the client may wait for the reply before it sends more; its
 * value is skipped.
 */
export function createTlvServer(spec: { readonly maxFrame: number }, reply?: string, replyType?: number): Service {
  const protocol = createTlv(spec)
  const readType = protocol.type!.read
  const overlongFrame = createTlv({ maxFrame: Number.MAX_SAFE_INTEGER }).encode({ body: textBytes(overlongText) })
  const replyFrame = reply === undefined ? undefined : protocol.encode({ body: textBytes(reply) })

  function answer(frame: Uint8Array, bytes: Uint8Array, from: number, replies: Replies): void {
    const at = replies.reserve(frame.length)
    replies.bytes.set(frame, at)
    writeUint32(replies.bytes, at + typeOffset, replyType ?? readType(bytes, from))
  }

  return {
    protocol,
    message(_connection, bytes, from, end, replies) {
      if (replyFrame !== undefined) answer(replyFrame, bytes, from, replies)
      else if (replyType === undefined) replies.echo(bytes, from, end)
      else {
        const at = replies.append(bytes, from, end)
        writeUint32(replies.bytes, at + typeOffset, replyType)
      }
    },
    overlong: (_connection, bytes, from, replies) => answer(overlongFrame, bytes, from, replies),
  }
}

function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
