import { z } from 'zod'
import { InvalidValue, list } from '../../invalidValue.ts'
import {
  formatBitRate,
  formatCount,
  formatSize,
  parseBitRate,
  parseCount,
  parseDuration,
  parsePercent,
  parseSize,
} from '../../units.ts'
import { isMapping } from '../path.ts'

/** In the JSON Schema: where a number or a unit stands, a variable may. */
export const variablePattern = '\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}'
export const durationPattern = '([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+'

const durationForms = 'a duration such as 500us, 10ms or 10s'

export const hourMs = 3_600_000

/**
 * A value of any kind that `read` makes into what the scenario holds, or refuses with a InvalidValue. `json` is what the
 * JSON Schema says of it.
 */
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

/** A further condition on a value that is of the right kind: `check` refuses it with a InvalidValue. */
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

/** Milliseconds out of `500us`, `10ms` or `10s`; 0 may stand without a unit. */
export function duration({ min, max }: DurationBounds) {
  const text = { type: 'string', pattern: `^(${durationPattern}|${variablePattern})$` }
  const json = min === 0 ? { anyOf: [text, { const: 0 }] } : text
  return field(json, value => readDuration(value, min, max))
}

/** Milliseconds, 0 among them, or the word `auto`. */
export function durationOrAuto(max: number) {
  const text = { type: 'string', pattern: `^(auto|${durationPattern}|${variablePattern})$` }
  return field({ anyOf: [text, { const: 0 }] }, value =>
    value === 'auto' ? value : readDuration(value, 0, max, `${durationForms}, or auto`),
  )
}

/** Reads one duration within bounds in milliseconds; throws a InvalidValue. */
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

/** A whole number out of `1000`, `10k` or `1M`. */
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

/** Bytes out of `64KiB`, `100B` or `100`. */
export function size(min: number, max: number) {
  const json = { anyOf: [{ type: 'string' }, { type: 'integer', minimum: min, maximum: max }] }
  return field(json, value => {
    const bytes = typeof value === 'string' || typeof value === 'number' ? parseSize(String(value)) : undefined
    if (bytes === undefined) throw new InvalidValue('a size such as 64KiB')
    if (bytes < min || bytes > max) throw new InvalidValue(`a size from ${formatSize(min)} to ${formatSize(max)}`)
    return bytes
  })
}

/** Bits a second out of `50mbit` or `1gbit`. */
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

/** A fraction from 0 to 1 out of `2%` or `0.1%`. */
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

/** A text that is not empty. */
export function text(what: string) {
  return z.string({ error: issue => wantedText(what, issue.input) }).min(1, `expected ${what}`)
}

/** What a text field says of a value that is none. */
export function wantedText(what: string, value: unknown): string {
  return new InvalidValue(what, unquoted(value)).message
}

/** How a number or boolean is shown that was most likely meant as text; undefined for other values. */
export function unquoted(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'boolean' ? `${value} (in quotes it is text)` : undefined
}

/** One of a few words. */
export function choice<const Word extends string>(words: readonly Word[]) {
  return z.enum(words, `expected ${list(words, 'or')}`)
}

/** True or false. */
export function flag() {
  return z.boolean('expected true or false')
}

/** A mapping that takes no other keys than these; `wanted` is what is said of a value that is no mapping. */
export function mapping<Shape extends z.ZodRawShape>(shape: Shape, wanted = mappingOf(Object.keys(shape))) {
  return z.strictObject(shape, {
    error: issue => (issue.code === 'unrecognized_keys' ? undefined : `expected ${wanted}`),
  })
}

/** The keys of all members of a union: a schema that has them all cannot miss one. */
export type KeysOf<Union> = Union extends object ? keyof Union : never

/** A list with a bounded number of entries, `what` in the plural. */
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

/** Runs a check of a mapping as a whole even where parts of it are at fault. */
export const evenIfFaulty = { when: ({ value }: { readonly value: unknown }) => isMapping(value) }

/** Whether a mapping has a key that is not known: it was meant to say something, so that it is not called empty. */
export function hasUnknownKey(context: z.RefinementCtx): boolean {
  return context.issues.some(({ code }) => code === 'unrecognized_keys')
}

function mappingOf(keys: readonly string[]): string {
  return `a mapping with ${list(keys)}`
}
