import type { Role } from '../metrics/slab.ts'
import type { MessageTemplate, PlannedCapture } from './templates.ts'

/**
 * Every request of a scenario, encoded before the run. What differs from one request to the next is a patch: a range
 * of fixed length within the encoded frame, overwritten as it is sent. What comes from a data file is encoded whole,
 * once a row. Only what takes a value out of an earlier reply is encoded when it is sent. Layers are left to the worker:
 * the frames here are as they are before them.
 */
export interface RequestBank {
  readonly frames: readonly Uint8Array[]
  /** By frame, in the order of their offsets; empty for a frame that never changes. */
  readonly patches: readonly (readonly Patch[])[]
  /** By frame, what is encoded when it is sent; its frame is an example. Empty where everything is encoded before. */
  readonly templates: readonly (MessageTemplate | null)[]
  /** How many values each connection captures. */
  readonly capturedValues: number
  /** The steps of the loop, then the heartbeat, then the handshakes: that of the key, then that of the scenario. */
  readonly steps: readonly PlannedStep[]
  /** Steps are drawn by their weight, not sent in order. */
  readonly weighted: boolean
  /** Rows of the data are drawn, not taken in order. */
  readonly randomRows: boolean
  readonly frameBytesMax: number
  /** Some step compares the reply with a request that differs each time: requests are kept as they were sent. */
  readonly keepsSentBytes: boolean
}

/** A signature is that of the challenge which came in on the connection. */
export type PatchKind = 'seq' | 'connection' | 'uuid' | 'random' | 'stamp' | 'number' | 'signature'

export interface Patch {
  readonly kind: PatchKind
  readonly offset: number
  readonly length: number
  /** Of a number: what it is drawn from, both ends included. */
  readonly from?: number
  readonly to?: number
}

export interface PlannedStep {
  readonly name: string
  readonly role: Role
  /** The step's frames are `frames[firstFrame, firstFrame + frameCount)`: one, or one for each row of the data. */
  readonly firstFrame: number
  readonly frameCount: number
  readonly expectation?: PlannedExpectation
  readonly thinkMs: number
  readonly weight: number
  /** False where the server sends nothing back. */
  readonly reply: boolean
  /** Its reply is a challenge, which the next step has the signature of. */
  readonly challenge?: true
  /** What it takes out of its reply; where one of them is not there, the request has failed. */
  readonly captures?: readonly PlannedCapture[]
  /** Its frames are examples: it takes what was captured, and is encoded when it is sent. */
  readonly isMade?: true
}

/** Every part that is there must hold. */
export interface PlannedExpectation {
  readonly echo?: true
  readonly equals?: Uint8Array
  readonly contains?: Uint8Array
  readonly matches?: string
  readonly type?: number
  readonly status?: number
}
