import { z } from 'zod'
import { checkPattern, field } from '../../fields.ts'
import { InvalidValue, show } from '../../invalidValue.ts'
import { type NumberName, numberNames } from '../../protocols/picture/numbers.ts'
import { isReservedSlot, slotNamePattern } from './slots.ts'

/** The part of a reply's body that a step captures. */
export type CaptureSource =
  | { readonly kind: 'body' }
  /** All of the body from a place on, which may be nothing. */
  | { readonly kind: 'rest'; readonly offset: number }
  /** Keys and indexes from the root of a JSON text. */
  | { readonly kind: 'json'; readonly path: readonly string[] }
  /** The first group of a regular expression, or its whole match if it has no group. */
  | { readonly kind: 'regex'; readonly pattern: string }
  /** So many bytes from a place on. */
  | { readonly kind: 'bytes'; readonly offset: number; readonly length: number }
  /** A number at a place, as decimal digits. */
  | { readonly kind: 'number'; readonly type: NumberName; readonly offset: number }
  /** A field of a frame that is drawn, as decimal digits. */
  | { readonly kind: 'field'; readonly name: string }

const capturesMax = 16
const sourceLengthMax = 1024
const sourceForms = '"json:access.token", "regex:token=(\\w+)", "bytes:8+16", "u32le:8", "field:status" or body'
const offsetMax = 1 << 24
const nameForms = 'a name of letters, digits and "_", such as token'

const name = z
  .string()
  .regex(slotNamePattern, `expected ${nameForms}`)
  .refine(text => !isReservedSlot(text), 'expected a name other than those of slots, such as token')
  .meta({ pattern: slotNamePattern.source })

const source = field(
  { type: 'string', pattern: `^(body|(json|regex|bytes|field|${numberNames.join('|')}):.+)$` },
  value => {
    parseCapture(value)
    return value as string
  },
)

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
  const [, kind, rest] = /^([a-z0-9]+):(.+)$/s.exec(value) ?? []
  if (rest === undefined) throw new InvalidValue(sourceForms)
  if (kind === 'bytes') return bytesSource(rest, value)
  if (kind === 'field') return { kind, name: rest }
  const type = numberNames.find(known => known === kind)
  if (type !== undefined) return { kind: 'number', type, offset: placeIn(rest, value) }
  if (kind !== 'json' && kind !== 'regex') throw new InvalidValue(sourceForms)
  if (kind === 'json') {
    const path = rest.split('.')
    if (path.includes('') || path[0] === '$' || /[[\]]/.test(rest))
      throw new InvalidValue('keys with dots between them, as in "json:items.0.id"', show(value))
    return { kind: 'json', path }
  }
  checkPattern(rest, 'a regular expression after regex:', value)
  return { kind: 'regex', pattern: rest }
}

function bytesSource(rest: string, value: string): CaptureSource {
  const [, offset, length] = /^(\d+)\+(\d+)$/.exec(rest) ?? []
  if (length === undefined || Number(length) < 1) {
    throw new InvalidValue('a place and a number of bytes, as in "bytes:8+16"', show(value))
  }
  return { kind: 'bytes', offset: placeIn(offset!, value), length: placeIn(length, value) }
}

function placeIn(text: string, value: string): number {
  if (/^\d{1,8}$/.test(text) && Number(text) <= offsetMax) return Number(text)
  throw new InvalidValue(`a place from 0 to ${offsetMax} in the body, as in "u32le:8"`, show(value))
}
