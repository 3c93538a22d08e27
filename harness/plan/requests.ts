import { assert, messageOf, UserError } from '../errors.ts'
import type { Role } from '../metrics/slab.ts'
import { createPrng, streamSeed } from '../prng.ts'
import { createProtocol } from '../protocols/catalog.ts'
import type { BodyLayers, Message, Protocol } from '../protocols/protocol.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { type Answer, plannedAnswersOf, restName, restOffset } from '../scenario/answers.ts'
import { clientGroups, type PlacedStep, placedRequests, placedSteps } from '../scenario/clients.ts'
import { loginOf } from '../scenario/login.ts'
import { type Issue, IssuesError, issue, type Path, showPath } from '../scenario/path.ts'
import { hostDefault, hostOf } from '../scenario/resolve.ts'
import {
  type ConstantPayload,
  isMessage,
  isOneWay,
  isUnframed,
  type MessageSend,
  type Payload,
  type ReplyForm,
  type Scenario,
  type Send,
  type Step,
} from '../scenario/scenario.ts'
import { formatSize } from '../units.ts'
import type { Patch, PlannedExpectation, PlannedForm, PlannedStep, RequestBank, StepRanges } from './bank.ts'
import { plannedLogin } from './logins.ts'
import type { Materials } from './materials.ts'
import { encodePayload, type PayloadContext, payloadTemplate, type Row } from './payload.ts'
import { hasCapture, isEncodedOnSend, textsOf, usesData } from './requestTexts.ts'
import { locateSlots, type Slot } from './slotPlaces.ts'
import {
  CaptureNames,
  localAddress,
  type MessageTemplate,
  type PlannedCapture,
  type TemplatePart,
} from './templates.ts'
import { upgradeStep } from './upgrade.ts'

/** Encodes the steps of a scenario; an IssuesError names every step whose message does not fit the protocol. */
export function encodeRequests(
  scenario: Scenario,
  protocol: Protocol,
  materials: Materials,
  seed: number,
): RequestBank {
  const builder = new BankBuilder(protocol, materials, seed, scenario)
  const steps = placedSteps(scenario)
  const rangesOf = (role: Role, isOfKind: (placed: PlacedStep) => boolean) =>
    clientGroups(scenario).map((_, number) => {
      const from = builder.steps
      for (const placed of steps.filter(step => step.group === number && isOfKind(step))) {
        builder.add(role, placed, placed.step, 'weight' in placed.step ? placed.step.weight : 1)
      }
      return { from, end: builder.steps }
    })
  const loops = rangesOf('request', ({ kind }) => kind !== 'connect')
  if (scenario.heartbeat) {
    const { send, reply } = scenario.heartbeat
    builder.add('heartbeat', { path: ['heartbeat'] }, { send, think: 0 }, 1, reply)
  }
  for (const answer of plannedAnswersOf(scenario.protocol)) builder.addAnswer(answer)
  if (scenario.key !== undefined) builder.addKeyHandshake()
  for (const { name, frame, equals } of loginOf(scenario)) {
    builder.addHandshake(name, frame, equals && { expectation: { equals } })
  }
  if (protocol.isUpgraded) builder.add('handshake', { path: ['protocol', 'upgrade'] }, upgradeStep)
  const handshakes = rangesOf('handshake', ({ kind }) => kind === 'connect')
  const groups = clientGroups(scenario).map(({ name, path, mix }, number) => ({
    ...(scenario.clients && { name: name ?? showPath(path) }),
    loopFrom: loops[number]!.from,
    loopEnd: loops[number]!.end,
    weighted: mix !== undefined,
    handshakeFrom: handshakes[number]!.from,
    handshakeEnd: handshakes[number]!.end,
  }))
  const bank = builder.finish(groups, scenario.data?.order === 'random')
  checkSentBytes(scenario, bank)
  return bank
}

