import { z } from 'zod'
import { checked, checkPattern, evenIfFaulty, hasUnknownKey, integer, mapping, text, wantedText } from '../../fields.ts'
import { InvalidValue, list, show } from '../../invalidValue.ts'
import type { Expectation, Payload } from '../scenario.ts'
import { checkOne, extension, payloadShape, version } from './payload.ts'
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

const expectationShape = {
  equals: expectedPayload.exactOptional().describe('The reply is exactly this'),
  body: expectedPayload.exactOptional().describe('Another name for equals'),
  contains: text('text').superRefine(checked(checkNoSlots)).exactOptional().describe('The reply contains this text'),
  matches: text('a regular expression')
    .superRefine(checked((pattern: string) => checkPattern(pattern)))
    .exactOptional()
    .describe('The reply matches this regular expression'),
  type: integer(0, 0xffff_ffff).exactOptional().describe('Protocol tlv or rpc: the type of the reply'),
  version: version.exactOptional().describe('Protocol rpc: the version of the reply'),
  extension: extension.exactOptional().describe('Protocol rpc: the extension of the reply; in quotes beyond 2^53'),
  status: integer(100, 599)
    .exactOptional()
    .describe('Protocol http: the status of the reply, such as 200; without it 400 and above fail'),
  error: text('the first word of an error')
    .superRefine(checked(checkErrorText))
    .exactOptional()
    .describe('Protocol resp: the reply is an error that begins so, such as WRONGTYPE; without it an error fails'),
} satisfies Record<keyof Exclude<Expectation, 'echo'>, z.ZodType>
const expectationForms = `echo, or a mapping with ${list(Object.keys(expectationShape), 'or')}`

/** What a reply must be. */
export const expectSchema = z
  .union(
    [
      z.literal('echo', `expected ${expectationForms}`),
      mapping(expectationShape).superRefine(
        (value, context) => checkExpectation(Object.keys(value), context),
        evenIfFaulty,
      ),
    ],
    `expected ${expectationForms}`,
  )
  .meta({
    id: 'expect',
    description: 'What the reply must be: echo, or all of the given conditions; any other reply counts as failed',
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
    if (isSlot(braces)) throw new InvalidValue('text without slots, or echo for what was sent', show(braces))
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
