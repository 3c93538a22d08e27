import { z } from 'zod'
import {
  checked,
  evenIfFaulty,
  field,
  hasUnknownKey,
  integer,
  type KeysOf,
  mapping,
  size,
  text,
  unquoted,
  variablePattern,
  wantedText,
} from '../../fields.ts'
import { InvalidValue, list } from '../../invalidValue.ts'
import { isMapping, type Mapping } from '../../mapping.ts'
import { type ConstantPayload, limits, type MessageSend, type Payload, type Send } from '../scenario.ts'
import { httpShape } from './httpRequest.ts'
import { isPart, readParts } from './payloadParts.ts'
import { parseSlots, slotsLength } from './slots.ts'

const fieldMax = 0xffff_ffff
const int64Digits = 19
const int64Forms = 'a whole number of 64 bits with its sign, in quotes beyond 2^53'

/** Payloads that are not text. */
export const payloadShape = {
  hex: field({ type: 'string' }, readHex).exactOptional().describe('Bytes as hexadecimal digits; spaces are ignored'),
  base64: field({ type: 'string' }, readBase64).exactOptional().describe('Bytes in base64'),
  file: text('the path of a file')
    .exactOptional()
    .describe('A file with the bytes; a relative path starts from the scenario file'),
  random: size(1, limits.payloadBytesMax)
    .exactOptional()
    .describe('This many random bytes, such as 1KiB; the same in every request'),
} satisfies Record<KeysOf<ConstantPayload>, z.ZodType>

export const payloadKeys = ['hex', 'base64', 'file', 'random'] as const satisfies readonly (keyof typeof payloadShape)[]
export const payloadForms = `text, or a mapping with one of ${list(payloadKeys)}`

const sentText = z
  .string({ error: issue => wantedText(payloadForms, issue.input) })
  .superRefine(checked(checkSlots))
  .describe(
    'Text; {{seq}} {{count}} {{connection}} {{uuid}} {{random 64}} {{random 0..9999}} {{stamp}} {{utc}} {{localAddress}} {{targetHost}} {{data.column}}, and {{name}} for what an earlier step captures, are filled in for each request',
  )

const constantPayload = z.union(
  [
    sentText,
    mapping(payloadShape)
      .superRefine((value, context) => checkOne(payloadKeys, Object.keys(value), context), evenIfFaulty)
      .transform(value => value as ConstantPayload),
  ],
  { error: issue => wantedText(payloadForms, issue.input) },
)

/** The version of an RPC message. */
export const version = integer(-0x8000, 0x7fff)

/** The extension of an RPC message: a number, or beyond 2^53 its digits as a text, as readers of YAML round it there. */
export const extension = field(
  { anyOf: [{ type: 'integer' }, { type: 'string', pattern: `^(-?[0-9]{1,${int64Digits}}|${variablePattern})$` }] },
  readInt64,
)

/** A payload in parts, or what `other` reads; a mapping with the key of one of `forms` is what that reads. */
function orParts<Value>(other: z.ZodType<Value>, forms: Readonly<Record<string, z.ZodType<Value>>> = {}, id?: string) {
  const json = jsonOf(other)
  const list = { type: 'array', description: 'Payloads, one after the other' }
  return z
    .unknown()
    .transform((input, context): Value | Payload => {
      if (isPart(input)) return readParts(input, context, readConstant) ?? z.NEVER
      const form = isMapping(input) ? Object.keys(forms).find(key => key in input) : undefined
      const result = (form === undefined ? other : forms[form]!).safeParse(input)
      if (result.success) return result.data
      for (const issue of result.error.issues) context.addIssue({ ...issue })
      return z.NEVER
    })
    .meta({ ...(id !== undefined && { id }), anyOf: [json, list, ...Object.values(forms).map(jsonOf)] })
}

function jsonOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return json
}

function readConstant(input: unknown) {
  const result = constantPayload.safeParse(input)
  return result.success ? { data: result.data } : { issues: result.error.issues }
}

const payload = orParts(constantPayload)

/** A field of a message: a number, or a character where the field is one. */
export function fieldValue() {
  return field({ anyOf: [{ type: 'integer', minimum: 0, maximum: fieldMax }, { type: 'string' }] }, readFieldValue)
}

/** Reads a number or a character; throws an InvalidValue. */
export function readFieldValue(value: unknown): number | string {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= fieldMax) return value
  if (typeof value === 'string' && value.length === 1) return value
  throw new InvalidValue(`a whole number from 0 to ${fieldMax}, or one character`)
}

