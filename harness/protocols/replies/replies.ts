import { endsTooLate } from '../explanation.ts'
import { incomplete, type Protocol, tooLarge } from '../protocol.ts'
import { compileTests, type FramePredicate, type FrameTest } from './frameTests.ts'

/** Which frames are a reply, and what the others are; plain data. A frame is asked the tests in this order. */
export interface ReplyRules {
  /** No replies: counted, and passed over. */
  readonly ignore?: readonly FrameTest[]
  /** No replies: counted, and timed by the stamp in them. */
  readonly deliver?: readonly FrameTest[]
  /** No replies: the server waits for what is sent in answer. */
  readonly answer?: readonly AnswerRule[]
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
  /** The body of a reply is those of its frames, one after the other, without what stands between them. */
  readonly joined?: boolean
  /** The longest reply as a multiple of the longest frame. */
  readonly maxFrames?: number
}

/** Frames that are answered at once. What is sent, and what is taken from such a frame for it, is the scenario's to say. */
export interface AnswerRule {
  readonly to: readonly FrameTest[]
  readonly capture?: unknown
  readonly send: unknown
}

const maxFramesDefault = 16

/**
 * A protocol in which a reply may be several frames, and frames may come that answer nothing. The end that `frameEnd`
 * finds is that of a whole reply with all that comes within it, or of one frame that is none. As a reply comes in pieces it
 * is walked from its start again, frame by frame.
 */
export function withReplies(protocol: Protocol, rules: ReplyRules): Protocol {
  const { frameEnd } = protocol
  const [ignore, deliver] = [compileTests(rules.ignore, protocol), compileTests(rules.deliver, protocol)]
  const [refuse, last] = [compileTests(rules.refuse, protocol), compileTests(rules.last, protocol)]
  const answerTo = answersOf(rules.answer, protocol, [ignore, deliver])
  /** Frames that are ignored are asked first. */
  const delivers: FramePredicate | undefined =
    deliver && (ignore ? (bytes, from, end) => !ignore(bytes, from, end) && deliver(bytes, from, end) : deliver)
  const isUnasked = anyOf(ignore, deliver, answerTo && ((bytes, from, end) => answerTo(bytes, from, end) >= 0))
  const endsReply = endOfReply(rules, protocol)
  return {
    ...protocol,
    // Requests are single frames, which the rules are not about.
    sent: protocol.sent ?? protocol,
    ...((endsReply || isUnasked) && { frameEnd: wholeReplyEnd(protocol, rules, endsReply, isUnasked) }),
    ...(endsReply && partsOfReply(protocol, rules, isUnasked)),
    ...(endsReply && protocol.explain && { explain: explainWithin(protocol, rules, protocol.explain) }),
    ...(endsReply && isUnasked && { singleFrameEnd: frameEnd }),
    ...(ignore && { ignores: ignore }),
    ...(answerTo && { answerTo }),
    ...(delivers && {
      delivery: (bytes: Uint8Array, from: number, end: number) =>
        delivers(bytes, from, end) ? protocol.bodyStart(bytes, from, end) : -1,
    }),
    ...(refuse && { isRefusal: endsReply ? anyFrame(refuse, frameEnd) : refuse, refusesByText: true as const }),
    ...(last && {
      endsConnection: (bytes: Uint8Array, from: number, end: number) =>
        last(bytes, from, endsReply ? frameEnd(bytes, from, end, 0) : end),
    }),
  }
}

function anyOf(...given: readonly (FramePredicate | undefined)[]): FramePredicate | undefined {
  const tests = given.filter(test => test !== undefined)
  const [only, another] = tests
  if (another === undefined) return only
  return (bytes, from, end) => {
    for (let index = 0; index < tests.length; index++) {
      if (tests[index]!(bytes, from, end)) return true
    }
    return false
  }
}

/** Whether a frame ends its reply; undefined where every reply is one frame. */
type EndsReply = (bytes: Uint8Array, from: number, end: number, isFirst: boolean) => boolean

function endOfReply(rules: ReplyRules, protocol: Protocol): EndsReply | undefined {
  const until = compileTests(rules.until, protocol)
  const more = compileTests(rules.more, protocol)
  if (until === undefined && more === undefined) return undefined
  const single = compileTests(rules.single, protocol)
  return (bytes, from, end, isFirst) => {
    if (isFirst && single?.(bytes, from, end)) return true
    return until === undefined ? !more!(bytes, from, end) : until(bytes, from, end)
  }
}

