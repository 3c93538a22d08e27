import { assert, messageOf, UserError } from '../errors.ts'
import type { Role } from '../metrics/slab.ts'
import { createPrng, streamSeed } from '../prng.ts'
import type { BodyLayers, Message, Protocol } from '../protocols/protocol.ts'
import { type Issue, IssuesError, issue, type Path, showPath } from '../scenario/path.ts'
import type { Expectation, Payload, Scenario, Send, Step } from '../scenario/scenario.ts'
import { parseSlots } from '../scenario/schema/slots.ts'
import { formatSize } from '../units.ts'
import type { Patch, PlannedExpectation, PlannedStep, RequestBank } from './bank.ts'
import type { Materials } from './materials.ts'
import { locateSlots, type Slot } from './slotPlaces.ts'
import { CaptureNames, localAddress, type MessageTemplate, type TemplatePart } from './templates.ts'

/** Encodes the steps of a scenario; an IssuesError names every step whose message does not fit the protocol. */
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
    builder.add('request', [kind, index], step, 'weight' in step ? Number(step.weight) : 1)
  })
  if (scenario.heartbeat) {
    builder.add('heartbeat', ['heartbeat'], { send: scenario.heartbeat.send, think: 0 }, 1, scenario.heartbeat.reply)
  }
  if (scenario.key !== undefined) builder.addKeyHandshake()
  scenario.connect.forEach((step, index) => {
    builder.add('handshake', ['connect', index], step)
  })
  const bank = builder.finish(scenario.mix !== undefined, scenario.data?.order === 'random')
  // The number of slots is a power of two and includes one for the heartbeat.
  const slots = scenario.connections * 2 ** Math.ceil(Math.log2(scenario.load.pipeline + 1))
  if (bank.keepsSentBytes && slots * bank.frameBytesMax > sentBytesMax) {
    const message = `comparing ${slots} replies with requests of ${formatSize(bank.frameBytesMax)} takes more than ${formatSize(sentBytesMax)} of memory`
    throw new IssuesError([issue([kind], `${message}: expect something other than echo`)])
  }
  return bank
}

/** Memory limit of all encoded requests; every worker has a copy. */
const bankBytesMax = 512 * 1024 * 1024
/** Memory limit, over all workers, of the requests that are kept to compare their replies with. */
const sentBytesMax = 2 * 1024 * 1024 * 1024

class BankBuilder {
  /** The protocol without its layers: the bank has plain frames, which the workers wrap. */
  readonly #protocol: Protocol
  readonly #layers: BodyLayers | undefined
  readonly #materials: Materials
  readonly #seed: number
  readonly #frames: Uint8Array[] = []
  readonly #patches: Patch[][] = []
  readonly #templates: (MessageTemplate | null)[] = []
  readonly #names = new CaptureNames()
  readonly #steps: PlannedStep[] = []
  readonly #issues: Issue[] = []
  #bytes = 0

  constructor(protocol: Protocol, materials: Materials, seed: number) {
    this.#protocol = protocol.layers?.plain ?? protocol
    this.#layers = protocol.layers
    this.#materials = materials
    this.#seed = seed
  }

  add(role: Role, at: Path, step: Step, weight = 1, reply = true): void {
    const firstFrame = this.#frames.length
    const send = this.#withSender(step.send)
    const rows = usesData(send) ? this.#materials.rows : [undefined]
    try {
      for (const row of rows) this.#encode(send, row)
      this.#steps.push({
        name: showPath(at),
        role,
        firstFrame,
        frameCount: this.#frames.length - firstFrame,
        ...(step.expect === undefined ? {} : { expectation: this.#expectation(step.expect) }),
        thinkMs: step.think,
        weight,
        reply,
        ...(isOfAnyLength(send) && { isTemplate: true as const }),
        ...(step.capture === undefined ? {} : { captures: this.#names.planned(step) }),
      })
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof UserError)) throw error
      this.#issues.push(issue([...at, 'send'], messageOf(error)))
    }
  }

