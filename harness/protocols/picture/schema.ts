import { z } from 'zod'
import { choice, field, flag, integer, mapping } from '../../fields.ts'
import { InvalidValue, list, show } from '../../invalidValue.ts'
import { isMapping, type Mapping } from '../../mapping.ts'
import { nearest } from '../../suggestion.ts'
import { checksumNames } from './checksums.ts'
import { checksumParts, checksumType, lengthCounts, type Picture, type PictureElement } from './elements.ts'
import { pictureFaults } from './faults.ts'
import { endsBytesMax, type LengthForm, lengthNumberNames, variableLengthNames } from './lengths.ts'
import { floatNames, type NumberName, numberNames } from './numbers.ts'

const elementsMax = 64
const skipBytesMax = 64 * 1024
const bodyBytesMax = 64 * 1024 * 1024
const digitsMax = 10
const spareMax = 1 << 20
const valuesMax = 256
const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

const elementForms =
  'an element of a frame: body, text, { hex: ... }, { skip: 2 }, { length: u32 }, { id: u16 }, { checksum: crc32 } or a field such as { type: u8 }'

/** The keys that say what an element is; any other key is the name of a field. */
const roles = ['hex', 'skip', 'length', 'id', 'checksum', 'body'] as const
type Role = (typeof roles)[number]

const numberForms = `a number type: ${list(numberNames, 'or')}`
const numberName = z.literal(numberNames, { error: ({ input }) => wanted(numberForms, input) })

const lengthForms = `${lengthNumberNames.join(', ')}, leb128 (7 bits a byte, low ones first: protobuf, MQTT), ber (ASN.1), ws (WebSocket), decimal or { digits: 4 }`

const shapes = {
  hex: mapping({ hex: field({ type: 'string' }, readHex).describe('These bytes, as hexadecimal digits') }).transform(
    ({ hex }): PictureElement => ({ kind: 'bytes', hex }),
  ),
  skip: mapping({
    skip: integer(1, skipBytesMax).describe('So many bytes: zeros when sent, not looked at when read'),
  }).transform(({ skip }): PictureElement => ({ kind: 'skip', bytes: skip })),
  length: mapping({
    length: field({ anyOf: [{ type: 'string' }, { type: 'object' }] }, readLengthName).describe(
      'The length that says where the frame ends, or of a request one that is filled in',
    ),
    counts: choice(lengthCounts)
      .default('rest')
      .describe('What it counts: the rest behind it, that and itself, all of the frame, or the body alone'),
    plus: integer(-spareMax, spareMax).default(0).describe('How many bytes more than the length says there are'),
    ends: z.string('expected text such as ":"').exactOptional().describe('The text behind a decimal length'),
    flag: integer(0, 0x80)
      .exactOptional()
      .describe('0x80: the bit of a WebSocket length that says that a mask follows'),
  }).transform(readLength),
  id: mapping({
    id: numberName.describe('The number that joins a reply to its request'),
    min: integer(0, 0xffff_ffff).exactOptional().describe('The least id that is sent'),
    max: integer(0, 0xffff_ffff).exactOptional().describe('The greatest id that is sent'),
  }).transform(({ id, ...range }): PictureElement => ({ kind: 'id', type: id, ...range })),
  checksum: mapping({
    checksum: choice(checksumNames),
    of: choice(checksumParts)
      .default('before')
      .describe('What it is of: all before it, the body, or all up to the end of the body'),
    as: field({ anyOf: [{ type: 'string' }, { type: 'object' }] }, readChecksumForm)
      .exactOptional()
      .describe('How it is written: a number type, or { digits: 3 }'),
    verify: flag().default(true).describe('Whether a frame with a wrong checksum is malformed'),
  }).transform(({ checksum, of, as, verify }): PictureElement => {
    return { kind: 'checksum', sum: checksum, of, as: as ?? (checksumType(checksum).name as NumberName), verify }
  }),
  body: mapping({
    body: integer(1, bodyBytesMax).describe('A body of so many bytes, which no length counts'),
  }).transform(({ body }): PictureElement => ({ kind: 'body', bytes: body })),
} satisfies Record<Role, z.ZodType<PictureElement>>