/** Where a whole reply ends, or one frame that is none. */
function wholeReplyEnd(
  { frameEnd, frameBytesMax }: Protocol,
  { maxFrames = maxFramesDefault }: ReplyRules,
  endsReply: EndsReply | undefined,
  isUnasked: FramePredicate | undefined,
): Protocol['frameEnd'] {
  const replyBytesMax = frameBytesMax * maxFrames
  return (bytes, from, to, requestBytes) => {
    let at = from
    let isFirst = true
    for (;;) {
      const end = frameEnd(bytes, at, to, requestBytes)
      if (end < 0) return end
      if (end === incomplete) return to - from > replyBytesMax ? tooLarge : incomplete
      const isReply = isUnasked === undefined || !isUnasked(bytes, at, end)
      if (!isReply && isFirst) return end
      if (isReply) {
        if (endsReply === undefined || endsReply(bytes, at, end, isFirst)) return end
        isFirst = false
      }
      at = end
    }
  }
}

/** Why a reply is refused, by the frame in it that is at fault. */
function explainWithin(
  { frameEnd, frameBytesMax }: Protocol,
  { maxFrames = maxFramesDefault }: ReplyRules,
  explain: NonNullable<Protocol['explain']>,
): NonNullable<Protocol['explain']> {
  const replyBytesMax = frameBytesMax * maxFrames
  return (bytes, from, to) => {
    let at = from
    for (let end = frameEnd(bytes, at, to, 0); end !== incomplete; end = frameEnd(bytes, at, to, 0)) {
      if (end < 0) return explain(bytes, at, to)
      at = end
    }
    return to - from > replyBytesMax ? endsTooLate('no end of a reply', replyBytesMax) : undefined
  }
}

/** The parts of a reply of several frames: its fields are those of the first, its body reaches into the last. */
function partsOfReply(protocol: Protocol, { joined }: ReplyRules, isUnasked: FramePredicate | undefined) {
  const { frameEnd } = protocol
  /** The first frame of a whole reply, which has its fields and where its body begins. */
  const firstEnd = (bytes: Uint8Array, from: number, end: number) => frameEnd(bytes, from, end, 0)
  const fields = protocol.fields && ofFirstFrame(protocol.fields, firstEnd)
  const bodyStart = (bytes: Uint8Array, from: number, end: number) =>
    protocol.bodyStart(bytes, from, firstEnd(bytes, from, end))
  const bodyEnd = (bytes: Uint8Array, from: number, end: number) => {
    let at = from
    for (let next = firstEnd(bytes, at, end); next > 0 && next < end; next = frameEnd(bytes, at, end, 0)) at = next
    return protocol.bodyEnd(bytes, at, end)
  }
  /** The bodies of the frames of a reply; undefined where it has but one. */
  const joinedBody = (bytes: Uint8Array, from: number, end: number): Uint8Array | undefined => {
    if (firstEnd(bytes, from, end) === end) return undefined
    const parts: Uint8Array[] = []
    for (let at = from; at < end; ) {
      const next = frameEnd(bytes, at, end, 0)
      if (next <= 0) break
      const isOfReply = isUnasked === undefined || !isUnasked(bytes, at, next)
      if (isOfReply) parts.push(bytes.subarray(protocol.bodyStart(bytes, at, next), protocol.bodyEnd(bytes, at, next)))
      at = next
    }
    return Buffer.concat(parts)
  }
  return {
    bodyStart,
    bodyEnd,
    ...(fields && { fields }),
    decode: (bytes: Uint8Array, from: number, end: number) => {
      const message = protocol.decode(bytes, from, firstEnd(bytes, from, end))
      const whole = joined ? joinedBody(bytes, from, end) : undefined
      return { ...message, body: whole ?? bytes.subarray(bodyStart(bytes, from, end), bodyEnd(bytes, from, end)) }
    },
    ...(joined && { joinedBody }),
  }
}

/** By which rule a frame is answered; frames that pass one of the `earlier` tests are not. */
function answersOf(
  rules: readonly AnswerRule[] | undefined,
  protocol: Protocol,
  earlier: readonly (FramePredicate | undefined)[],
): Protocol['answerTo'] {
  if (rules === undefined) return undefined
  const tests = rules.map(({ to }) => compileTests(to, protocol)!)
  const others = earlier.filter(test => test !== undefined)
  return (bytes, from, end) => {
    for (let index = 0; index < tests.length; index++) {
      if (tests[index]!(bytes, from, end)) return others.some(test => test(bytes, from, end)) ? -1 : index
    }
    return -1
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