  /** Hello and signature; the signature is a patch, because the challenge is known only during the run. */
  addKeyHandshake(): void {
    const { keyHandshake } = this.#protocol
    assert(keyHandshake !== undefined, `${this.#protocol.name} has no handshake with a key`)
    const { helloType, challengeType, signatureType, welcomeType, signatureBytes } = keyHandshake
    const hello = this.#protocol.encode({ type: helloType, body: new Uint8Array(0) })
    const signature = this.#protocol.encode({ type: signatureType, body: new Uint8Array(signatureBytes) })
    const offset = this.#protocol.bodyStart(signature, 0, signature.length)
    const common = { role: 'handshake', frameCount: 1, thinkMs: 0, weight: 1, reply: true } as const
    const firstFrame = this.#frames.push(hello, signature) - 2
    this.#patches.push([], [{ kind: 'signature', offset, length: signatureBytes }])
    this.#templates.push(null, null)
    this.#steps.push(
      { ...common, name: 'key.hello', firstFrame, expectation: { type: challengeType }, challenge: true },
      { ...common, name: 'key.signature', firstFrame: firstFrame + 1, expectation: { type: welcomeType } },
    )
  }

  finish(weighted: boolean, randomRows: boolean): RequestBank {
    if (this.#issues.length > 0) throw new IssuesError(this.#issues)
    const frameBytesMax = this.#frames.reduce((most, frame) => Math.max(most, frame.length), 0)
    const isPatched = (frame: number) => this.#patches[frame]!.length > 0 && this.#templates[frame] === null
    const keepsSentBytes = this.#steps.some(
      ({ expectation, firstFrame, frameCount }) =>
        expectation?.echo && Array.from({ length: frameCount }, (_, row) => firstFrame + row).some(isPatched),
    )
    return {
      frames: this.#frames,
      patches: this.#patches,
      templates: this.#templates.some(template => template !== null) ? this.#templates : [],
      capturedValues: this.#names.count,
      steps: this.#steps,
      weighted,
      randomRows,
      frameBytesMax,
      keepsSentBytes,
    }
  }

  /** A request with the address of its connection, where the protocol needs one and the request has none. */
  #withSender(send: Send): Send {
    if (this.#protocol.needsLocalAddress !== true) return send
    const fields = isFields(send) ? send : { body: send }
    return { clientIp: `{{${localAddress}}}`, ...fields }
  }

  #encode(send: Send, row: Row | undefined): void {
    const slots: Slot[] = []
    const isTemplate = isOfAnyLength(send)
    const frame = this.#protocol.encode(this.#message(send, row, fillers[0], slots))
    if (frame.length === 0) throw new RangeError('an empty request cannot be sent over a protocol without framing')
    this.#bytes += frame.length
    if (this.#bytes > bankBytesMax) {
      throw new RangeError(`the requests, one for each row of the data, take more than ${formatSize(bankBytesMax)}`)
    }
    if (this.#layers !== undefined) checkWrapped(this.#layers, frame, slots.length > 0)
    this.#frames.push(frame)
    this.#templates.push(isTemplate ? this.#template(send, row) : null)
    if (isTemplate) this.#patches.push(consecutive(slots))
    else if (slots.length === 0) this.#patches.push([])
    else {
      const other = this.#protocol.encode(this.#message(send, row, fillers[1], []))
      this.#patches.push(locateSlots(frame, other, slots))
    }
  }

  /** The message with its slots filled; adds them to `slots` in the order in which every protocol sends them. */
  #message(send: Send, row: Row | undefined, filler: number, slots: Slot[]): Message {
    const { body = '', path, headers, clientIp, extension, ...fields } = isFields(send) ? send : { body: send }
    const text = (value: string) => Buffer.from(fillSlots(value, row, filler, slots)).toString()
    return {
      ...fields,
      ...(path === undefined ? {} : { path: text(path) }),
      ...(headers === undefined ? {} : { headers: mapValues(headers, text) }),
      ...(clientIp === undefined ? {} : { clientIp: text(clientIp) }),
      ...(extension === undefined ? {} : { extension: BigInt(extension) }),
      body: typeof body === 'string' ? fillSlots(body, row, filler, slots) : this.#constant(body),
    }
  }

  /** The same message as a template, with its slots in the same order as in `#message`. */
  #template(send: Send, row: Row | undefined): MessageTemplate {
    const { body = '', path, headers, clientIp, extension, ...fields } = isFields(send) ? send : { body: send }
    let slotEnd = 0
    const parts = (text: string) =>
      parseSlots(text).map((part): TemplatePart => {
        if ('text' in part) return utf8(part.text)
        if (part.slot === 'data') return utf8(column(row, part.column))
        if (part.slot === 'capture') return { value: this.#names.numberOf(part.name) }
        if (part.slot === localAddress) return localAddress
        slotEnd += part.length
        return { slotFrom: slotEnd - part.length, slotEnd }
      })
    return {
      fields: { ...fields, ...(extension === undefined ? {} : { extension: BigInt(extension) }) },
      ...(path === undefined ? {} : { path: parts(path) }),
      ...(headers === undefined ? {} : { headers: mapValues(headers, parts) }),
      ...(clientIp === undefined ? {} : { clientIp: parts(clientIp) }),
      body: typeof body === 'string' ? parts(body) : [this.#constant(body)],
    }
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
      ...(expect.status === undefined ? {} : { status: expect.status }),
      ...(expect.error === undefined ? {} : { error: utf8(expect.error) }),
    }
  }
}