/** Throws an IssuesError where keeping the requests that replies are compared with would take too much memory. */
function checkSentBytes(scenario: Scenario, bank: RequestBank): void {
  // The number of slots is a power of two and includes one for the heartbeat.
  const slots = scenario.connections * 2 ** Math.ceil(Math.log2(scenario.load.pipeline + 1))
  if (!bank.keepsSentBytes || slots * bank.frameBytesMax <= sentBytesMax) return
  const message = `comparing ${slots} replies with requests of ${formatSize(bank.frameBytesMax)} takes more than ${formatSize(sentBytesMax)} of memory`
  const [first] = placedRequests(scenario)
  throw new IssuesError([issue(first!.path.slice(0, -1), `${message}: expect something other than echo`)])
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
  readonly #spec: ProtocolSpec
  readonly #host: string
  readonly #frames: Uint8Array[] = []
  readonly #patches: Patch[][] = []
  readonly #templates: (MessageTemplate | null)[] = []
  readonly #names = new CaptureNames()
  readonly #steps: PlannedStep[] = []
  readonly #issues: Issue[] = []
  #bytes = 0

  constructor(protocol: Protocol, materials: Materials, seed: number, { protocol: spec, target }: Scenario) {
    this.#protocol = protocol.layers?.plain ?? protocol
    this.#layers = protocol.layers
    this.#materials = materials
    this.#seed = seed
    this.#spec = spec
    this.#host = hostOf(target) ?? hostDefault
  }

  /** Steps so far. */
  get steps(): number {
    return this.#steps.length
  }

  /** Adds a step that stands at `path`, by which reports call it where it has no other name. */
  add(role: Role, { path, name }: { path: Path; name?: string }, step: Step, weight = 1, reply = true): void {
    const firstFrame = this.#frames.length
    const send = this.#withSender(step.send)
    const rows = usesData(send) ? this.#materials.rows : [undefined]
    try {
      for (const row of rows) step.listens || step.login ? this.#sendNothing() : this.#encode(send, row)
      this.#steps.push({
        name: name ?? showPath(path),
        role,
        firstFrame,
        frameCount: this.#frames.length - firstFrame,
        ...(step.expect === undefined || isOneWay(step) ? {} : { expectation: this.#expectation(step) }),
        ...(step.reply && { form: plannedForm(step.reply, this.#spec) }),
        ...pauseOf(step.think),
        weight,
        reply: reply && !isOneWay(step),
        ...(step.listens && { listens: true as const }),
        ...(step.login && plannedLogin(step.login)),
        ...(isUnframed(send) && { unframed: true as const }),
        ...(isEncodedOnSend(send) && { isTemplate: true as const }),
        ...(step.capture === undefined ? {} : { captures: this.#names.planned(step) }),
      })
    } catch (error) {
      if (!(error instanceof RangeError) && !(error instanceof UserError)) throw error
      this.#issues.push(issue([...path, 'send'], messageOf(error)))
    }
  }

  /** What is sent in answer to a message of the server, with the values that are taken from that. */
  addAnswer({ path, to, send, capture }: Answer): void {
    const rest: PlannedCapture[] = textsOf(send).some(text => hasCapture(text, restName))
      ? [this.#names.capture(restName, { kind: 'rest', offset: restOffset(to) ?? 0 })]
      : []
    this.add('answer', { path }, { send, think: 0 }, 1, false)
    const captures = [...this.#names.planned({ ...(capture && { capture }) }), ...rest]
    const step = this.#steps.at(-1)
    if (step?.role === 'answer' && captures.length > 0) this.#steps[this.#steps.length - 1] = { ...step, captures }
  }

  /** Hello and signature; the signature is a patch, because the challenge is known only during the run. */
  addKeyHandshake(): void {
    const { keyHandshake } = this.#protocol
    assert(keyHandshake !== undefined, `${this.#protocol.name} has no handshake with a key`)
    const { helloType, challengeType, signatureType, welcomeType, signatureBytes } = keyHandshake
    const hello = this.#protocol.encode({ type: helloType, body: new Uint8Array(0) })
    const signature = this.#protocol.encode({ type: signatureType, body: new Uint8Array(signatureBytes) })
    const offset = this.#protocol.bodyStart(signature, 0, signature.length)
    const answered = (type: number) => ({ expectation: { fields: { type: [type] } } })
    const patch: Patch = { kind: 'signature', offset, length: signatureBytes }
    this.addHandshake('key.hello', hello, { ...answered(challengeType), challenge: true })
    this.addHandshake('key.signature', signature, answered(welcomeType), [patch])
  }

  /** A message of the handshake that no scenario has written. */
  addHandshake(name: string, frame: Uint8Array, more: Partial<PlannedStep> = {}, patches: Patch[] = []): void {
    const firstFrame = this.#frames.push(frame) - 1
    this.#patches.push(patches)
    this.#templates.push(null)
    const common = { role: 'handshake', frameCount: 1, thinkMs: 0, weight: 1, reply: true } as const
    this.#steps.push({ ...common, name, firstFrame, ...more })
  }

  finish(groups: readonly StepRanges[], randomRows: boolean): RequestBank {
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
      groups,
      randomRows,
      frameBytesMax,
      keepsSentBytes,
    }
  }

  /** The frame of a step that sends nothing, or what is known only during the run. */
  #sendNothing(): void {
    this.#frames.push(new Uint8Array(0))
    this.#templates.push(null)
    this.#patches.push([])
  }

  /** A request with the address of its connection, where the protocol needs one and the request has none. */
  #withSender(send: Send): Send {
    if (this.#protocol.needsLocalAddress !== true || isUnframed(send)) return send
    const fields = isMessage(send) ? send : { body: send }
    return { clientIp: `{{${localAddress}}}`, ...fields }
  }

  #encode(send: Send, row: Row | undefined): void {
    const slots: Slot[] = []
    const isTemplate = isEncodedOnSend(send)
    const frame = this.#frame(send, row, fillers[0], slots)
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
      const other = this.#frame(send, row, fillers[1], [])
      this.#patches.push(locateSlots(frame, other, slots))
    }
  }

  #frame(send: Send, row: Row | undefined, filler: number, slots: Slot[]): Uint8Array {
    if (isUnframed(send)) return encodePayload(send.unframed, filler, slots, this.#context(row))
    return this.#protocol.encode(this.#message(send, row, filler, slots))
  }

  /** The message with its slots filled; adds them to `slots` in the order in which every protocol sends them. */
  #message(send: Payload | MessageSend, row: Row | undefined, filler: number, slots: Slot[]): Message {
    const { body = '', path, headers, clientIp, ...others } = isMessage(send) ? send : { body: send }
    const text = (value: string) => Buffer.from(encodePayload(value, filler, slots, this.#context(row))).toString()
    return {
      ...this.#fields(others),
      ...(path === undefined ? {} : { path: text(path) }),
      ...(headers === undefined ? {} : { headers: mapValues(headers, text) }),
      ...(clientIp === undefined ? {} : { clientIp: text(clientIp) }),
      body: encodePayload(body, filler, slots, this.#context(row)),
    }
  }

  /** The same message as a template, with its slots in the same order as in `#message`. */
  #template(send: Send, row: Row | undefined): MessageTemplate {
    const {
      body = '',
      path,
      headers,
      clientIp,
      ...others
    } = isMessage(send) ? send : { body: isUnframed(send) ? send.unframed : send }
    let slotEnd = 0
    const slotAt = (length: number): TemplatePart => {
      slotEnd += length
      return { slotFrom: slotEnd - length, slotEnd }
    }
    const parts = (payload: Payload) =>
      payloadTemplate(payload, this.#context(row), slotAt, name => this.#names.numberOf(name))
    return {
      ...(isUnframed(send) && { unframed: true as const }),
      fields: this.#fields(others),
      ...(path === undefined ? {} : { path: parts(path) }),
      ...(headers === undefined ? {} : { headers: mapValues(headers, parts) }),
      ...(clientIp === undefined ? {} : { clientIp: parts(clientIp) }),
      body: parts(body),
    }
  }

  /** The fields of a message besides its texts: all by name where frames are drawn, and as the protocol has them elsewhere. */
  #fields({ fields, ...known }: MessageFields): Omit<Message, 'body' | 'path' | 'headers'> {
    const { sent, fields: own } = this.#protocol
    if (sent !== undefined || own !== undefined) {
      return { fields: { ...known, ...fields } as Readonly<Record<string, number | string>> }
    }
    const { extension, type, ...others } = known
    return {
      ...others,
      ...(type !== undefined && { type: Number(type) }),
      ...(extension !== undefined && { extension: BigInt(extension) }),
    }
  }

  #context(row: Row | undefined): PayloadContext {
    return { row, host: this.#host, constant: payload => this.#constant(payload) }
  }

  #constant(payload: ConstantPayload): Uint8Array {
    if ('hex' in payload) return Buffer.from(payload.hex.replace(/\s+/g, ''), 'hex')
    if ('base64' in payload) return Buffer.from(payload.base64, 'base64')
    if ('file' in payload) return this.#materials.files.get(payload.file)!
    const prng = createPrng(streamSeed(this.#seed, this.#frames.length))
    return Uint8Array.from({ length: payload.random }, () => prng.next32() & 0xff)
  }

  #expectation({ expect, reply }: Step): PlannedExpectation {
    assert(expect !== undefined, 'a step that expects nothing has no expectation')
    if (expect === 'echo') return { echo: true }
    assert(expect !== 'nothing', 'a step without a reply has no expectation')
    const { equals = expect.body, begins, contains, matches, error, body: _, extension, fields, ...header } = expect
    const bytes = (payload: Payload) =>
      typeof payload === 'string' ? utf8(payload) : encodePayload(payload, 0, [], this.#context(undefined))
    const isDrawn = (reply?.spec === undefined ? this.#protocol : createProtocol(reply.spec)).fields !== undefined
    const values = plannedValues({ ...header, ...fields, ...(isDrawn && extension !== undefined && { extension }) })
    return {
      ...(equals === undefined ? {} : { equals: bytes(equals) }),
      ...(begins === undefined ? {} : { begins: bytes(begins) }),
      ...(contains === undefined ? {} : { contains: bytes(contains) }),
      ...(matches === undefined ? {} : { matches }),
      ...(Object.keys(values).length > 0 && { fields: values }),
      ...(extension !== undefined && !isDrawn && { extension: BigInt(extension) }),
      ...(error === undefined ? {} : { error: utf8(error) }),
    }
  }
}

/** How the reply to a step ends: by other rules, or in another format. */
function plannedForm({ rules, spec }: ReplyForm, own: ProtocolSpec): PlannedForm {
  if (spec !== undefined) return { spec, isOther: true }
  const { until: _, more: __, single: ___, joined: ____, ...others } = 'replies' in own ? (own.replies ?? {}) : {}
  return { spec: { ...own, replies: { ...others, ...rules } } as ProtocolSpec, isOther: false }
}

type MessageFields = Omit<MessageSend, 'body' | 'path' | 'headers' | 'clientIp'>

function pauseOf(think: Step['think']): Pick<PlannedStep, 'thinkMs' | 'thinkSpread'> {
  return typeof think === 'number' ? { thinkMs: think } : { thinkMs: think.mean, thinkSpread: think.spread }
}

/** The values of fields as numbers: a character stands for its code. */
function plannedValues(fields: Readonly<Record<string, unknown>>): Record<string, readonly number[]> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, given]) => {
      const values = Array.isArray(given) ? given : [given]
      return [name, values.map(value => (typeof value === 'string' ? value.charCodeAt(0) : Number(value)))]
    }),
  )
}

/** Two digits to fill slots with: where the frames encoded with them differ, the slots are. */
const fillers = [0x30, 0x31] as const

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

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
