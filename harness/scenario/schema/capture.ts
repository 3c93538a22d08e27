import { z } from 'zod'
import { checkPattern, field } from '../../fields.ts'
import { InvalidValue, show } from '../../invalidValue.ts'
import { isReservedSlot, slotNamePattern } from './slots.ts'

/** The part of a reply's body that a step captures. */
export type CaptureSource =
  | { readonly kind: 'body' }
  /** Keys and indexes from the root of a JSON text. */
  | { readonly kind: 'json'; readonly path: readonly string[] }
  /** The first group of a regular expression, or its whole match if it has no group. */
  | { readonly kind: 'regex'; readonly pattern: string }

const capturesMax = 16
const sourceLengthMax = 1024
const sourceForms = '"json:access.token", "regex:token=(\\w+)" or body'
const nameForms = 'a name of letters, digits and "_", such as token'

const name = z
  .string()
  .regex(slotNamePattern, `expected ${nameForms}`)
  .refine(text => !isReservedSlot(text), 'expected a name other than those of slots, such as token')
  .meta({ pattern: slotNamePattern.source })

const source = field({ type: 'string', pattern: '^(body|json:.+|regex:.+)$' }, value => {
  parseCapture(value)
  return value as string
})

/** The names of captured values, each with its place in the reply. */
export const captureSchema = z
  .record(name, source, 'expected a mapping of names such as { token: "json:access.token" }')
  .superRefine((names, context) => {
    const count = Object.keys(names).length
    if (count >= 1 && count <= capturesMax) return
    context.addIssue(new InvalidValue(`1 to ${capturesMax} names`, count === 0 ? 'none' : String(count)).message)
  })

/** Reads a source such as `json:access.token`; throws an InvalidValue for other values. */
export function parseCapture(value: unknown): CaptureSource {
  if (typeof value !== 'string') throw new InvalidValue(sourceForms)
  if (value.length > sourceLengthMax) throw new InvalidValue(`at most ${sourceLengthMax} characters`, 'more')
  if (value === 'body') return { kind: 'body' }
  const [, kind, rest] = /^(json|regex):(.+)$/s.exec(value) ?? []
  if (rest === undefined) throw new InvalidValue(sourceForms)
  if (kind === 'json') {
    const path = rest.split('.')
    if (path.includes('') || path[0] === '$' || /[[\]]/.test(rest))
      throw new InvalidValue('keys with dots between them, as in "json:items.0.id"', show(value))
    return { kind: 'json', path }
  }
  checkPattern(rest, 'a regular expression after regex:', value)
  return { kind: 'regex', pattern: rest }
}
