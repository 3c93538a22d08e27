import { UserError } from '../errors.ts'
import { InvalidValue } from '../invalidValue.ts'
import { checksums } from '../protocols/picture/checksums.ts'
import { checksumType } from '../protocols/picture/elements.ts'
import { writeChecksum } from '../protocols/picture/encode.ts'
import { lengthKind } from '../protocols/picture/lengths.ts'
import { type NumberType, numberType, writeNumber } from '../protocols/picture/numbers.ts'
import type {
  ChecksumPart,
  ConstantPayload,
  DomainPart,
  LengthPart,
  NumberPart,
  Payload,
} from '../scenario/scenario.ts'
import { domainParts } from '../scenario/schema/domainName.ts'
import { parseSlots, type SlotPart } from '../scenario/schema/slots.ts'
import type { Slot } from './slotPlaces.ts'
import { localAddress, type TemplatePart } from './templates.ts'

type NumberSlot = Exclude<SlotPart, { text: string } | { slot: typeof localAddress | 'targetHost' }>

export type Row = Readonly<Record<string, string>>

/** As long as an address of IPv4 can be. */
const exampleAddress = '255.255.255.255:65535'

/** What it takes to encode payloads: the row of the data that they use, `{{targetHost}}`, and the bytes of constant ones. */
export interface PayloadContext {
  readonly row: Row | undefined
  readonly host: string
  readonly constant: (payload: ConstantPayload) => Uint8Array
}

/**
 * The bytes of a payload with its slots filled with a digit; adds the slots to `slots` in their order. Throws a RangeError
 * or a UserError where a value does not fit.
 */
export function encodePayload(payload: Payload, filler: number, slots: Slot[], context: PayloadContext): Uint8Array {
  if (typeof payload === 'string') return fillSlots(payload, filler, slots, context)
  if (isList(payload)) return Buffer.concat(payload.map(part => encodePayload(part, filler, slots, context)))
  if ('number' in payload) return encodeNumber(payload, filler, slots, context.row)
  if ('length' in payload) return withLength(payload, encodePayload(payload.of, filler, slots, context))
  if ('checksum' in payload) return withChecksum(payload, encodePayload(payload.of, filler, slots, context))
  if ('domain' in payload) return encodePayload(labelsOf(payload, context), filler, slots, context)
  return context.constant(payload)
}

/** A payload as a template, with its slots in the same order as in `encodePayload`. */
export function payloadTemplate(
  payload: Payload,
  context: PayloadContext,
  slotAt: (length: number) => TemplatePart,
  valueNumber: (name: string) => number,
): TemplatePart[] {
  const inside = (part: Payload) => payloadTemplate(part, context, slotAt, valueNumber)
  if (typeof payload === 'string') {
    return parseSlots(payload).map((part): TemplatePart => {
      if ('text' in part) return utf8(part.text)
      if (part.slot === 'data') return utf8(columnOf(context.row, part.column))
      if (part.slot === 'targetHost') return utf8(context.host)
      if (part.slot === localAddress) return localAddress
      return part.slot === 'capture' ? { value: valueNumber(part.name) } : slotAt(part.length)
    })
  }
  if (isList(payload)) return payload.flatMap(inside)
  if ('number' in payload) {
    const slot = slotOf(payload)
    const type = numberType(payload.number)
    if (slot === undefined || slot.slot === 'data') return [encodeNumber(payload, 0, [], context.row)]
    return [slot.slot === 'capture' ? { value: valueNumber(slot.name), type: payload.number } : slotAt(type.bytes)]
  }
  if ('length' in payload) return [{ length: payload, of: inside(payload.of) }]
  if ('checksum' in payload) return [{ checksum: payload, of: inside(payload.of) }]
  if ('domain' in payload) return inside(labelsOf(payload, context))
  return [context.constant(payload)]
}

/** The length of some bytes, then the bytes. */
export function withLength({ length, counts, plus, omit }: Omit<LengthPart, 'of'>, bytes: Uint8Array): Uint8Array {
  if (omit !== undefined && bytes.length === 0) return bytes
  const kind = lengthKind(length)
  let value = bytes.length - plus
  if (counts === 'itself') {
    let width = kind.fixedBytes ?? 1
    while (kind.fixedBytes === undefined && kind.encode(value + width).length !== width) width++
    value += width
  }
  if (value < 0 || value > kind.valueMax) {
    throw new RangeError(`a length of ${show(length)} counts 0 to ${kind.valueMax} bytes, and this is ${value}`)
  }
  return Buffer.concat([kind.encode(value), bytes])
}

