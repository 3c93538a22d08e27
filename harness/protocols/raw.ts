import { incomplete, type Protocol, tooLarge } from './protocol.ts'

/** The longest raw message. Raw bytes announce no length, so this is the only bound. */
export const rawBytesMax = 64 * 1024 * 1024

/**
 * No framing: a reply is `replyBytes` bytes long, or as long as its request. Where neither is known, as in a server,
 * the bytes that have arrived are one frame.
 */
export function createRaw({ replyBytes }: { readonly replyBytes?: number }): Protocol {
  return {
    name: 'raw',
    frameBytesMax: rawBytesMax,
    needsRequestBytes: replyBytes === undefined,
    frameEnd(_bytes, from, to, requestBytes) {
      if (from === to) return incomplete
      const length = replyBytes ?? requestBytes
      if (length === 0) return Math.min(to, from + rawBytesMax)
      if (length > rawBytesMax) return tooLarge
      return to - from < length ? incomplete : from + length
    },
    encode({ body }) {
      if (body.length === 0) throw new RangeError('a raw message must have at least 1 byte: an empty one sends nothing')
      if (body.length > rawBytesMax) {
        throw new RangeError(`a raw message has at most ${rawBytesMax} bytes, not ${body.length}`)
      }
      return body.slice()
    },
    decode: (bytes, from, end) => ({ body: bytes.subarray(from, end) }),
    bodyStart: (_bytes, from) => from,
    bodyEnd: (_bytes, _from, end) => end,
  }
}
