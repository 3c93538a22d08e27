import { z } from 'zod'
import { checked, checkPattern, evenIfFaulty, field, hasUnknownKey, mapping, text, wantedText } from '../../fields.ts'
import { InvalidValue, list, show } from '../../invalidValue.ts'
import type { Expectation, Payload } from '../scenario.ts'
import { checkOne, extension, payloadShape, readFieldValue, version, withFields } from './payload.ts'
import { parseSlots, slotPattern } from './slots.ts'

const payloadKeys = ['hex', 'base64', 'file'] as const
const payloadForms = `text, or a mapping with one of ${list(payloadKeys)}`

const expectedPayload = z.union(
  [
    z.string({ error: issue => wantedText(payloadForms, issue.input) }).superRefine(checked(checkNoSlots)),
    mapping({ hex: payloadShape.hex, base64: payloadShape.base64, file: payloadShape.file })
      .superRefine((value, context) => checkOne(payloadKeys, Object.keys(value), context), evenIfFaulty)
      .transform(value => value as Exclude<Payload, string>),
  ],
  { error: issue => wantedText(payloadForms, issue.input) },
)

/** One value of a field, or several of which it has one. */
function fieldValues() {
  return field({}, value => {
    if (!Array.isArray(value)) return readFieldValue(value)
    if (value.length === 0) throw new InvalidValue('one or more values', 'an empty list')
    return value.map(readFieldValue)
  })
}

const expectationShape = {
  equals: expectedPayload.exactOptional().describe('The reply is exactly this'),
  body: expectedPayload.exactOptional().describe('Another name for equals'),
  begins: expectedPayload.exactOptional().describe('The reply begins with this'),
  contains: expectedPayload
    .refine(payload => payload !== '', { error: 'expected text, got ""' })
    .exactOptional()
    .describe('The reply contains this'),
  matches: text('a regular expression')
    .superRefine(checked((pattern: string) => checkPattern(pattern)))
    .exactOptional()
    .describe('The reply matches this regular expression'),
  type: fieldValues()
    .exactOptional()
    .describe('The type of the reply, or a list of types: protocols tlv and rpc, and a frame that is drawn'),
  version: version.exactOptional().describe('Protocol rpc: the version of the reply'),
  extension: extension.exactOptional().describe('Protocol rpc: the extension of the reply; in quotes beyond 2^53'),
  status: fieldValues()
    .exactOptional()
    .describe('Protocol http: the status of the reply, such as 200; without it 400 and above fail'),
  error: text('the first word of an error')
    .superRefine(checked(checkErrorText))
    .exactOptional()
    .describe('Protocol resp: the reply is an error that begins so, such as WRONGTYPE; without it an error fails'),
} satisfies Record<Exclude<keyof Exclude<Expectation, string>, 'fields'>, z.ZodType>
export const expectationKeys: readonly string[] = Object.keys(expectationShape)
const expectationForms = `echo, nothing, or a mapping with ${list(Object.keys(expectationShape), 'or')}`

/** What a reply must be. */
export const expectSchema = z
  .union(
    [
      z.literal(['echo', 'nothing'], `expected ${expectationForms}`),
      z
        .object(expectationShape, `expected ${expectationForms}`)
        .catchall(z.unknown())
        .superRefine((value, context) => checkExpectation(Object.keys(value), context), evenIfFaulty)
        .transform(value => withFields(value, expectationKeys) as Exclude<Expectation, string>),
    ],
    `expected ${expectationForms}`,
  )
  .meta({
    id: 'expect',
    description:
      'What the reply must be: echo, or all of the given conditions; any other reply counts as failed. nothing: the server sends no reply, and the request is completed once this machine has sent it',
  })

function checkExpectation(found: readonly string[], context: z.RefinementCtx): void {
  if (found.length === 0 && !hasUnknownKey(context)) {
    context.addIssue(new InvalidValue(expectationForms, 'an empty mapping').message)
  }
  if (found.includes('equals') && found.includes('body')) {
    context.addIssue(new InvalidValue('one of equals and body, which mean the same', 'both').message)
  }
}

/** Expectations are the same for all requests, so slots are refused; other braces are literal text. */
function checkNoSlots(value: string): void {
  for (const [braces] of value.matchAll(slotPattern)) {
    if (isSlot(braces))
      throw new InvalidValue(
        'text without slots, or expect: echo in place of the mapping for what was sent',
        show(braces),
      )
  }
}

/** The minus before an error belongs to the protocol, and is no part of its text. */
function checkErrorText(value: string): void {
  checkNoSlots(value)
  if (value.startsWith('-')) throw new InvalidValue('the text of an error without its minus', show(value))
}

function isSlot(braces: string): boolean {
  try {
    return parseSlots(braces).some(part => !('name' in part))
  } catch {
    return false
  }
}