/** `fields` are the keys that are none of these. */
const sendShape = {
  ...payloadShape,
  body: payload.exactOptional().describe('The payload, where there are other fields as well'),
  type: fieldValue()
    .exactOptional()
    .describe('Protocol tlv: the type; rpc: the command type; a frame that is drawn: its field of this name'),
  version: version.exactOptional().describe('Protocol rpc: the version'),
  extension: extension.exactOptional().describe('Protocol rpc: the extension; in quotes beyond 2^53'),
  clientIp: sentText
    .exactOptional()
    .describe(
      "Protocol broadcast: client_ip, by which the client names itself; empty by default, and with framing text the connection's own address",
    ),
  ...httpShape,
} satisfies Record<Exclude<keyof MessageSend, 'fields'> | KeysOf<ConstantPayload>, z.ZodType>
const sendForms = 'text, or a mapping with a payload or with body and fields such as type or path'
const unframed = mapping({ unframed: payload.describe('A whole message: nothing is put around it') })

/** What a request carries. */
export const sendSchema = orParts<Exclude<Send, readonly Payload[]>>(
  z
    .union(
      [
        sentText,
        z
          .object(sendShape, `expected ${sendForms}`)
          .catchall(z.unknown())
          .superRefine((value, context) => checkSend(Object.keys(value), context), evenIfFaulty)
          .transform(value => withFields(value, Object.keys(sendShape)) as ConstantPayload | MessageSend),
      ],
      { error: issue => wantedText(sendForms, issue.input) },
    )
    .meta({ description: 'What to send: text, a payload, or body with the fields of the protocol' }),
  { unframed },
  'send',
)

/** The keys of messages that are not fields of a frame that is drawn. */
export const sendKeys: readonly string[] = [...Object.keys(sendShape), 'unframed']

/** A mapping with the keys that are not known by themselves: only the protocol tells whether they are its fields. */
export function withFields(value: Mapping, known: readonly string[]): Mapping {
  const entries = Object.entries(value)
  const others = entries.filter(([key]) => !known.includes(key))
  if (others.length === 0) return value
  return { ...Object.fromEntries(entries.filter(([key]) => known.includes(key))), fields: Object.fromEntries(others) }
}

/** Reports an issue unless exactly one of the keys was found. */
export function checkOne(keys: readonly string[], found: readonly string[], context: z.RefinementCtx): void {
  const known = found.filter(key => keys.includes(key))
  if (known.length === 1 || (known.length === 0 && hasUnknownKey(context))) return
  context.addIssue(new InvalidValue(`one of ${list(keys)}`, known.length === 0 ? 'none' : list(known)).message)
}

function checkSend(found: readonly string[], context: z.RefinementCtx): void {
  const payloads = found.filter(key => (payloadKeys as readonly string[]).includes(key))
  const fields = found.filter(key => !payloads.includes(key))
  if (payloads.length > 1) checkOne(payloadKeys, payloads, context)
  else if (payloads.length === 1 && fields.length > 0) {
    const wanted = `the payload in body where there are other fields, as in body: { ${payloads[0]}: ... }`
    context.addIssue(new InvalidValue(wanted, list(found)).message)
  } else if (found.length === 0 && !hasUnknownKey(context)) {
    context.addIssue(new InvalidValue(sendForms, 'an empty mapping').message)
  }
}

function checkSlots(value: string): void {
  const control = /[\u0080-\u009f]/.exec(value)?.[0]
  if (control !== undefined) {
    const code = control.charCodeAt(0).toString(16)
    throw new InvalidValue(`{ hex: "${code}" } for this byte`, `"\\x${code}", which is two bytes in UTF-8`)
  }
  if (slotsLength(parseSlots(value)) > limits.payloadBytesMax) {
    throw new InvalidValue(`text of at most ${limits.payloadBytesMax} characters with its slots filled in`, 'more')
  }
}

function readInt64(value: unknown): number | string {
  const isText = typeof value === 'string' && new RegExp(`^-?\\d{1,${int64Digits}}$`).test(value)
  if (!Number.isSafeInteger(value) && !isText) throw new InvalidValue(int64Forms)
  const number = BigInt(value as number | string)
  if (BigInt.asIntN(64, number) !== number) throw new InvalidValue(int64Forms)
  const isExact = number >= Number.MIN_SAFE_INTEGER && number <= Number.MAX_SAFE_INTEGER
  return isExact ? Number(number) : String(number)
}

function readHex(value: unknown): string {
  const digits = typeof value === 'string' ? value.replaceAll(/\s/g, '') : undefined
  if (digits !== undefined && digits.length % 2 === 0 && /^[0-9a-f]*$/i.test(digits)) return digits
  throw new InvalidValue('pairs of hexadecimal digits such as "0a ff"', unquoted(value))
}

function readBase64(value: unknown): string {
  const digits = typeof value === 'string' ? value.replaceAll(/\s/g, '') : undefined
  if (digits !== undefined && digits.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return digits
  throw new InvalidValue('base64 such as "aGVsbG8="', unquoted(value))
}
