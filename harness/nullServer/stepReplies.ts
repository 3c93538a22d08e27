import { createProtocol } from '../protocols/catalog.ts'
import { PartialFrames } from '../protocols/partialFrames.ts'
import { incomplete, type Protocol } from '../protocols/protocol.ts'
import { serverSide } from '../protocols/spec.ts'
import type { NullReplies, Owed } from './owed.ts'
import type { StepReplyPlan } from './realReplies.ts'

/** The smallest block that replies are written from, so that many go out at once. */
const blockBytesMin = 64 * 1024

/** Finds the end of the request of a step, or `incomplete`; below 0 where it is none. */
type RequestEnd = (step: number, bytes: Uint8Array, from: number, to: number) => number

/** Real replies, step by step: without ids they follow from the number of requests alone. */
export function createStepReplies(plan: StepReplyPlan): NullReplies {
  const server = createProtocol(serverSide(plan.protocol))
  const requestEnd = requestEndOf(plan, server)
  return server.requestId === undefined
    ? new StepReplies(plan.replies.length, requestEnd, new RepeatedReplies(plan))
    : new StepReplies(plan.replies.length, requestEnd, new RepliesWithIds(plan, server))
}

function requestEndOf({ requestBytes }: StepReplyPlan, { frameEnd }: Protocol): RequestEnd {
  if (requestBytes === undefined) return (_step, bytes, from, to) => frameEnd(bytes, from, to, 0)
  return (step, _bytes, from, to) => {
    const end = from + requestBytes[step]!
    return end > to ? incomplete : end
  }
}

/** Collects the replies to the requests of one read. */
interface Writer {
  begin(step: number): void
  /** Adds the reply to a request; false where there is no room for it. */
  add(step: number, request: Uint8Array, from: number, end: number): boolean
  finish(owed: Owed): void
}

class StepReplies implements NullReplies {
  readonly #steps: number
  readonly #requestEnd: RequestEnd
  readonly #writer: Writer
  readonly #partialFrames = new PartialFrames()
  /** By link: the step of its next request. */
  readonly #next: number[] = []

  constructor(steps: number, requestEnd: RequestEnd, writer: Writer) {
    this.#steps = steps
    this.#requestEnd = requestEnd
    this.#writer = writer
  }

  answer(owed: Owed, link: number, buffer: Uint8Array, length: number): boolean {
    const partialFrames = this.#partialFrames
    const writer = this.#writer
    partialFrames.join(link, buffer, 0, length)
    const { bytes, to } = partialFrames
    let { from } = partialFrames
    let step = this.#next[link] ?? 0
    let end = 0
    writer.begin(step)
    while (from < to) {
      end = this.#requestEnd(step, bytes, from, to)
      if (end <= 0) break
      if (!writer.add(step, bytes, from, end)) return false
      from = end
      step = step + 1 === this.#steps ? 0 : step + 1
    }
    partialFrames.keep(link, bytes, from, to)
    this.#next[link] = step
    writer.finish(owed)
    return end >= 0
  }

  drop(link: number): void {
    this.#partialFrames.drop(link)
    this.#next[link] = 0
  }
}

/** The replies of a loop one after the other, again and again: a connection owes a part of that. */
class RepeatedReplies implements Writer {
  readonly #block: Uint8Array
  /** By step: where its reply begins, and its length. */
  readonly #offsets: readonly number[]
  readonly #lengths: readonly number[]
  #at = 0
  #left = 0

  constructor({ replies }: StepReplyPlan) {
    const all = Buffer.concat(replies)
    const times = Math.max(1, Math.ceil(blockBytesMin / Math.max(1, all.length)))
    this.#block = Uint8Array.from(Buffer.concat(Array.from({ length: times }, () => all)))
    this.#lengths = replies.map(({ length }) => length)
    let offset = 0
    this.#offsets = this.#lengths.map(length => {
      offset += length
      return offset - length
    })
  }

  begin(step: number): void {
    // Behind the last reply that is not empty the block begins again.
    this.#at = this.#offsets[step]! % Math.max(1, this.#block.length)
    this.#left = 0
  }

  add(step: number): boolean {
    this.#left += this.#lengths[step]!
    return true
  }

  finish(owed: Owed): void {
    owed.block = this.#block
    owed.at = this.#at
    owed.left = this.#left
    owed.isShared = false
  }
}

/** A copy of the reply for each request, with its id in every frame, and the checksums that follow from it. */
class RepliesWithIds implements Writer {
  readonly #server: Protocol
  readonly #output: Uint8Array
  readonly #replies: readonly Uint8Array[]
  /** By step: where the frames of its reply begin; the last is where they end. */
  readonly #frames: readonly (readonly number[])[]
  #length = 0

  constructor({ replies, pipeline }: StepReplyPlan, server: Protocol) {
    const longest = replies.reduce((most, { length }) => Math.max(most, length), 0)
    this.#server = server
    this.#output = new Uint8Array(Math.max(1, pipeline * longest))
    this.#replies = replies
    const { frameEnd } = server.sent ?? server
    this.#frames = replies.map(reply => framesOf(reply, frameEnd))
  }

  begin(): void {
    this.#length = 0
  }

  add(step: number, request: Uint8Array, from: number, end: number): boolean {
    const output = this.#output
    const reply = this.#replies[step]!
    const at = this.#length
    if (at + reply.length > output.length) return false
    output.set(reply, at)
    const { requestId, seal } = this.#server
    const id = requestId!.read(request, from, end)
    const frames = this.#frames[step]!
    for (let index = 0; index + 1 < frames.length; index++) {
      requestId!.write(output, at + frames[index]!, id)
      seal?.(output, at + frames[index]!, at + frames[index + 1]!)
    }
    this.#length += reply.length
    return true
  }

  finish(owed: Owed): void {
    owed.block = this.#output
    owed.at = 0
    owed.left = this.#length
    owed.isShared = true
  }
}

function framesOf(reply: Uint8Array, frameEnd: Protocol['frameEnd']): number[] {
  const places = [0]
  for (let at = 0; at < reply.length; ) {
    const end = frameEnd(reply, at, reply.length, 0)
    if (end <= 0) break
    places.push(end)
    at = end
  }
  return places
}
