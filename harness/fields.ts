import { z } from 'zod'
import { InvalidValue, list, show } from './invalidValue.ts'
import { isMapping } from './mapping.ts'
import { unknownWord } from './suggestion.ts'
import {
  formatBitRate,
  formatCount,
  formatSize,
  parseBitRate,
  parseCount,
  parseDuration,
  parsePercent,
  parseSize,
} from './units.ts'

/** The JSON Schema allows a variable wherever it has a number or a unit. */
export const variablePattern = '\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}'
export const durationPattern = '([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+'

const durationForms = 'a duration such as 500us, 10ms or 10s'

export const hourMs = 3_600_000

/** A value of any kind, which `read` converts, or refuses by throwing an InvalidValue; `json` is its JSON Schema. */
export function field<Value>(json: Record<string, unknown>, read: (value: unknown) => Value) {
  return z
    .unknown()
    .meta(json)
    .transform((value, context): Value => {
      try {
        return read(value)
      } catch (error) {
        addInvalidValue(error, context)
        return z.NEVER
      }
    })
}

/** A further condition on a value of the right kind: `check` throws an InvalidValue if it does not hold. */
export function checked<Value>(check: (value: Value) => unknown) {
  return (value: Value, context: z.RefinementCtx): void => {
    try {
      check(value)
    } catch (error) {
      addInvalidValue(error, context)
    }
  }
}

function addInvalidValue(error: unknown, context: z.RefinementCtx): void {
  if (!(error instanceof InvalidValue)) throw error
  context.addIssue({ code: 'custom', message: error.message })
}

interface DurationBounds {
  readonly min: number
  readonly max: number
}

/** A duration such as `500us`, `10ms` or `10s`, as milliseconds; 0 needs no unit. */
export function duration({ min, max }: DurationBounds) {
  const text = { type: 'string', pattern: `^(${durationPattern}|${variablePattern})$` }
  const json = min === 0 ? { anyOf: [text, { const: 0 }] } : text
  return field(json, value => readDuration(value, min, max))
}

/** A duration from 0, as milliseconds, or the word `auto`. */
export function durationOrAuto(max: number) {
  const text = { type: 'string', pattern: `^(auto|${durationPattern}|${variablePattern})$` }
  return field({ anyOf: [text, { const: 0 }] }, value =>
    value === 'auto' ? value : readDuration(value, 0, max, `${durationForms}, or auto`),
  )
}

/** Reads a duration within bounds in milliseconds; throws an InvalidValue. */
export function readDuration(value: unknown, min: number, max: number, forms = durationForms): number {
  if (value === 0 && min === 0) return 0
  const unitless = typeof value === 'number' || (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value))
  if (unitless) throw new InvalidValue(forms, `${value} (a number without a unit)`)
  const milliseconds = typeof value === 'string' ? parseDuration(value) : undefined
  if (milliseconds === undefined) throw new InvalidValue(forms)
  if (milliseconds < min || milliseconds > max) {
    throw new InvalidValue(`a duration from ${showBound(min)} to ${showBound(max)}`)
  }
  return milliseconds
}

function showBound(milliseconds: number): string {
  if (milliseconds >= hourMs) return `${milliseconds / hourMs}h`
  return milliseconds >= 1000 ? `${milliseconds / 1000}s` : `${milliseconds}ms`
}

/** A whole number such as `1000`, `10k` or `1M`. */
export function count(min: number, max: number) {
  const json = {
    anyOf: [
      { type: 'integer', minimum: min, maximum: max },
      { type: 'string', pattern: `^([0-9]+(\\.[0-9]+)?[kKmM]?|${variablePattern})$` },
    ],
  }
  return field(json, value => {
    const number = typeof value === 'string' ? parseCount(value) : value
    if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number
    throw new InvalidValue(`a whole number from ${formatCount(min)} to ${formatCount(max)}`)
  })
}

/** A size such as `64KiB`, `100B` or `100`, in bytes. */
export function size(min: number, max: number) {
  const json = { anyOf: [{ type: 'string' }, { type: 'integer', minimum: min, maximum: max }] }
  return field(json, value => {
    const bytes = typeof value === 'string' ? parseSize(value) : value
    if (typeof bytes !== 'number' || !Number.isInteger(bytes)) throw new InvalidValue('a size such as 64KiB')
    if (bytes < min || bytes > max) throw new InvalidValue(`a size from ${formatSize(min)} to ${formatSize(max)}`)
    return bytes
  })
}