type Row = Readonly<Record<string, string>>

/** Two digits to fill slots with: where the frames encoded with them differ, the slots are. */
const fillers = [0x30, 0x31] as const

/** As long as an address of IPv4 can be. */
const exampleAddress = '255.255.255.255:65535'

function fillSlots(text: string, row: Row | undefined, filler: number, slots: Slot[]): Uint8Array {
  const parts = parseSlots(text).map(part => {
    if ('text' in part) return utf8(part.text)
    if (part.slot === 'data') return utf8(column(row, part.column))
    // A slash, because a captured value may be a whole path as well as a part of one.
    if (part.slot === 'capture') return utf8('/')
    if (part.slot === localAddress) return utf8(exampleAddress)
    const { slot, ...rest } = part
    slots.push({ kind: slot, ...rest })
    return new Uint8Array(part.length).fill(filler)
  })
  return Buffer.concat(parts)
}

/** Throws a RangeError if a frame is too long with its layers; a frame with slots must fit whatever their values. */
function checkWrapped(layers: BodyLayers, frame: Uint8Array, differs: boolean): void {
  try {
    layers.wrappedBytesMax(frame)
  } catch (error) {
    if (differs) throw error
    // The bound may be too high for this frame, so wrap it to know its length.
    layers.wrapFrame(frame)
  }
}

/** Patches for slots that lie one after another. */
function consecutive(slots: readonly Slot[]): Patch[] {
  let end = 0
  return slots.map(slot => {
    end += slot.length
    return { ...slot, offset: end - slot.length }
  })
}

function mapValues<Value>(
  record: Readonly<Record<string, string>>,
  change: (value: string) => Value,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
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
  return usesSlot(send, 'data')
}

/** Whether a request has a slot without a fixed width, so that it is encoded when it is sent. */
function isOfAnyLength(send: Send): boolean {
  return usesSlot(send, 'capture') || usesSlot(send, localAddress)
}

function usesSlot(send: Send, slot: string): boolean {
  const texts = isFields(send) ? [send.body, send.path, send.clientIp, ...Object.values(send.headers ?? {})] : [send]
  return texts.some(
    text => typeof text === 'string' && parseSlots(text).some(part => 'slot' in part && part.slot === slot),
  )
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
