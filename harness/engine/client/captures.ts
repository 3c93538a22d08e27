import type { RequestBank } from '../../plan/bank.ts'
import { numberBytes, withChecksum, withLength } from '../../plan/payload.ts'
import type { WorkerPlan } from '../../plan/plan.ts'
import { localAddress, type MessageTemplate, partsOf, type TemplatePart } from '../../plan/templates.ts'
import { type NumberType, numberType } from '../../protocols/picture/numbers.ts'
import type { Message, Protocol } from '../../protocols/protocol.ts'
import type { CaptureSource } from '../../scenario/schema/capture.ts'
import type { Transport } from '../../transports/transport.ts'
import { ConnectionFrames } from './connectionFrames.ts'
import { matchedBytesMax } from './expectation.ts'
import type { Patcher } from './patches.ts'

/** A longer value counts as missing: every connection keeps its own. */
export const capturedBytesMax = 16 * 1024
/** Bytes of a reply that are read as JSON; in a longer one every value counts as missing. */
const jsonBytesMax = 1024 * 1024

/** Two digits that every slot may have. */
const fillers = [0x30, 0x31] as const

const utf8 = new TextEncoder()

/** Extracts a value from a reply; undefined where it is missing. */
type Extractor = (reply: Pick<Message, 'body' | 'fields'>) => Uint8Array | undefined

interface Capture {
  /** The number of the value among those of a connection. */
  readonly value: number
  readonly extract: Extractor
}

/**
 * The values that each connection has captured from replies and its own address, and the requests that contain them.
 * These requests are encoded when they are sent, and may allocate; without captured values a connection encodes each of
 * them only once.
 */
export class Captures {
  /** The format of the reply to a step. */
  readonly #protocolOf: (step: number) => Protocol
  /** The same protocol without its layers. */
  readonly #plain: Protocol
  readonly #patcher: Patcher
  readonly #templates: RequestBank['templates']
  readonly #firstConnection: number
  /** By step. */
  readonly #captures: readonly (readonly Capture[] | undefined)[]
  /** By link and number of the value. */
  readonly #values: (Uint8Array | undefined)[]
  readonly #count: number
  /** By frame. */
  readonly #needsAddress: readonly boolean[]
  readonly #usesAddresses: boolean
  /** By link: the client's address, where a request needs it. */
  readonly #addresses: (Uint8Array | undefined)[]
  readonly #connectionFrames: ConnectionFrames
  /** Where the text of slots is written before it is put into a message. */
  readonly #slots: Uint8Array

