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
  wantedText,
} from '../../fields.ts'
import { InvalidValue, list } from '../../invalidValue.ts'
import { limits, type Payload, type Send } from '../scenario.ts'
import { httpShape } from './httpRequest.ts'
import { parseSlots, slotsLength } from './slots.ts'

/** The largest number that readers of JSON and YAML hold exactly; the wire format has 64 bits. */
const int64Max = Number.MAX_SAFE_INTEGER

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
} satisfies Record<KeysOf<Payload>, z.ZodType>

export const payloadKeys = ['hex', 'base64', 'file', 'random'] as const satisfies readonly (keyof typeof payloadShape)[]
export const payloadForms = `text, or a mapping with one of ${list(payloadKeys)}`

const sentText = z
  .string({ error: issue => wantedText(payloadForms, issue.input) })
  .superRefine(checked(checkSlots))
  .describe(
    'Text; {{seq}} {{connection}} {{uuid}} {{random 64}} {{random 0..9999}} {{stamp}} {{localAddress}} {{data.column}}, and {{name}} for what an earlier step captures, are filled in for each request',
  )

const payload = z.union(
  [
    sentText,
    mapping(payloadShape)
      .superRefine((value, context) => checkOne(payloadKeys, Object.keys(value), context), evenIfFaulty)
      .transform(value => value as Exclude<Payload, string>),
  ],
  { error: issue => wantedText(payloadForms, issue.input) },
)

const sendShape = {
  ...payloadShape,
  body: payload.exactOptional().describe('The payload, where there are other fields as well'),
  type: integer(0, 0xffff_ffff).exactOptional().describe('Protocol tlv: the type; rpc: the command type'),
  version: integer(-0x8000, 0x7fff).exactOptional().describe('Protocol rpc: the version'),
  extension: integer(-int64Max, int64Max).exactOptional().describe('Protocol rpc: the extension'),
  clientIp: sentText
    .exactOptional()
    .describe(
      "Protocol broadcast: client_ip, by which the client names itself; empty by default, and with framing text the connection's own address",
    ),
  ...httpShape,
} satisfies Record<KeysOf<Send>, z.ZodType>
const sendForms = 'text, or a mapping with a payload or with body and fields such as type or path'

/** What a request carries. */
export const sendSchema = z
  .union(
    [
      sentText,
      mapping(sendShape)
        .superRefine((value, context) => checkSend(Object.keys(value), context), evenIfFaulty)
        .transform(value => value as Exclude<Send, string>),
    ],
    { error: issue => wantedText(sendForms, issue.input) },
  )
  .meta({ id: 'send', description: 'What to send: text, a payload, or body with the fields of the protocol' })

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
  if (slotsLength(parseSlots(value)) > limits.payloadBytesMax) {
    throw new InvalidValue(`text of at most ${limits.payloadBytesMax} characters with its slots filled in`, 'more')
  }
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
