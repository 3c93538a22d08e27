/**
 * Thrown by functions that read one value. The message is `expected ...`; `, got ...` follows only where showing the
 * value would not explain the fault; in other cases the caller adds the value.
 */
export class InvalidValue extends Error {
  override readonly name = 'InvalidValue'

  constructor(expected: string, got?: string) {
    super(`expected ${expected}${got === undefined ? '' : `, got ${got}`}`)
  }
}

const shownLengthMax = 60

/** A value for a message: text in quotes and cut to length, `a list`, `a mapping`, `nothing`. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  const text = typeof value === 'string' ? value : String(value)
  const shown = text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}...` : text
  return typeof value === 'string' ? JSON.stringify(shown) : shown
}

/** Words as a list in a sentence: `a, b and c`. */
export function list(words: readonly (string | number)[], last: 'and' | 'or' = 'and'): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}
