import type { RequestBank } from '../plan/bank.ts'
import { createProtocol } from '../protocols/catalog.ts'
import { createHttp } from '../protocols/http/http.ts'
import { PartialFrames } from '../protocols/partialFrames.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { type NullReplies, noBytes, type Owed } from './owed.ts'
import { needsRealReplies, planRealReplies, type RealReplies, type StepReplyPlan } from './realReplies.ts'
import { createStepReplies } from './stepReplies.ts'

/** The smallest block that replies are written from, so that many go out at once. */
const blockBytesMin = 64 * 1024
/** Replies are about as long as the target's, but not longer than this. */
const replyBytesMax = 64 * 1024
/** With more deliveries they are a large part of what the client does. */
const deliveriesPerReplyMax = 0.5

/** How a null server answers: plain and cloneable. */
export type NullReplyPlan =
  | { readonly kind: 'echo' }
  /** For requests that expect no reply. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'canned'
      /** A reply is `unit` repeated, `replyBytes` in all. */
      readonly unit: Uint8Array
      readonly replyBytes: number
      readonly protocol: ProtocolSpec
      /** The length of every request, where the protocol does not give it. */
      readonly requestBytes: number
    }
  | StepReplyPlan

/**
 * The cheapest replies to the steps of a bank that a client of the protocol accepts. The reply is the request itself
 * where the client accepts that, so that ids come back, or always the same, about as long as the target's replies were on
 * average; where neither will do, it is the first real reply to each step. Or why there is none, as a clause: where the end
 * of a request cannot be found, and where replies are not most of what the client reads.
 */
export function planNullReplies(
  protocol: ProtocolSpec,
  bank: RequestBank,
  known: RealReplies & { readonly deliveriesPerReply: number },
): NullReplyPlan | string {
  const { frames, steps } = bank
  const { meanReplyBytes } = known
  const canned = (unit: Uint8Array, replyBytes = unit.length, requestBytes = 0): NullReplyPlan => {
    return { kind: 'canned', unit, replyBytes, protocol, requestBytes }
  }
  if (steps.every(({ reply }) => !reply)) return { kind: 'none' }
  // Most of what such a client reads are messages that a null server does not send, such as those of other clients.
  if (protocol.name === 'broadcast' || known.deliveriesPerReply > deliveriesPerReplyMax) {
    return `a null server does not send what a client of ${protocol.name} reads most`
  }
  if (needsRealReplies(protocol, bank)) return planRealReplies(protocol, bank, known)
  if (protocol.name === 'http') return canned(httpReply(roundedBytes(meanReplyBytes)))
  if (protocol.name === 'resp') return canned(respReply(roundedBytes(meanReplyBytes)))
  if (protocol.name !== 'raw' || protocol.replyBytes === undefined) return { kind: 'echo' }
  const lengths = steps.flatMap(({ firstFrame, frameCount }) =>
    frames.slice(firstFrame, firstFrame + frameCount).map(frame => frame.length),
  )
  const [requestBytes] = lengths
  if (lengths.some(length => length !== requestBytes)) {
    return 'a null server cannot tell requests of different lengths apart'
  }
  return canned(new Uint8Array(1), protocol.replyBytes, requestBytes)
}

/** The replies of a plan. */
export function createNullReplies(plan: NullReplyPlan): NullReplies {
  if (plan.kind === 'canned') return new CannedReplies(plan)
  if (plan.kind === 'steps') return createStepReplies(plan)
  if (plan.kind === 'none') return { answer: () => true, drop() {} }
  return {
    // A stream that is returned whole contains all of its frames, in whatever pieces: they need not be found.
    answer(owed, _link, buffer, length) {
      owed.block = buffer
      owed.at = 0
      owed.left = length
      owed.isShared = true
      return true
    },
    drop() {},
  }
}

class CannedReplies implements NullReplies {
  readonly #block: Uint8Array
  readonly #replyBytes: number
  readonly #requestBytes: number
  readonly #frameEnd: (bytes: Uint8Array, from: number, to: number, requestBytes: number) => number
  readonly #partialFrames = new PartialFrames()

  constructor({ unit, replyBytes, protocol, requestBytes }: Extract<NullReplyPlan, { kind: 'canned' }>) {
    this.#block = repeated(unit, Math.ceil(blockBytesMin / unit.length))
    this.#replyBytes = replyBytes
    this.#requestBytes = requestBytes
    // The spec of the protocol raw holds the length of a reply; here the length of a request counts.
    const { frameEnd } = createProtocol(protocol.name === 'raw' ? { name: 'raw' } : protocol)
    this.#frameEnd = frameEnd
  }

  answer(owed: Owed, link: number, buffer: Uint8Array, length: number): boolean {
    const partialFrames = this.#partialFrames
    partialFrames.join(link, buffer, 0, length)
    const { bytes, to } = partialFrames
    let { from } = partialFrames
    let requests = 0
    let end = 0
    while (from < to) {
      end = this.#frameEnd(bytes, from, to, this.#requestBytes)
      if (end <= 0) break
      from = end
      requests++
    }
    partialFrames.keep(link, bytes, from, to)
    owed.block = this.#block
    owed.at = 0
    owed.left = requests * this.#replyBytes
    return end >= 0
  }

  drop(link: number): void {
    this.#partialFrames.drop(link)
  }
}

/** A length that is the same in each run although the mean varies a little: the power of two below it. */
export function roundedBytes(meanBytes: number): number {
  return Math.min(replyBytesMax, 2 ** Math.floor(Math.log2(Math.max(1, meanBytes))))
}

function httpReply(bytes: number): Uint8Array {
  const { encode } = createHttp({ maxFrame: Number.MAX_SAFE_INTEGER })
  const head = encode({ status: 200, body: noBytes })
  return bytes <= head.length ? head : encode({ status: 200, body: new Uint8Array(bytes - head.length) })
}

function respReply(bytes: number): Uint8Array {
  const simple = Buffer.from('+OK\r\n')
  const header = `$${bytes}\r\n`
  const bodyBytes = bytes - header.length - 2
  return bodyBytes <= 0 ? simple : Buffer.from(`$${bodyBytes}\r\n${'x'.repeat(bodyBytes)}\r\n`)
}

function repeated(unit: Uint8Array, times: number): Uint8Array {
  const block = new Uint8Array(unit.length * times)
  for (let index = 0; index < times; index++) block.set(unit, index * unit.length)
  return block
}
