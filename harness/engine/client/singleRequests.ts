import { epochOffsetMs, monotonicClock } from '../../clock.ts'
import { assert } from '../../errors.ts'
import { type PlannedStep, type RequestBank, speaks } from '../../plan/bank.ts'
import { createPrng } from '../../prng.ts'
import { createProtocol } from '../../protocols/catalog.ts'
import { loginSystems } from '../../protocols/logins/catalog.ts'
import type { Login, LoginSpec } from '../../protocols/logins/login.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import { Patcher } from './patches.ts'
import { createSigner } from './signer.ts'

export interface SingleRequestsOptions {
  readonly bank: RequestBank
  /** With its layers. */
  readonly protocol: Protocol
  readonly key: string | undefined
  readonly seed: number
}

/** A request of a handshake. */
export interface HandshakeRequest {
  /**
   * Its bytes as they go over the wire, made for each connection; `before` is the whole reply to the request before it.
   */
  make(before: Uint8Array): Uint8Array
  /** The type that its reply must have, if any. */
  readonly replyType?: number
  /** The format of its reply, where that ends unlike the others. */
  readonly replyFormat?: Protocol
}

/** A login of a handshake: a dialogue, made for each connection. */
export interface HandshakeLogin {
  login(overUnixSocket: boolean): Login
  /** The format of its messages. */
  readonly replyFormat: Protocol
}

/** The requests of a scenario one at a time, as the loop would send them over the first connection. */
export interface SingleRequests {
  /** The first one of the loop. */
  request(): Uint8Array
  /** The format of its reply, where that ends unlike the others. */
  readonly replyFormat?: Protocol
  readonly handshake: readonly (HandshakeRequest | HandshakeLogin)[]
}

/** Makes the requests of a bank without a loop: fills in slots, signs challenges and wraps bodies in their layers. */
export function createSingleRequests({ bank, protocol, key, seed }: SingleRequestsOptions): SingleRequests {
  const prng = createPrng(seed)
  const patcher = new Patcher(bank.patches, { prng, index: 0, workers: 1, epochOffsetMs: epochOffsetMs() })
  const signer = createSigner({ bank, ...(key !== undefined && { key }) }, protocol, patcher)

  function frameOf({ firstFrame }: PlannedStep): Uint8Array {
    const frame = bank.frames[firstFrame]!.slice()
    patcher.apply(firstFrame, frame, 0, 0, monotonicClock.now())
    return protocol.layers?.wrapFrame(frame) ?? frame
  }

  const { first, handshake: indexes } = spokenSteps(bank)
  const formatOf = ({ form }: PlannedStep) => (form === undefined ? undefined : createProtocol(form.spec))
  const handshake = indexes.map((index, place): HandshakeRequest | HandshakeLogin => {
    const step = bank.steps[index]!
    const before = indexes[place - 1]
    if (step.login !== undefined) return loginOf(step.login)
    const replyFormat = formatOf(step)
    // Only a format with a type of its own says that of a reply where it is looked at.
    const hasType = (replyFormat ?? protocol).type !== undefined
    const replyType = hasType ? step.expectation?.fields?.['type']?.[0] : undefined
    return {
      make(reply) {
        if (before !== undefined) signer?.answered(before, reply, 0, reply.length)
        return frameOf(step)
      },
      ...(replyType !== undefined && { replyType }),
      ...(replyFormat && { replyFormat }),
    }
  })
  const replyFormat = formatOf(first)
  return { request: () => frameOf(first), ...(replyFormat && { replyFormat }), handshake }
}

/** The first request of the first connections that send any, and the numbers of the steps of their handshake. */
export function spokenSteps({ steps, groups }: RequestBank): {
  readonly first: PlannedStep
  readonly handshake: readonly number[]
} {
  const group = groups.find(speaks)
  assert(group !== undefined, 'a scenario has a request')
  const ownFrom = Math.min(...groups.map(({ handshakeFrom }) => handshakeFrom))
  const isOwn = (index: number) => index >= group.handshakeFrom && index < group.handshakeEnd
  const isWithKey = ({ role }: PlannedStep, index: number) => role === 'handshake' && index < ownFrom
  const handshake = steps.flatMap((step, index) => (isWithKey(step, index) || isOwn(index) ? [index] : []))
  return { first: steps[group.loopFrom]!, handshake }
}

function loginOf(login: LoginSpec): HandshakeLogin {
  const { format, logins } = loginSystems[login.system]
  return { login: overUnixSocket => logins(login, overUnixSocket)(), replyFormat: createProtocol(format) }
}