  constructor(
    { bank, connections, firstConnection }: WorkerPlan,
    protocol: Protocol,
    patcher: Patcher,
    protocolOf: (step: number) => Protocol,
  ) {
    this.#protocolOf = protocolOf
    this.#plain = protocol.layers?.plain ?? protocol
    this.#patcher = patcher
    this.#templates = bank.templates
    this.#firstConnection = firstConnection
    this.#captures = bank.steps.map(({ captures }) =>
      captures?.map(({ value, source }) => ({ value, extract: compileExtractor(source) })),
    )
    this.#count = bank.capturedValues
    this.#values = new Array(connections * this.#count).fill(undefined)
    this.#needsAddress = bank.templates.map(template => template !== null && partsOf(template).includes(localAddress))
    this.#usesAddresses = this.#needsAddress.includes(true)
    this.#addresses = new Array(connections).fill(undefined)
    this.#connectionFrames = new ConnectionFrames(bank, connections, protocol)
    const slotBytes = bank.templates.map((template, frame) =>
      template === null ? 0 : bank.patches[frame]!.reduce((sum, { length }) => sum + length, 0),
    )
    this.#slots = new Uint8Array(slotBytes.reduce((most, bytes) => Math.max(most, bytes), 0))
  }

  /** Undefined where no step captures anything and no request is encoded when it is sent. */
  static of(
    plan: WorkerPlan,
    protocol: Protocol,
    patcher: Patcher,
    protocolOf: (step: number) => Protocol = () => protocol,
  ): Captures | undefined {
    const { capturedValues, templates } = plan.bank
    return capturedValues > 0 || templates.length > 0 ? new Captures(plan, protocol, patcher, protocolOf) : undefined
  }

  /** A connection is open: asks for its address, if any request needs it. */
  opened(link: number, transport: Transport): void {
    if (!this.#usesAddresses) return
    const address = transport.localAddress?.(link)
    this.#addresses[link] = address === undefined ? undefined : utf8.encode(address)
    this.#connectionFrames.opened(link)
  }

  /** Whether a step captures values from its replies. */
  has(step: number): boolean {
    return this.#captures[step] !== undefined
  }

  /** Captures the values of a step from its reply `bytes[from, end)`; false where one of them is missing. */
  capture(link: number, step: number, bytes: Uint8Array, from: number, end: number): boolean {
    const captures = this.#captures[step]
    if (captures === undefined) return true
    const reply = this.#protocolOf(step).decode(bytes, from, end)
    for (const { value, extract } of captures) {
      const captured = extract(reply)
      if (captured === undefined || captured.length > capturedBytesMax) return false
      this.#values[link * this.#count + value] = captured
    }
    return true
  }

  /** Forgets the values of a connection that is closed. */
  forget(link: number): void {
    this.#values.fill(undefined, link * this.#count, (link + 1) * this.#count)
  }

  /** Whether a frame of the bank is only an example, as the request is encoded when it is sent. */
  encodes(frame: number): boolean {
    return this.#templates.length > 0 && this.#templates[frame] !== null
  }

  /** The request of a frame with the values of its connection, without layers; undefined where it cannot be encoded. */
  encode(link: number, frame: number, now: number): Uint8Array | undefined {
    // The connection is already broken where its address is not known.
    if (this.#needsAddress[frame] && this.#addresses[link] === undefined) return undefined
    this.#patcher.apply(frame, this.#slots, 0, this.#firstConnection + link, now)
    const own = this.#connectionFrames
    const kept = own.keeps(frame) ? (own.get(link, frame) ?? this.#keep(link, frame)) : undefined
    return kept === undefined ? this.#encode(link, frame) : own.fill(kept, this.#slots)
  }

  /** Encodes a request twice, so that its slots are found where the two differ. */
  #keep(link: number, frame: number): ReturnType<ConnectionFrames['get']> {
    const texts = this.#slots.slice()
    const [bytes, other] = fillers.map(filler => {
      this.#slots.fill(filler)
      return this.#encode(link, frame)
    })
    this.#slots.set(texts)
    return bytes && other && this.#connectionFrames.keep(link, frame, bytes, other)
  }

  #encode(link: number, frame: number): Uint8Array | undefined {
    try {
      const template = this.#templates[frame]!
      return template.unframed ? this.#fill(template.body, link) : this.#plain.encode(this.#message(template, link))
    } catch (error) {
      // The value cannot be sent there, such as a blank in a path. It came from the target, so this is a failure, not
      // an error.
      if (error instanceof RangeError) return undefined
      throw error
    }
  }

  #message({ fields, path, headers, clientIp, body }: MessageTemplate, link: number): Message {
    return {
      ...fields,
      ...(path === undefined ? {} : { path: this.#fill(path, link).toString() }),
      ...(headers === undefined
        ? {}
        : {
            headers: Object.fromEntries(
              Object.entries(headers).map(([name, parts]) => [name, this.#fill(parts, link).toString()]),
            ),
          }),
      ...(clientIp === undefined ? {} : { clientIp: this.#fill(clientIp, link).toString() }),
      body: this.#fill(body, link),
    }
  }

  #fill(parts: readonly TemplatePart[], link: number): Buffer {
    return Buffer.concat(
      parts.map(part => {
        if (part === localAddress) return this.#addresses[link]!
        if (part instanceof Uint8Array) return part
        if ('slotFrom' in part) return this.#slots.subarray(part.slotFrom, part.slotEnd)
        if ('length' in part) return withLength(part.length, this.#fill(part.of, link))
        if ('checksum' in part) return withChecksum(part.checksum, this.#fill(part.of, link))
        const captured = this.#values[link * this.#count + part.value] ?? noBytes
        return part.type === undefined ? captured : numberBytes(numberType(part.type), textOf(captured))
      }),
    )
  }
}

const noBytes = new Uint8Array(0)

/** The extractor of a source, made once before the loop. */
export function compileExtractor(source: CaptureSource): Extractor {
  switch (source.kind) {
    case 'body':
      return ({ body }) => (body.length === 0 ? undefined : body.slice())
    case 'rest':
      return ({ body }) => body.slice(source.offset)
    case 'json':
      return ({ body }) => (body.length > jsonBytesMax ? undefined : textBytes(valueAt(parseJson(body), source.path)))
    case 'bytes': {
      const end = source.offset + source.length
      return ({ body }) => (body.length < end ? undefined : body.slice(source.offset, end))
    }
    case 'number': {
      const type = numberType(source.type)
      return ({ body }) =>
        body.length < source.offset + type.bytes ? undefined : numberText(body, source.offset, type)
    }
    case 'field':
      return ({ fields }) => textBytes(fields?.[source.name])
    case 'regex': {
      const pattern = new RegExp(source.pattern, 'u')
      return ({ body }) => {
        const match = pattern.exec(textOf(body.subarray(0, matchedBytesMax)))
        return textBytes(match === null ? undefined : match.length > 1 ? match[1] : match[0])
      }
    }
  }
}

/** A number as decimal digits, exact in all of its bits. */
function numberText(bytes: Uint8Array, at: number, { bytes: width, isLittle, min }: NumberType): Uint8Array {
  let value = 0n
  for (let index = 0; index < width; index++) {
    value = (value << 8n) | BigInt(bytes[isLittle ? at + width - 1 - index : at + index]!)
  }
  return utf8.encode(String(min < 0n ? BigInt.asIntN(8 * width, value) : value))
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(body))
  } catch {
    return undefined
  }
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    if (Array.isArray(value) && !/^\d+$/.test(key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}

/**
 * Strings as they are, everything else as JSON. An integer too large to be exact counts as missing, as it would be
 * another number; so does an empty string.
 */
function textBytes(value: unknown): Uint8Array | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) return undefined
  return utf8.encode(typeof value === 'string' ? value : JSON.stringify(value))
}
