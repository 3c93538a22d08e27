import type { z } from 'zod'
import { InvalidValue, list, show } from '../../invalidValue.ts'
import { isMapping, type Mapping } from '../../mapping.ts'
import { checksumNames, checksums } from '../../protocols/picture/checksums.ts'
import { floatNames, numberNames, numberType } from '../../protocols/picture/numbers.ts'
import { readChecksumForm, readLengthForm } from '../../protocols/picture/schema.ts'
import { unknownWord } from '../../suggestion.ts'
import type { ChecksumPart, DomainPart, LengthPart, NumberPart, Payload } from '../scenario.ts'
import { domainParts } from './domainName.ts'
import { parseSlots, type SlotPart } from './slots.ts'

const partsMax = 1000
/** Of a part in 16 others. */
const pathMax = 32
const plusMax = 1 << 20

const partForms =
  'text, { hex: ... }, { u32: 7 }, { length: u16, of: ... }, { checksum: crc32, of: ... } or a list of those'

type NumberTypeName = NumberPart['number']
const numberTypes: readonly string[] = [...numberNames, ...floatNames]

/** Reads a text or a mapping with bytes; adds its issues below its path. */
export type ReadConstant = (
  input: unknown,
) => { readonly data: Payload } | { readonly issues: readonly z.core.$ZodIssue[] }

/** Whether a value is a list of payloads, a number in bytes, or a payload with its length or checksum. */
export function isPart(value: unknown): boolean {
  if (Array.isArray(value)) return true
  if (!isMapping(value)) return false
  const keys = Object.keys(value)
  return (
    (keys.length === 1 && (numberTypes.includes(keys[0]!) || typeof value['domain'] === 'string')) ||
    ('of' in value && ('length' in value || 'checksum' in value))
  )
}

/** The payload of such a value; adds what is wrong with it to `context`, each below its path. */
export function readParts(input: unknown, context: z.RefinementCtx, readConstant: ReadConstant): Payload | undefined {
  return new PartReader(context, readConstant).read(input, [])
}

class PartReader {
  readonly #context: z.RefinementCtx
  readonly #readConstant: ReadConstant
  #count = 0

  constructor(context: z.RefinementCtx, readConstant: ReadConstant) {
    this.#context = context
    this.#readConstant = readConstant
  }

  read(value: unknown, path: readonly (string | number)[]): Payload | undefined {
    this.#count++
    if (this.#count > partsMax) {
      return this.#count === partsMax + 1 ? this.#refuse(path, `expected at most ${partsMax} parts`) : undefined
    }
    if (path.length > pathMax) return this.#refuse(path, 'expected parts that are not so deep')
    if (Array.isArray(value)) return this.#list(value, path)
    return isPart(value) ? this.#part(value as Mapping, path) : this.#constant(value, path)
  }

  #list(values: readonly unknown[], path: readonly (string | number)[]): Payload | undefined {
    if (values.length === 0) return this.#refuse(path, `expected ${partForms}, got an empty list`)
    const parts = values.map((part, index) => this.read(part, [...path, index]))
    return parts.includes(undefined) ? undefined : (parts as Payload[])
  }

  #constant(value: unknown, path: readonly (string | number)[]): Payload | undefined {
    const result = this.#readConstant(value)
    if ('data' in result) return result.data
    for (const issue of result.issues) this.#context.addIssue({ ...issue, path: [...path, ...issue.path] })
    return undefined
  }

  #part(value: Mapping, path: readonly (string | number)[]): Payload | undefined {
    try {
      const part = readPart(value)
      if (!('rest' in part)) return part
      const of = this.read(value['of'], [...path, 'of'])
      return of === undefined ? undefined : { ...part.rest, of }
    } catch (error) {
      if (error instanceof InvalidValue) return this.#refuse(path, error.message)
      throw error
    }
  }

  #refuse(path: readonly (string | number)[], message: string): undefined {
    this.#context.addIssue({ code: 'custom', path: [...path], message })
    return undefined
  }
}

type Part = NumberPart | DomainPart | { readonly rest: Omit<LengthPart, 'of'> | Omit<ChecksumPart, 'of'> }

function readPart(value: Mapping): Part {
  const [key] = Object.keys(value)
  if (key === 'domain') return readDomain(String(value[key]))
  if (numberTypes.includes(key!)) return readNumber(key as NumberTypeName, value[key!])
  return { rest: 'length' in value ? readLength(value) : readChecksum(value) }
}