/** One element as a scenario draws it. */
const element = z.unknown().transform((input, context): PictureElement => {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  if (input === 'body') return { kind: 'body' }
  if (typeof input === 'string') return input === '' ? refuse(wanted(elementForms, input)) : bytesOfText(input)
  if (!isMapping(input) || Object.keys(input).length === 0) return refuse(wanted(elementForms, input))
  const role = roles.find(key => key in input)
  const result = role === undefined ? readField(input) : shapes[role].safeParse(input)
  if (typeof result === 'string') return refuse(result)
  if (!('success' in result)) return result
  if (result.success) return result.data
  for (const issue of result.error.issues) context.addIssue({ ...issue })
  return z.NEVER
})

/** A frame drawn element by element, from its first byte to its last. */
export const pictureSchema = z
  .array(element, 'expected a list of the elements of a frame')
  .min(1, 'expected the elements of a frame, such as [ { length: u32 }, body ]')
  .max(elementsMax, `expected at most ${elementsMax} elements`)
  .superRefine((elements, context) => {
    for (const { index, message } of pictureFaults(elements)) {
      context.addIssue({ code: 'custom', path: index === undefined ? [] : [index], message })
    }
  })

/** How a scenario draws an element: what `pictureSchema` reads as the same element again. */
export function elementInput(element: PictureElement): unknown {
  switch (element.kind) {
    case 'bytes':
      return { hex: element.hex }
    case 'skip':
      return { skip: element.bytes }
    case 'body':
      return element.bytes === undefined ? 'body' : { body: element.bytes }
    case 'id':
      return { id: element.type, ...without(element, 'kind', 'type') }
    case 'checksum':
      return { checksum: element.sum, ...without(element, 'kind', 'sum') }
    case 'field':
      return { [element.name]: element.type, ...without(element, 'kind', 'name', 'type') }
    case 'length':
      return lengthInput(element)
  }
}

function lengthInput({ form, counts, plus, flag: bit }: Extract<PictureElement, { kind: 'length' }>): unknown {
  const isDecimal = typeof form === 'object' && 'decimal' in form
  return {
    length: isDecimal ? 'decimal' : form,
    counts,
    plus,
    ...(isDecimal && { ends: form.decimal.ends }),
    ...(bit !== 0 && { flag: bit }),
  }
}

/** A picture as a scenario draws it. */
export function pictureInput(elements: Picture): unknown[] {
  return elements.map(elementInput)
}

function without(element: object, ...keys: readonly string[]): Mapping {
  return Object.fromEntries(Object.entries(element).filter(([key]) => !keys.includes(key)))
}

/**
 * A field: its name with its type, the value that messages have which do not set it, and the only values that it may have; or
 * what is wrong.
 */
function readField(input: Mapping): PictureElement | string {
  const names = Object.keys(input).filter(key => key !== 'value' && key !== 'only')
  const [name] = names
  if (name === undefined || names.length > 1) return wanted(elementForms, input)
  if ((numberNames as readonly string[]).includes(name) || (floatNames as readonly string[]).includes(name)) {
    return `expected the name of a field and its type, as in { type: ${name} }, got ${show(name)} as a name`
  }
  if (!namePattern.test(name)) return wanted('a name of letters, digits and _', name)
  const type = input[name]
  if (!(numberNames as readonly unknown[]).includes(type)) {
    const meant = nearest(name, roles)
    return meant === undefined
      ? wanted(`a number type for the field ${name}: ${list(numberNames, 'or')}`, type)
      : `unknown element ${show(name)}; did you mean ${show(meant)}?`
  }
  const { value = 0 } = input
  if (typeof value !== 'number' && typeof value !== 'string') return wanted(`a number for ${name}.value`, value)
  if (!('only' in input)) return { kind: 'field', name, type: type as NumberName, value }
  const only = [input['only']].flat()
  const wrong = only.find(one => !Number.isInteger(one))
  if (only.length < 1 || only.length > valuesMax || wrong !== undefined) {
    return wanted(`1 to ${valuesMax} numbers for ${name}.only`, wrong ?? only)
  }
  return { kind: 'field', name, type: type as NumberName, value, only: only as number[] }
}

