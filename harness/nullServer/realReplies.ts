import { type FirstReply, firstReplyBytesMax } from '../metrics/firstReplies.ts'
import { type PlannedStep, type RequestBank, speaks } from '../plan/bank.ts'
import { createProtocol } from '../protocols/catalog.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { serverSide } from '../protocols/spec.ts'
import { formatSize } from '../units.ts'
import { noBytes } from './owed.ts'

/** The most bytes that replies with ids take at once, for one thread of a null server. */
const outputBytesMax = 8 * 1024 * 1024

/** A null server that answers as the target has: plain and cloneable. */
export interface StepReplyPlan {
  readonly kind: 'steps'
  /** The replies to the requests of a connection, which come in this order, again and again; empty where there is none. */
  readonly replies: readonly Uint8Array[]
  /** The lengths of those requests; absent where the protocol tells where each ends. */
  readonly requestBytes?: readonly number[]
  readonly protocol: ProtocolSpec
  /** The most requests of a connection that are on their way at once. */
  readonly pipeline: number
}

/** What is known of a run besides its requests. */
export interface RealReplies {
  /** By step of the loop. */
  readonly replies: readonly FirstReply[]
  readonly meanReplyBytes: number
  readonly pipeline: number
  /** Bodies pass through layers, so that requests are longer or shorter than they were encoded. */
  readonly hasLayers: boolean
}

/**
 * Whether a client does not take its own requests for replies: because replies are drawn or told apart by rules of their
 * own, or some steps have none.
 */
export function needsRealReplies(protocol: ProtocolSpec, { steps }: Pick<RequestBank, 'steps'>): boolean {
  const loop = steps.filter(({ role }) => role === 'request')
  const differs = 'request' in protocol && JSON.stringify(protocol.request) !== JSON.stringify(protocol.reply)
  const hasRules = 'replies' in protocol && protocol.replies !== undefined
  const someHave = (has: (step: PlannedStep) => boolean) => loop.some(has) && !loop.every(step => !has(step))
  const isMixed = someHave(({ reply }) => reply) && someHave(({ reply }) => !reply)
  return differs || hasRules || isMixed || loop.some(({ form }) => form !== undefined)
}

/** The replies of a null server that are those of the target; or why there are none, as a whole clause. */
export function planRealReplies(protocol: ProtocolSpec, bank: RequestBank, known: RealReplies): StepReplyPlan | string {
  const { steps, groups } = bank
  const loops = groups.filter(speaks)
  // Connections of several groups send different steps, and nothing tells which group one is of.
  const weighted = loops.length > 1 || loops.some(loop => loop.weighted)
  const found: Uint8Array[] = []
  for (const [index, step] of steps.entries()) {
    const reply = step.reply ? replyOf(protocol, step, known.replies[index]) : noBytes
    if (typeof reply === 'string') return reply
    found.push(reply)
  }
  const lengths = steps.map(step => (known.hasLayers ? undefined : requestBytesOf(step, bank)))
  const areSameLength = lengths.every(length => length === lengths[0])
  const isKnown = lengths.every(length => length !== undefined) && (!weighted || areSameLength)
  if (!isKnown && !areFramed(protocol, bank)) return 'a null server cannot tell where these requests end'
  if (weighted && steps.some(({ form, reply }) => form !== undefined || !reply)) {
    return 'a null server cannot tell which step of a mix, or of several groups, a request is of, and their replies end in different ways'
  }
  const replies = weighted ? [nearest(found, known.meanReplyBytes)] : found
  const longest = replies.reduce((most, { length }) => Math.max(most, length), 0)
  const hasIds = createProtocol(serverSide(protocol)).requestId !== undefined
  if (hasIds && known.pipeline * longest > outputBytesMax) {
    return `${known.pipeline} replies of ${formatSize(longest)} at once are more than a null server keeps`
  }
  return {
    kind: 'steps',
    replies,
    ...(isKnown && { requestBytes: (weighted ? lengths.slice(0, 1) : lengths) as number[] }),
    protocol,
    pipeline: known.pipeline,
  }
}

/** The reply to a step without the frames in it that are none; or why it cannot be sent again. */
function replyOf(spec: ProtocolSpec, { form, name }: PlannedStep, reply: FirstReply): Uint8Array | string {
  if (reply === undefined) return `no reply to ${name} was as expected, and a null server answers with those`
  if (reply === 'too-long') {
    return `replies to ${name} have more than the ${formatSize(firstReplyBytesMax)} that a null server sends`
  }
  const protocol = createProtocol(form?.spec ?? spec)
  if (protocol.endsConnection?.(reply, 0, reply.length) === true) return `the reply to ${name} ends its connection`
  return form?.isOther === true ? reply : withoutUnasked(reply, protocol)
}

/** A client would answer what the server asks within a reply, or count it as a delivery. */
function withoutUnasked(reply: Uint8Array, protocol: Protocol): Uint8Array {
  const { singleFrameEnd, ignores, delivery, answerTo } = protocol
  if (singleFrameEnd === undefined) return reply
  const frames: Uint8Array[] = []
  for (let at = 0; at < reply.length; ) {
    const end = singleFrameEnd(reply, at, reply.length, 0)
    if (end <= 0) return reply
    const isUnasked =
      ignores?.(reply, at, end) === true ||
      (delivery?.(reply, at, end) ?? -1) >= 0 ||
      (answerTo?.(reply, at, end) ?? -1) >= 0
    if (!isUnasked) frames.push(reply.subarray(at, end))
    at = end
  }
  return Uint8Array.from(Buffer.concat(frames))
}

/** The length of every request of a step; undefined where its rows of data make it differ. */
function requestBytesOf({ firstFrame, frameCount }: PlannedStep, { frames }: RequestBank): number | undefined {
  const [first, ...others] = frames.slice(firstFrame, firstFrame + frameCount)
  return others.every(({ length }) => length === first!.length) ? first!.length : undefined
}

/** Whether each request is one frame of the protocol, and no part of it looks like one. */
function areFramed(protocol: ProtocolSpec, { frames, steps }: RequestBank): boolean {
  if (protocol.name === 'raw') return false
  const { frameEnd } = createProtocol(serverSide(protocol))
  return steps
    .flatMap(({ firstFrame, frameCount }) => frames.slice(firstFrame, firstFrame + frameCount))
    .every(frame => frameEnd(frame, 0, frame.length, 0) === frame.length)
}

function nearest(replies: readonly Uint8Array[], bytes: number): Uint8Array {
  const distance = (reply: Uint8Array) => Math.abs(reply.length - bytes)
  return replies.reduce((best, reply) => (distance(reply) < distance(best) ? reply : best))
}
