import { bracketed, withBrackets } from './address.ts'
import { formatSize, parseDuration, parseSize } from './units.ts'

const durationMs = { min: 10, max: 24 * 3_600_000 }

const switchWords: ReadonlyMap<string, boolean> = new Map([
  ['on', true],
  ['off', false],
  ['true', true],
  ['false', false],
])

/** The kind of value that a command-line option has, as plain data. */
export type OptionValue =
  | { readonly kind: 'flag' }
  /** True or false, where the default may be either. */
  | { readonly kind: 'switch' }
  | { readonly kind: 'text' }
  /** A text of 1 to `lengthMax` characters that no message may show. */
  | { readonly kind: 'secret'; readonly lengthMax: number }
  | { readonly kind: 'whole'; readonly min: number; readonly max: number; readonly orUnlimited?: true }
  /** Bytes. */
  | { readonly kind: 'size'; readonly min: number; readonly max: number }
  /** Milliseconds, from 10 ms to 24 h. */
  | { readonly kind: 'duration'; readonly example: string }
  | { readonly kind: 'form'; readonly forms: string; parse(text: string): unknown }

/** Reads the value of an option from its text; undefined when the text is not valid. */
export function parseOption(value: OptionValue, text: string | true): unknown {
  if (text === true || value.kind === 'flag') return text === true && value.kind === 'flag' ? true : undefined
  switch (value.kind) {
    case 'switch':
      return switchWords.get(text)
    case 'text':
      return text
    case 'secret':
      return text.length >= 1 && text.length <= value.lengthMax ? text : undefined
    case 'whole':
      if (value.orUnlimited && text === 'unlimited') return Number.POSITIVE_INFINITY
      return /^\d+$/.test(text) ? within(Number(text), value) : undefined
    case 'size':
      return within(parseSize(text), value)
    case 'duration':
      return within(parseDuration(text), durationMs)
    case 'form':
      return value.parse(text)
  }
}

/** What is expected of a value, as messages say it after `expected`; `text` is what was given. */
export function expectedOf(value: OptionValue, text: string | true = ''): string {
  switch (value.kind) {
    case 'flag':
      return 'true or false'
    case 'switch':
      return 'on or off'
    case 'text':
      return 'text'
    case 'secret':
      return `1 to ${value.lengthMax} characters`
    case 'whole':
      return `a whole number from ${value.min} to ${value.max}${value.orUnlimited ? ', or unlimited' : ''}`
    case 'size':
      return `a size from ${formatSize(value.min)} to ${formatSize(value.max)}`
    case 'duration':
      return `a duration such as ${value.example}, from 10ms to 24h`
    case 'form':
      return parsesInBrackets(value, String(text)) ? bracketed(String(text))! : value.forms
  }
}

function parsesInBrackets(value: Extract<OptionValue, { kind: 'form' }>, text: string): boolean {
  const whole = withBrackets(text)
  return whole !== undefined && value.parse(whole) !== undefined
}

function within(value: number | undefined, { min, max }: { readonly min: number; readonly max: number }) {
  return value !== undefined && value >= min && value <= max ? value : undefined
}
