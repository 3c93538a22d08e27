import type { Role } from '../metrics/slab.ts'
import type { LoginSpec } from '../protocols/logins/login.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import type { RandomPause } from '../scenario/scenario.ts'
import type { MessageTemplate, PlannedCapture } from './templates.ts'

/**
 * Every request of a scenario, encoded before the run. A value that differs between requests is a patch: a range of
 * fixed length within the encoded frame, overwritten when the request is sent. Steps that use a data file have one
 * frame per row. Only requests that take a value from an earlier reply, or the client's address, are encoded when they are
 * sent. The worker applies layers, so that the frames here are without them.
 */
export interface RequestBank {
  readonly frames: readonly Uint8Array[]
  /** By frame, ordered by offset; empty for a frame that never changes. */
  readonly patches: readonly (readonly Patch[])[]
  /** By frame, for requests that are encoded when they are sent; their frames are examples. Empty if there are none. */
  readonly templates: readonly (MessageTemplate | null)[]
  /** The number of values that each connection captures. */
  readonly capturedValues: number
  /**
   * The steps of all loops, then the heartbeat, then the answers to messages of the server, then the handshakes: with the key
   * first, then those of the scenario.
   */
  readonly steps: readonly PlannedStep[]
  /** Connections that do the same: at least one group, in the order of the scenario. */
  readonly groups: readonly StepRanges[]
  /** Rows of the data are drawn instead of taken sequentially. */
  readonly randomRows: boolean
  readonly frameBytesMax: number
  /** Some step compares replies with requests that differ each time, so that requests must be kept as sent. */
  readonly keepsSentBytes: boolean
}

/** The steps of one group of connections, as ranges of all steps. */
export interface StepRanges {
  /** What it is called, or where it stands; absent where all connections do the same. */
  readonly name?: string
  /** Its loop is `steps[loopFrom, loopEnd)`; empty where it only listens. */
  readonly loopFrom: number
  readonly loopEnd: number
  /** Its steps are drawn by weight instead of sent sequentially. */
  readonly weighted: boolean
  /** Its handshake is `steps[handshakeFrom, handshakeEnd)`, behind that with the key. */
  readonly handshakeFrom: number
  readonly handshakeEnd: number
}

/** Whether a group sends requests; one that does not only listens. */
export function speaks({ loopFrom, loopEnd }: Pick<StepRanges, 'loopFrom' | 'loopEnd'>): boolean {
  return loopEnd > loopFrom
}

/** `signature` signs the challenge that the connection has received. */
export type PatchKind = 'seq' | 'count' | 'connection' | 'uuid' | 'random' | 'stamp' | 'utc' | 'number' | 'signature'

export interface Patch {
  readonly kind: PatchKind
  readonly offset: number
  readonly length: number
  /** The value is a number in bytes, in this order, and not a text. */
  readonly binary?: 'big' | 'little'
  /** For a number: the range that it is drawn from, including both ends. */
  readonly from?: number
  readonly to?: number
}

export interface PlannedStep {
  readonly name: string
  readonly role: Role
  /** The frames of the step are `frames[firstFrame, firstFrame + frameCount)`: one, or one per row of the data. */
  readonly firstFrame: number
  readonly frameCount: number
  readonly expectation?: PlannedExpectation
  /** The pause after its reply, or the mean of those that are drawn; 0 for none. */
  readonly thinkMs: number
  /** How pauses are drawn; absent where all are the same. */
  readonly thinkSpread?: RandomPause['spread']
  readonly weight: number
  /** False if the server sends no reply. */
  readonly reply: boolean
  /** Nothing is sent, and what the server says by itself is the reply. */
  readonly listens?: true
  /** Its frames are whole messages: no id and no checksum is written into them. */
  readonly unframed?: true
  /** How its reply ends, where that is unlike other replies. */
  readonly form?: PlannedForm
  /** It is a login: a dialogue, of which the bank has no messages. */
  readonly login?: LoginSpec
  /** Its reply is a challenge, which the next step signs. */
  readonly challenge?: true
  /** Values taken from its reply; a request whose reply lacks one has failed. */
  readonly captures?: readonly PlannedCapture[]
  /** It uses captured values or the client's address and is encoded when it is sent; its frames are examples. */
  readonly isTemplate?: true
}

/** A format for one reply. */
export interface PlannedForm {
  readonly spec: ProtocolSpec
  /** Its frames are not those of the protocol, so that nothing in them is a delivery or to be ignored. */
  readonly isOther: boolean
}

/** A reply must match every part that is present. */
export interface PlannedExpectation {
  readonly echo?: true
  readonly equals?: Uint8Array
  readonly begins?: Uint8Array
  readonly contains?: Uint8Array
  readonly matches?: string
  /** Fields that each have one of these values; `type`, `version` and `status` in formats that have no other fields. */
  readonly fields?: Readonly<Record<string, readonly number[]>>
  /** RPC: a signed number of 64 bits. */
  readonly extension?: bigint
  /** RESP: the reply is an error that begins so. */
  readonly error?: Uint8Array
}
