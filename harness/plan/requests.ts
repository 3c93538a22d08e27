import { type Fault, messageOf, UserError } from '../errors.ts'
import type { Role } from '../metrics/slab.ts'
import { createPrng, streamSeed } from '../prng.ts'
import type { Message, Protocol } from '../protocols/protocol.ts'
import type { Expectation, Payload, Scenario, Send, Step } from '../scenario/scenario.ts'
import { parseSlots } from '../scenario/slots.ts'
import type { Materials } from './materials.ts'

/**
 * Every request of a scenario, encoded before the run. What differs from one request to the next is a patch: a range
 * of fixed length within the encoded frame, overwritten as it is sent. What comes from a data file is encoded whole,
 * once a row.
 */
export interface RequestBank {
  readonly frames: readonly Uint8Array[]
  /** By frame, in the order of their offsets; empty for a frame that never changes. */
  readonly patches: readonly (readonly Patch[])[]
  /** The steps of the loop, then the heartbeat, then the handshake. */
  readonly steps: readonly PlannedStep[]
  /** Steps are drawn by their weight, not sent in order. */
  readonly weighted: boolean
  /** Rows of the data are drawn, not taken in order. */
  readonly randomRows: boolean
}

export type PatchKind = 'seq' | 'connection' | 'uuid' | 'random' | 'stamp'

export interface Patch {
  readonly kind: PatchKind
  readonly offset: number
  readonly length: number
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
}

/** Every part that is there must hold. */
export interface PlannedExpectation {
  readonly echo?: true
  readonly equals?: Uint8Array
  readonly contains?: Uint8Array
  readonly matches?: string
  readonly type?: number
}

/** Encodes the steps of a scenario; a UserError names every step whose message does not fit the protocol. */
export function encodeRequests(
  scenario: Scenario,
  protocol: Protocol,
  materials: Materials,
  seed: number,
): RequestBank {
  const builder = new BankBuilder(protocol, materials, seed)
  const loop = scenario.loop ?? scenario.mix!
  const kind = scenario.loop ? 'loop' : 'mix'
  loop.forEach((step, index) => {
    builder.add('request', `${kind}[${index}]`, step, 'weight' in step ? Number(step.weight) : 1)
  })
  if (scenario.heartbeat) {
    builder.add('heartbeat', 'heartbeat', { send: scenario.heartbeat.send, think: 0 }, 1, scenario.heartbeat.reply)
  }
  scenario.connect.forEach((step, index) => {
    builder.add('handshake', `connect[${index}]`, step)
  })
  return builder.finish(scenario.mix !== undefined, scenario.data?.order === 'random')
}

class BankBuilder {
  readonly #protocol: Protocol
  readonly #materials: Materials
  readonly #seed: number
  readonly #frames: Uint8Array[] = []
  readonly #patches: Patch[][] = []
  readonly #steps: PlannedStep[] = []
  readonly #faults: Fault[] = []

  constructor(protocol: Protocol, materials: Materials, seed: number) {
    this.#protocol = protocol
    this.#materials = materials
    this.#seed = seed
  }

  add(role: Role, place: string, step: Step, weight = 1, reply = true): void {
    const firstFrame = this.#frames.length
    const rows = usesData(step.send) ? this.#materials.rows : [undefined]
    try {
      for (const row of rows) this.#encode(step.send, row)
      this.#steps.push({
        name: place,
        role,
        firstFrame,
        frameCount: this.#frames.length - firstFrame,
        ...(step.expect === undefined ? {} : { expectation: this.#expectation(step.expect) }),
        thinkMs: step.think,
        weight,
        reply,
      })
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof UserError)) throw error
      this.#faults.push({ place: `${place}.send`, message: messageOf(error) })
    }
  }

  finish(weighted: boolean, randomRows: boolean): RequestBank {
    if (this.#faults.length > 0) throw new UserError(this.#faults)
    return { frames: this.#frames, patches: this.#patches, steps: this.#steps, weighted, randomRows }
  }

  #encode(send: Send, row: Row | undefined): void {
    const { body, ...fields } = isFields(send) ? send : { body: send }
    const { bytes, patches } = this.#payload(body ?? '', row)
    const message: Message = {
      body: bytes,
      ...(fields.type === undefined ? {} : { type: fields.type }),
      ...(fields.version === undefined ? {} : { version: fields.version }),
      ...(fields.extension === undefined ? {} : { extension: BigInt(fields.extension) }),
    }
    const frame = this.#protocol.encode(message)
    if (frame.length === 0) throw new RangeError('an empty request cannot be sent over a protocol without framing')
    const bodyStart = this.#protocol.bodyStart(frame, 0, frame.length)
    this.#frames.push(frame)
    this.#patches.push(patches.map(patch => ({ ...patch, offset: patch.offset + bodyStart })))
  }

  #payload(payload: Payload, row?: Row): { bytes: Uint8Array; patches: Patch[] } {
    if (typeof payload === 'string') return fillSlots(payload, row)
    return { bytes: this.#constant(payload), patches: [] }
  }

  #constant(payload: Exclude<Payload, string>): Uint8Array {
    if ('hex' in payload) return Buffer.from(payload.hex.replace(/\s+/g, ''), 'hex')
    if ('base64' in payload) return Buffer.from(payload.base64, 'base64')
    if ('file' in payload) return this.#materials.files.get(payload.file)!
    const prng = createPrng(streamSeed(this.#seed, this.#frames.length))
    return Uint8Array.from({ length: payload.random }, () => prng.next32() & 0xff)
  }

  #expectation(expect: Expectation): PlannedExpectation {
    if (expect === 'echo') return { echo: true }
    const equals = expect.equals ?? expect.body
    return {
      ...(equals === undefined ? {} : { equals: typeof equals === 'string' ? utf8(equals) : this.#constant(equals) }),
      ...(expect.contains === undefined ? {} : { contains: utf8(expect.contains) }),
      ...(expect.matches === undefined ? {} : { matches: expect.matches }),
      ...(expect.type === undefined ? {} : { type: expect.type }),
    }
  }
}

type Row = Readonly<Record<string, string>>

function fillSlots(text: string, row: Row | undefined): { bytes: Uint8Array; patches: Patch[] } {
  const parts: Uint8Array[] = []
  const patches: Patch[] = []
  let offset = 0
  for (const part of parseSlots(text)) {
    let bytes: Uint8Array
    if ('text' in part) bytes = utf8(part.text)
    else if (part.slot === 'data') bytes = utf8(column(row, part.column))
    else {
      patches.push({ kind: part.slot, offset, length: part.length })
      bytes = new Uint8Array(part.length).fill(0x30)
    }
    parts.push(bytes)
    offset += bytes.length
  }
  return { bytes: Buffer.concat(parts), patches }
}

function column(row: Row | undefined, name: string): string {
  const value = row?.[name]
  if (value !== undefined) return value
  const known = Object.keys(row ?? {}).join(', ')
  throw new UserError(`the data has no column "${name}"; it has ${known || 'no columns'}`)
}

function isFields(send: Send): send is Extract<Send, { body?: Payload }> {
  return typeof send === 'object' && !('hex' in send || 'base64' in send || 'file' in send || 'random' in send)
}

function usesData(send: Send): boolean {
  const body = isFields(send) ? send.body : send
  return typeof body === 'string' && parseSlots(body).some(part => 'slot' in part && part.slot === 'data')
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