/** A bit rate such as `50mbit` or `1gbit`, in bits a second. */
export function bitRate(min: number, max: number) {
  const json = { type: 'string', pattern: `^([0-9]+(\\.[0-9]+)?[kmg]?bit|${variablePattern})$`, examples: ['50mbit'] }
  return field(json, value => {
    const bitsPerSecond = typeof value === 'string' ? parseBitRate(value) : undefined
    if (bitsPerSecond === undefined) throw new InvalidValue('a bit rate such as 50mbit')
    if (bitsPerSecond < min || bitsPerSecond > max) {
      throw new InvalidValue(`a bit rate from ${formatBitRate(min)} to ${formatBitRate(max)}`)
    }
    return bitsPerSecond
  })
}

/** A percentage such as `2%` or `0.1%`, as a fraction from 0 to 1. */
export function share() {
  const json = { type: 'string', pattern: `^([0-9]+(\\.[0-9]+)?%|${variablePattern})$`, examples: ['0.1%'] }
  return field(json, value => {
    const fraction = typeof value === 'string' ? parsePercent(value) : undefined
    if (fraction === undefined) throw new InvalidValue('a percentage from 0% to 100%, such as 0.1%')
    return fraction
  })
}

/** A whole number that is a field of a wire format. */
export function integer(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`
  return z.number(error).int(error).min(min, error).max(max, error)
}

/** Text that is not empty. */
export function text(what: string) {
  return z.string({ error: issue => wantedText(what, issue.input) }).min(1, `expected ${what}`)
}

/** The message of a text field for a value that is not text. */
export function wantedText(what: string, value: unknown): string {
  return new InvalidValue(what, unquoted(value)).message
}

/** How to show a number or boolean that was most likely meant as text; undefined for other values. */
export function unquoted(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? `${value} (in quotes it is text)` : undefined
}

/** Throws an InvalidValue with the reason unless `pattern` is a regular expression; `shown` is the value around it. */
export function checkPattern(pattern: string, wanted = 'a regular expression', shown = pattern): void {
  try {
    new RegExp(pattern, 'u')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const reason = error.message.slice(error.message.lastIndexOf(': ') + 2).toLowerCase()
    throw new InvalidValue(wanted, `${show(shown)} (${reason})`)
  }
}

/** One of several words or numbers. */
export function choice<const Value extends string | number>(values: readonly Value[]) {
  return z.literal(values as readonly [Value, ...Value[]], `expected ${list(values, 'or')}`)
}

/** True or false. */
export function flag() {
  return z.boolean('expected true or false')
}

/**
 * A mapping with no other keys than these; `wanted` describes it in messages. All unknown keys are one issue, whose
 * message has a line for each of them.
 */
export function mapping<Shape extends z.ZodRawShape>(shape: Shape, wanted = mappingOf(Object.keys(shape))) {
  return z.strictObject(shape, {
    error: issue => {
      if (issue.code !== 'unrecognized_keys') return `expected ${wanted}`
      return issue.keys.map(key => unknownWord('key', key, Object.keys(shape))).join('\n')
    },
  })
}

/** The keys of all members of a union: a schema of this type cannot miss one. */
export type KeysOf<Union> = Union extends object ? keyof Union : never

/** A list with a bounded number of entries; `what` names them in the plural. */
export function listOf<Entry extends z.ZodType>(entry: Entry, what: string, min: number, max: number) {
  const wrongLength = (wanted: string) => ({
    error: ({ input }: { readonly input?: unknown }) =>
      new InvalidValue(`${wanted} ${what}`, `a list of ${(input as readonly unknown[]).length}`).message,
  })
  return z
    .array(entry, `expected a list of ${what}`)
    .min(min, wrongLength(`${min} or more`))
    .max(max, wrongLength(`at most ${max}`))
}

/** Runs a check of a whole mapping even where parts of it are invalid. */
export const evenIfFaulty = { when: ({ value }: { readonly value: unknown }) => isMapping(value) }

/** Whether a mapping has an unknown key. Then it is not reported as empty as well: the key was most likely misspelt. */
export function hasUnknownKey(context: z.RefinementCtx): boolean {
  return context.issues.some(({ code }) => code === 'unrecognized_keys')
}

function mappingOf(keys: readonly string[]): string {
  return `a mapping with ${list(keys)}`
}
