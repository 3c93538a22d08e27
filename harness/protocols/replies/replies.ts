import { incomplete, type Protocol, tooLarge } from '../protocol.ts'
import { compileTests, type FramePredicate, type FrameTest } from './frameTests.ts'

/** Which frames are a reply, and what the others are; plain data. A frame is asked the tests in this order. */
export interface ReplyRules {
  /** No replies: counted, and passed over. */
  readonly ignore?: readonly FrameTest[]
  /** No replies: counted, and timed by the stamp in them. */
  readonly deliver?: readonly FrameTest[]
  /** Beside `until`: a reply whose first frame is such is whole by itself. */
  readonly single?: readonly FrameTest[]
  /** A reply ends with such a frame. */
  readonly until?: readonly FrameTest[]
  /** A reply goes on after such a frame. */
  readonly more?: readonly FrameTest[]
  /** The server says no: unexpected, unless a step expects it. */
  readonly refuse?: readonly FrameTest[]
  /** A reply after which the server closes the connection. */
  readonly last?: readonly FrameTest[]
  /** The longest reply as a multiple of the longest frame. */
  readonly maxFrames?: number
}

const maxFramesDefault = 16

/**
 * A protocol in which a reply may be several frames, and frames may come that answer nothing. The end that `frameEnd`
 * finds is that of a whole reply with all that comes within it, or of one frame that is none. As a reply comes in pieces it
 * is walked from its start again, frame by frame.
 */
export function withReplies(protocol: Protocol, rules: ReplyRules): Protocol {
  const tests = (kind: Exclude<keyof ReplyRules, 'maxFrames'>) => compileTests(rules[kind], protocol)
  const [ignore, deliver, single] = [tests('ignore'), tests('deliver'), tests('single')]
  const [until, more, refuse, last] = [tests('until'), tests('more'), tests('refuse'), tests('last')]
  /** Frames that are ignored are asked first. */
  const delivers: FramePredicate | undefined =
    deliver && (ignore ? (bytes, from, end) => !ignore(bytes, from, end) && deliver(bytes, from, end) : deliver)
  const hasUnasked = ignore !== undefined || deliver !== undefined
  const isMany = until !== undefined || more !== undefined
  const endsReply = (bytes: Uint8Array, from: number, end: number, isFirst: boolean): boolean => {
    if (!isMany || (isFirst && single?.(bytes, from, end))) return true
    return until === undefined ? !more!(bytes, from, end) : until(bytes, from, end)
  }
  const replyBytesMax = protocol.frameBytesMax * (rules.maxFrames ?? maxFramesDefault)
  const { frameEnd } = protocol

  function replyEnd(bytes: Uint8Array, from: number, to: number, requestBytes: number): number {
    let at = from
    let isFirst = true
    for (;;) {
      const end = frameEnd(bytes, at, to, requestBytes)
      if (end < 0) return end
      if (end === incomplete) return to - from > replyBytesMax ? tooLarge : incomplete
      const isReply = !hasUnasked || !(ignore?.(bytes, at, end) || deliver?.(bytes, at, end))
      if (!isReply && isFirst) return end
      if (isReply) {
        if (endsReply(bytes, at, end, isFirst)) return end
        isFirst = false
      }
      at = end
    }
  }

  /** The first frame of a whole reply, which has its fields and where its body begins. */
  const firstEnd = (bytes: Uint8Array, from: number, end: number) => frameEnd(bytes, from, end, 0)
  const fields = protocol.fields && ofFirstFrame(protocol.fields, firstEnd)
  const bodyEnd = (bytes: Uint8Array, from: number, end: number) => {
    let at = from
    for (let next = firstEnd(bytes, at, end); next > 0 && next < end; next = frameEnd(bytes, at, end, 0)) at = next
    return protocol.bodyEnd(bytes, at, end)
  }
  return {
    ...protocol,
    // Requests are single frames, which the rules are not about.
    sent: protocol.sent ?? protocol,
    ...((isMany || hasUnasked) && { frameEnd: replyEnd }),
    ...(isMany && {
      bodyStart: (bytes: Uint8Array, from: number, end: number) =>
        protocol.bodyStart(bytes, from, firstEnd(bytes, from, end)),
      bodyEnd,
      ...(fields && { fields }),
      decode: (bytes: Uint8Array, from: number, end: number) => {
        const first = firstEnd(bytes, from, end)
        const message = protocol.decode(bytes, from, first)
        return first === end
          ? message
          : { ...message, body: bytes.subarray(protocol.bodyStart(bytes, from, first), bodyEnd(bytes, from, end)) }
      },
    }),
    ...(ignore && { ignores: ignore }),
    ...(delivers && {
      delivery: (bytes: Uint8Array, from: number, end: number) =>
        delivers(bytes, from, end) ? protocol.bodyStart(bytes, from, end) : -1,
    }),
    ...(refuse && { isRefusal: isMany ? anyFrame(refuse, frameEnd) : refuse, refusesByText: true as const }),
    ...(last && {
      endsConnection: (bytes: Uint8Array, from: number, end: number) =>
        last(bytes, from, isMany ? firstEnd(bytes, from, end) : end),
    }),
  }
}

/** Whether any frame of a whole reply passes: a server may say no after it has begun to answer. */
function anyFrame(test: FramePredicate, frameEnd: Protocol['frameEnd']): FramePredicate {
  return (bytes, from, end) => {
    for (let at = from; at < end; ) {
      const next = frameEnd(bytes, at, end, 0)
      if (next <= 0) return false
      if (test(bytes, at, next)) return true
      at = next
    }
    return false
  }
}

type Fields = NonNullable<Protocol['fields']>

function ofFirstFrame(fields: Fields, firstEnd: (bytes: Uint8Array, from: number, end: number) => number): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, read]) => [
      name,
      (bytes: Uint8Array, from: number, end: number) => read(bytes, from, firstEnd(bytes, from, end)),
    ]),
  )
}