type LengthName = Exclude<LengthForm, { readonly decimal: unknown }> | 'decimal'

function readLengthName(value: unknown): LengthName {
  if (isMapping(value) && Object.keys(value).join() === 'digits') {
    const { digits } = value
    if (Number.isInteger(digits) && Number(digits) >= 1 && Number(digits) <= digitsMax) {
      return { digits: Number(digits) }
    }
    throw new InvalidValue(`1 to ${digitsMax} digits`, show(digits))
  }
  const known: readonly unknown[] = [...lengthNumberNames, ...variableLengthNames]
  if (known.includes(value)) return value as LengthName
  throw new InvalidValue(lengthForms, show(value))
}

/** A length with the text that ends it where it is decimal; throws an InvalidValue. */
export function readLengthForm(value: unknown, ends: unknown): LengthForm {
  const name = readLengthName(value)
  if (name !== 'decimal') {
    if (ends !== undefined) throw new InvalidValue('length: decimal where there is ends', show(value))
    return name
  }
  const bytes = typeof ends === 'string' ? Buffer.byteLength(ends) : 0
  if (bytes > 0 && bytes <= endsBytesMax && !/^\d/.test(String(ends))) return { decimal: { ends: String(ends) } }
  throw new InvalidValue(`the text that ends a decimal length in ends, 1 to ${endsBytesMax} bytes`, show(ends))
}

function readLength(
  given: {
    length: LengthName
    counts: (typeof lengthCounts)[number]
    plus: number
    ends?: string
    flag?: number
  },
  context: z.RefinementCtx,
): PictureElement {
  const { length, counts, plus, ends, flag: bit = 0 } = given
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  if (length !== 'decimal' && ends !== undefined) return refuse('ends is for a decimal length: give length: decimal')
  if (length !== 'ws' && bit !== 0) return refuse('flag is for the length of WebSocket: give length: ws')
  if (bit !== 0 && bit !== 0x80) return refuse(`expected the flag 0x80, got ${bit}`)
  if (length !== 'decimal') return { kind: 'length', form: length, counts, plus, flag: bit }
  const bytes = Buffer.byteLength(ends ?? '')
  if (bytes === 0) return refuse('a decimal length needs the text that ends it, as in { length: decimal, ends: ":" }')
  if (bytes > endsBytesMax || /^\d/.test(ends!)) {
    return refuse(`expected 1 to ${endsBytesMax} bytes that do not begin with a digit in ends, got ${show(ends)}`)
  }
  return { kind: 'length', form: { decimal: { ends: ends! } }, counts, plus, flag: 0 }
}

/** How a checksum is written; throws an InvalidValue. */
export function readChecksumForm(value: unknown): NumberName | { digits: number } {
  if ((numberNames as readonly unknown[]).includes(value)) return value as NumberName
  const digits = isMapping(value) ? value['digits'] : undefined
  if (Number.isInteger(digits) && Number(digits) >= 1 && Number(digits) <= digitsMax) return { digits: Number(digits) }
  throw new InvalidValue(`${numberForms}, or { digits: 3 }`, show(value))
}

function readHex(value: unknown): string {
  const digits = typeof value === 'string' ? value.replaceAll(/\s/g, '').toLowerCase() : ''
  if (digits !== '' && digits.length % 2 === 0 && /^[0-9a-f]+$/.test(digits)) return digits
  throw new InvalidValue('pairs of hexadecimal digits such as "0a ff"', show(value))
}

function bytesOfText(text: string): PictureElement {
  return { kind: 'bytes', hex: Buffer.from(text).toString('hex') }
}

function wanted(what: string, value: unknown): string {
  return new InvalidValue(what, show(value)).message
}