/** What is wrong with a name that a column of the data fills in is known only with its rows. */
function readDomain(domain: string): DomainPart {
  domainParts(domain, () => 'column')
  return { domain }
}

function readLength(value: Mapping): Omit<LengthPart, 'of'> {
  onlyKeys(value, ['length', 'of', 'counts', 'plus', 'ends', 'omit'])
  const { length, counts = 'rest', plus = 0, ends, omit } = value
  if (counts !== 'rest' && counts !== 'itself')
    throw new InvalidValue('itself, where the length counts its own bytes too', show(counts))
  if (!Number.isInteger(plus) || Math.abs(Number(plus)) > plusMax)
    throw new InvalidValue(`plus from -${plusMax} to ${plusMax}`, show(plus))
  if (omit !== undefined && omit !== 'empty')
    throw new InvalidValue('empty, where an empty text has no length either', show(omit))
  return { length: readLengthForm(length, ends), counts, plus: Number(plus), ...(omit && { omit: 'empty' as const }) }
}

function readChecksum(value: Mapping): Omit<ChecksumPart, 'of'> {
  onlyKeys(value, ['checksum', 'of', 'as'])
  const { checksum, as } = value
  const name = checksumNames.find(known => known === checksum)
  if (name === undefined) throw new InvalidValue(list(checksumNames, 'or'), show(checksum))
  if (as === undefined) return { checksum: name }
  const form = readChecksumForm(as)
  const room = typeof form === 'object' ? 10 ** form.digits - 1 : Number(numberType(form).max)
  if (room < 2 ** checksums[name].bits - 1) throw new InvalidValue(`a form that holds ${name}`, show(as))
  return { checksum: name, as: form }
}

function onlyKeys(value: Mapping, known: readonly string[]): void {
  const unknown = Object.keys(value).find(key => !known.includes(key))
  if (unknown !== undefined) throw new InvalidValue(`only ${list(known)}`, unknownWord('key', unknown, known))
}

/** A number, or a text that is one slot, which fills it in. */
function readNumber(name: NumberTypeName, value: unknown): NumberPart {
  const type = numberType(name)
  if (typeof value === 'string' && value.includes('{{')) {
    const [slot, another] = parseSlots(value)
    if (slot === undefined || another !== undefined || 'text' in slot) {
      throw new InvalidValue(`one slot such as {{seq}} for ${name}`, show(value))
    }
    checkSlot(name, slot)
    return { number: name, value }
  }
  if (type.isCharacter && typeof value === 'string' && value.length === 1)
    return { number: name, value: value.charCodeAt(0) }
  const number = typeof value === 'string' && wholeNumber.test(value) ? BigInt(value) : value
  if (type.isFloat && typeof number === 'number') return { number: name, value: number }
  const isWhole = typeof number === 'bigint' || (typeof number === 'number' && Number.isSafeInteger(number))
  if (!type.isFloat && isWhole && BigInt(number) >= type.min && BigInt(number) <= type.max) {
    return { number: name, value: typeof number === 'bigint' ? String(number) : number }
  }
  throw new InvalidValue(type.isFloat ? `a number (${name})` : `${type.min} to ${type.max} (${name})`, show(value))
}

const textSlots: readonly string[] = ['uuid', 'random', 'utc', 'localAddress', 'targetHost']

/** Decimal, hexadecimal, or bit by bit. */
const wholeNumber = /^(?:-?\d+|0x[\da-fA-F]+|0b[01]+)$/

/** Slots that are no numbers, or greater ones than the type holds. */
function checkSlot(name: NumberTypeName, slot: Exclude<SlotPart, { text: string }>): void {
  const type = numberType(name)
  if (textSlots.includes(slot.slot)) {
    throw new InvalidValue(
      `a slot that is a number, such as {{seq}} or {{random 0..99}}, for ${name}`,
      `{{${slot.slot}}}`,
    )
  }
  if (type.isFloat && slot.slot !== 'data' && slot.slot !== 'capture') {
    throw new InvalidValue(`a number or {{data.column}} for ${name}`, `{{${slot.slot}}}`)
  }
  if (slot.slot === 'number' && BigInt(slot.to) > type.max)
    throw new InvalidValue(`${type.min} to ${type.max} (${name})`, `up to ${slot.to}`)
  if (slot.slot === 'stamp' && type.bytes < 8)
    throw new InvalidValue('u64 for {{stamp}}, which counts microseconds', name)
}