/** The labels of a name, with the values of the row in it; throws a RangeError where they make no name. */
function labelsOf({ domain }: DomainPart, { row }: PayloadContext): Payload {
  try {
    return domainParts(domain, name => columnOf(row, name))
  } catch (error) {
    if (error instanceof InvalidValue) throw new RangeError(error.message)
    throw error
  }
}

/** Some bytes, then their checksum. */
export function withChecksum({ checksum, as }: Omit<ChecksumPart, 'of'>, bytes: Uint8Array): Uint8Array {
  const form = as ?? (checksumType(checksum).name as NonNullable<typeof as>)
  const width = typeof form === 'object' ? form.digits : numberType(form).bytes
  const whole = Buffer.concat([bytes, new Uint8Array(width)])
  writeChecksum(whole, bytes.length, form, checksums[checksum].of(bytes, 0, bytes.length))
  return whole
}

/** A number in a payload, from a text that was captured; throws a RangeError where it is none. */
export function numberBytes(type: NumberType, text: string): Uint8Array {
  const bytes = new Uint8Array(type.bytes)
  const value = /^-?\d{1,20}$/.test(text) ? BigInt(text) : type.isFloat && text !== '' ? Number(text) : text
  if (type.isFloat && Number.isNaN(Number(value))) throw new RangeError(`expected a number (${type.name}), got ${text}`)
  writeNumber(bytes, 0, type, type.isFloat ? Number(value) : value)
  return bytes
}

function encodeNumber(part: NumberPart, filler: number, slots: Slot[], row: Row | undefined): Uint8Array {
  const type = numberType(part.number)
  const slot = slotOf(part)
  if (slot === undefined || 'text' in slot) return numberBytes(type, String(part.value))
  if (slot.slot === 'data') {
    const text = columnOf(row, slot.column)
    try {
      return numberBytes(type, text)
    } catch (error) {
      if (error instanceof RangeError) throw new RangeError(`{{data.${slot.column}}}: ${error.message}`)
      throw error
    }
  }
  // A captured value is known only when it is sent.
  if (slot.slot === 'capture') return new Uint8Array(type.bytes)
  const { slot: kind, ...range } = slot
  slots.push({ ...range, kind, length: type.bytes, binary: type.isLittle ? 'little' : 'big' })
  return new Uint8Array(type.bytes).fill(filler)
}

/** The slot of a number, which is all of its text; undefined for a number that is constant. Addresses are no numbers. */
function slotOf({ value }: NumberPart): NumberSlot | undefined {
  if (typeof value !== 'string' || !value.includes('{{')) return undefined
  const [part] = parseSlots(value)
  return part === undefined || 'text' in part || part.slot === localAddress || part.slot === 'targetHost'
    ? undefined
    : part
}

function fillSlots(text: string, filler: number, slots: Slot[], { row, host }: PayloadContext): Uint8Array {
  const parts = parseSlots(text).map(part => {
    if ('text' in part) return utf8(part.text)
    if (part.slot === 'data') return utf8(columnOf(row, part.column))
    // A slash, because a captured value may be a whole path as well as a part of one.
    if (part.slot === 'capture') return utf8('/')
    if (part.slot === localAddress) return utf8(exampleAddress)
    if (part.slot === 'targetHost') return utf8(host)
    const { slot, ...rest } = part
    slots.push({ kind: slot, ...rest })
    return new Uint8Array(part.length).fill(filler)
  })
  return Buffer.concat(parts)
}

/** The value of a column; throws a UserError with those that there are. */
export function columnOf(row: Row | undefined, name: string): string {
  const value = row?.[name]
  if (value !== undefined) return value
  const known = Object.keys(row ?? {}).join(', ')
  throw new UserError(`the data has no column "${name}"; it has ${known || 'no columns'}`)
}

/** Every text of a payload that may have slots in it. */
export function textsIn(payload: Payload): string[] {
  if (typeof payload === 'string') return [payload]
  if (isList(payload)) return payload.flatMap(textsIn)
  if ('number' in payload) return typeof payload.value === 'string' ? [payload.value] : []
  if ('domain' in payload) return [payload.domain]
  return 'of' in payload ? textsIn(payload.of) : []
}

/** Whether a payload has a checksum of something that differs in each request: it is encoded when it is sent. */
export function hasVaryingChecksum(payload: Payload): boolean {
  if (typeof payload === 'string') return false
  if (isList(payload)) return payload.some(hasVaryingChecksum)
  if ('checksum' in payload)
    return textsIn(payload.of).some(text => text.includes('{{')) || hasVaryingChecksum(payload.of)
  return 'of' in payload && hasVaryingChecksum(payload.of)
}

function isList(payload: Payload): payload is readonly Payload[] {
  return Array.isArray(payload)
}

function show(form: LengthPart['length']): string {
  return typeof form === 'string' ? form : Object.keys(form).join()
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
