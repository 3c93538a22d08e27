import { plural } from '../../units.ts'
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
/** Behind how many frames came that are whole. */
const unended = ', but none that ends the reply: are until or more right?'

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
    ...(endsReply && { explain: explainWithin(protocol, rules, endsReply, isUnasked) }),
    ...(endsReply && protocol.announcedBytes && { announcedBytes: announcedWithin(protocol) }),
    ...(endsReply && isUnasked && { singleFrameEnd: frameEnd }),
    ...(ignore && { ignores: ignore }),
    ...(answerTo && { answerTo }),
    ...(delivers && {
      delivery: (bytes: Uint8Array, from: number, end: number) =>
        delivers(bytes, from, end) ? protocol.bodyStart(bytes, from, end) : -1,
    }),
    ...(refuse && { isRefusal: endsReply ? anyFrame(refuse, frameEnd) : refuse, refusesByText: true as const }),
    ...(refuse && endsReply && { isRefusalLater: anyFrame(refuse, frameEnd, 1) }),
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
  { frameEnd, frameBytesMax, explain }: Protocol,
  { maxFrames = maxFramesDefault }: ReplyRules,
  endsReply: EndsReply,
  isUnasked: FramePredicate | undefined,
): NonNullable<Protocol['explain']> {
  return (bytes, from, to) => {
    let frames = 0
    for (let at = from; at < to; ) {
      const end = frameEnd(bytes, at, to, 0)
      if (end < 0) return explain?.(bytes, at, to)
      if (end === incomplete) break
      const isOfReply = isUnasked === undefined || !isUnasked(bytes, at, end)
      if (isOfReply && endsReply(bytes, at, end, frames === 0)) return undefined
      if (isOfReply) frames++
      at = end
    }
    const replyBytesMax = frameBytesMax * maxFrames
    if (to - from > replyBytesMax) return endsTooLate('no end of a reply', replyBytesMax)
    return frames === 0 ? explain?.(bytes, from, to) : `${plural(frames, 'whole frame')}${unended}`
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

/** What a frame announces; of a reply whose first frame is whole nobody knows how long it will be. */
function announcedWithin({ frameEnd, announcedBytes }: Protocol): NonNullable<Protocol['announcedBytes']> {
  return (bytes, from, to) => (frameEnd(bytes, from, to, 0) > 0 ? 0 : (announcedBytes?.(bytes, from, to) ?? 0))
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

/** Whether a frame of a whole reply passes, the first `skipped` left out: a server may say no after it has begun to answer. */
function anyFrame(test: FramePredicate, frameEnd: Protocol['frameEnd'], skipped = 0): FramePredicate {
  return (bytes, from, end) => {
    for (let at = from, frame = 0; at < end; frame++) {
      const next = frameEnd(bytes, at, end, 0)
      if (next <= 0) return false
      if (frame >= skipped && test(bytes, at, next)) return true
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
