import { createPrng, type Prng } from '../../harness/prng.ts'
import type { Protocol } from '../../harness/protocols/protocol.ts'
import { createRpc, type RpcSettings, rpcLayout } from '../../harness/protocols/rpc.ts'
import type { Replies } from '../server/replies.ts'
import type { Service } from '../server/service.ts'

/** Requests of a connection are answered before more bytes than this are held. */
const heldBytesMax = 1024 * 1024
/** A buffer of held requests up to this size is reused; a larger one is freed with its requests. */
const reusedBytesMax = 64 * 1024
const smallestBytes = 1024

export interface RpcOptions {
  readonly reply?: string
  /** Up to this many requests of a connection are held and answered in shuffled order. */
  readonly shuffle?: number
  readonly seed?: number
}

/** Answers every RPC message with its own header and its own body, or the body `reply`. */
export function createRpcServer(spec: RpcSettings, { reply, shuffle = 1, seed = 1 }: RpcOptions = {}): Service {
  const protocol = createRpc(spec)
  const replyFrame = reply === undefined ? undefined : protocol.encode({ body: new TextEncoder().encode(reply) })
  const { idOffset, bodyLengthOffset } = rpcLayout(spec.lengthPrefix)

  function answer(bytes: Uint8Array, from: number, end: number, replies: Replies): void {
    if (replyFrame === undefined) {
      replies.append(bytes, from, end)
      return
    }
    const at = replies.reserve(replyFrame.length)
    replies.bytes.set(replyFrame, at)
    // Opaque, CmdType, Version and Extension are copied from the request.
    for (let field = idOffset; field < bodyLengthOffset; field++) replies.bytes[at + field] = bytes[from + field]!
  }

  if (shuffle === 1) {
    return {
      protocol,
      message(_connection, bytes, from, end, replies) {
        if (replyFrame === undefined) replies.echo(bytes, from, end)
        else answer(bytes, from, end, replies)
      },
    }
  }

  return shufflingServer(protocol, answer, { shuffle, prng: createPrng(seed) })
}

/** Writes the reply to the request in `bytes[from, end)`. */
type Answer = (bytes: Uint8Array, from: number, end: number, replies: Replies) => void

/** Holds up to `shuffle` requests of a connection and answers them in a random order. */
function shufflingServer(
  protocol: Protocol,
  answer: Answer,
  { shuffle, prng }: { readonly shuffle: number; readonly prng: Prng },
): Service {
  const heldBy: (HeldRequests | undefined)[] = []

  function release(held: HeldRequests, replies: Replies): void {
    // A Fisher-Yates shuffle: each request is answered when it is drawn.
    for (let left = held.count; left > 0; left--) {
      const drawn = prng.below(left)
      answer(held.bytes, held.starts[drawn]!, held.ends[drawn]!, replies)
      held.starts[drawn] = held.starts[left - 1]!
      held.ends[drawn] = held.ends[left - 1]!
    }
    held.clear()
  }

  return {
    protocol,
    message(connection, bytes, from, end, replies) {
      const held = heldBy[connection.link] ?? new HeldRequests(shuffle)
      heldBy[connection.link] = held
      if (held.length + end - from > heldBytesMax) release(held, replies)
      held.add(bytes, from, end)
      if (held.count === shuffle) release(held, replies)
      else if (held.count === 1) connection.finishLater()
    },
    finish(connection, replies) {
      const held = heldBy[connection.link]
      if (held) release(held, replies)
    },
    close(connection) {
      heldBy[connection.link] = undefined
    },
  }
}

/** Copies of requests, one after another in one buffer. */
class HeldRequests {
  bytes: Uint8Array = new Uint8Array(0)
  length = 0
  count = 0
  readonly starts: Uint32Array
  readonly ends: Uint32Array

  constructor(countMax: number) {
    this.starts = new Uint32Array(countMax)
    this.ends = new Uint32Array(countMax)
  }

  add(bytes: Uint8Array, from: number, end: number): void {
    if (this.length + end - from > this.bytes.length) this.#grow(this.length + end - from)
    this.bytes.set(bytes.subarray(from, end), this.length)
    this.starts[this.count] = this.length
    this.length += end - from
    this.ends[this.count] = this.length
    this.count++
  }

  clear(): void {
    this.count = 0
    this.length = 0
    if (this.bytes.length > reusedBytesMax) this.bytes = new Uint8Array(0)
  }

  #grow(wanted: number): void {
    const grown = new Uint8Array(Math.max(smallestBytes, 2 * wanted))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}
