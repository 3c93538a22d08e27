const textEncoder = new TextEncoder()
const shownBytesMax = 60

const code = (character: string) => character.charCodeAt(0)
const doubleQuote = code('"')
const singleQuote = code("'")
const backslash = code('\\')
const blanks: ReadonlySet<number> = new Set([...' \t\r\n\v\f\0'].map(code))
const escapes: ReadonlyMap<number, number> = new Map(
  Object.entries({ n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }).map(([name, character]) => [
    code(name),
    code(character),
  ]),
)

/** The command line in `text` as an array of bulk strings; throws a RangeError with the reason for an invalid one. */
export function encodeCommand(text: Uint8Array): Uint8Array {
  return encodeWords(splitCommand(text))
}

/** A command and its arguments as an array of bulk strings. */
export function encodeWords(words: readonly Uint8Array[]): Uint8Array {
  const lineEnd = textEncoder.encode('\r\n')
  const parts = [
    textEncoder.encode(`*${words.length}\r\n`),
    ...words.flatMap(word => [textEncoder.encode(`$${word.length}\r\n`), word, lineEnd]),
  ]
  const frame = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    frame.set(part, at)
    at += part.length
  }
  return frame
}

/**
 * The words of a command line, split as redis-cli does, at blanks outside of quotes. Double quotes allow the escapes \n
 * \r \t \b \a \xHH, and a backslash before any other character means that character; single quotes allow only \'.
 */
export function splitCommand(text: Uint8Array): Uint8Array[] {
  const words: Uint8Array[] = []
  let at = 0
  for (;;) {
    while (at < text.length && blanks.has(text[at]!)) at++
    if (at === text.length) break
    const word: number[] = []
    while (at < text.length && !blanks.has(text[at]!)) {
      const byte = text[at]!
      if (byte === doubleQuote || byte === singleQuote) at = readQuoted(text, at, word)
      else {
        word.push(byte)
        at++
      }
    }
    words.push(Uint8Array.from(word))
  }
  if (words.length === 0) throw new RangeError('a command must have at least one word, such as PING')
  return words
}

/** Adds the text in the quotes that begin at `start` to the word; returns the place after the closing quote. */
function readQuoted(text: Uint8Array, start: number, word: number[]): number {
  const quote = text[start]!
  let at = start + 1
  while (at < text.length) {
    const byte = text[at]!
    if (byte === quote) {
      if (at + 1 < text.length && !blanks.has(text[at + 1]!)) {
        throw new RangeError(`a closing quote must be followed by a blank, not as in ${shown(text)}`)
      }
      return at + 1
    }
    const escaped = byte === backslash ? text[at + 1] : undefined
    const hex = escaped === code('x') && quote === doubleQuote ? hexByte(text, at + 2) : undefined
    if (hex !== undefined) {
      word.push(hex)
      at += 4
    } else if (escaped !== undefined && (quote === doubleQuote || escaped === singleQuote)) {
      word.push(quote === doubleQuote ? (escapes.get(escaped) ?? escaped) : escaped)
      at += 2
    } else {
      word.push(byte)
      at++
    }
  }
  throw new RangeError(`a command must close its quotes, unlike ${shown(text)}`)
}

function hexByte(text: Uint8Array, at: number): number | undefined {
  const digits = String.fromCharCode(text[at] ?? 0, text[at + 1] ?? 0)
  return /^[0-9a-fA-F]{2}$/.test(digits) ? Number.parseInt(digits, 16) : undefined
}

function shown(text: Uint8Array): string {
  const start = new TextDecoder().decode(text.subarray(0, shownBytesMax))
  return JSON.stringify(text.length > shownBytesMax ? `${start}...` : start)
}
