import { prefixTest } from '../prefix.ts'
import type { Protocol } from '../protocol.ts'

/** A question that a whole frame is asked; plain data. */
export type FrameTest =
  /** The body begins so: `#` is any digit, `?` any byte, and a backslash before them takes them as they are. */
  | { readonly kind: 'begins'; readonly pattern: string }
  /** Each of these fields has one of its values. */
  | { readonly kind: 'fields'; readonly values: Readonly<Record<string, readonly number[]>> }
  /** These bytes, as hexadecimal digits, stand in the body after so many others. */
  | { readonly kind: 'at'; readonly offset: number; readonly hex: string }
  /** This word of the body, counted from 1, is one of these; words stand between single blanks. */
  | { readonly kind: 'word'; readonly word: number; readonly values: readonly string[] }
  /** The body is these bytes, begins so, has these and lacks those. */
  | {
      readonly kind: 'text'
      readonly equals?: string
      readonly begins?: string
      readonly has?: string
      readonly lacks?: string
    }

/** Whether the whole frame `bytes[from, end)` passes. */
export type FramePredicate = (bytes: Uint8Array, from: number, end: number) => boolean

/** The parts of frames that tests look at. */
export type FrameParts = Pick<Protocol, 'bodyStart' | 'bodyEnd' | 'fields' | 'tailBytesMax'>

const blank = 0x20
const zero = 0x30
const [exactly, anyDigit, anyByte] = [0, 1, 2]

/** Whether a frame passes any of the tests; undefined if there are none. */
export function compileTests(tests: readonly FrameTest[] | undefined, parts: FrameParts): FramePredicate | undefined {
  if (tests === undefined || tests.length === 0) return undefined
  const compiled = tests.map(test => compileTest(test, parts))
  const any: FramePredicate = (bytes, from, end) => {
    for (let index = 0; index < compiled.length; index++) {
      if (compiled[index]!(bytes, from, end)) return true
    }
    return false
  }
  const first = firstBodyBytes(tests)
  if (first === undefined) return compiled.length === 1 ? compiled[0] : any
  // All of the tests ask for the first byte of the body: one look tells most frames that pass none.
  const { bodyStart } = parts
  const own = first.numbers
  if (own !== undefined) {
    // No two of them ask for the same byte: it tells which one may pass.
    return (bytes, from, end) => {
      const at = bodyStart(bytes, from, end)
      const number = at < end ? own[bytes[at]!]! : 0
      return number !== 0 && compiled[number - 1]!(bytes, from, end)
    }
  }
  const { isFirst } = first
  return (bytes, from, end) => {
    const at = bodyStart(bytes, from, end)
    return at < end && isFirst[bytes[at]!] === 1 && any(bytes, from, end)
  }
}

function compileTest(test: FrameTest, parts: FrameParts): FramePredicate {
  const { bodyStart, bodyEnd } = parts
  switch (test.kind) {
    case 'begins':
      return beginsTest(test.pattern, parts)
    case 'fields':
      return fieldsTest(test.values, parts)
    case 'at': {
      const wanted = Buffer.from(test.hex, 'hex')
      return (bytes, from, end) => {
        const at = bodyStart(bytes, from, end) + test.offset
        return at + wanted.length <= bodyEnd(bytes, from, end) && isAt(bytes, at, wanted)
      }
    }
    case 'word':
      return wordTest(test.word, test.values, parts)
    case 'text':
      return textTest(test, parts)
  }
}

/** The end of the body is looked for only where the pattern reaches so far that it may be behind it. */
function beginsTest(pattern: string, { bodyStart, bodyEnd, tailBytesMax }: FrameParts): FramePredicate {
  const matches = patternOf(pattern)
  const { length } = parsePattern(pattern).bytes
  if (tailBytesMax === undefined) {
    return (bytes, from, end) => matches(bytes, bodyStart(bytes, from, end), bodyEnd(bytes, from, end))
  }
  return (bytes, from, end) => {
    const at = bodyStart(bytes, from, end)
    if (!matches(bytes, at, end)) return false
    return at + length + tailBytesMax <= end || at + length <= bodyEnd(bytes, from, end)
  }
}

function fieldsTest(values: Readonly<Record<string, readonly number[]>>, { fields }: FrameParts): FramePredicate {
  const checks = Object.entries(values).map(([name, wanted]) => {
    const read = fields![name]!
    const [only, another] = wanted
    const check: FramePredicate =
      another === undefined
        ? (bytes, from, end) => read(bytes, from, end) === only
        : (bytes, from, end) => wanted.includes(read(bytes, from, end))
    return check
  })
  const [single] = checks
  if (checks.length === 1) return single!
  return (bytes, from, end) => {
    for (let index = 0; index < checks.length; index++) {
      if (!checks[index]!(bytes, from, end)) return false
    }
    return true
  }
}

function wordTest(word: number, values: readonly string[], { bodyStart, bodyEnd }: FrameParts): FramePredicate {
  const wanted = values.map(value => Buffer.from(value))
  return (bytes, from, end) => {
    const last = bodyEnd(bytes, from, end)
    let at = bodyStart(bytes, from, end)
    for (let left = word - 1; left > 0; left--) {
      while (at < last && bytes[at] !== blank) at++
      at++
    }
    for (let index = 0; index < wanted.length; index++) {
      const value = wanted[index]!
      const valueEnd = at + value.length
      if (valueEnd > last || !isAt(bytes, at, value)) continue
      if (valueEnd === last || bytes[valueEnd] === blank) return true
    }
    return false
  }
}

function textTest(
  { equals, begins = '', has, lacks }: Extract<FrameTest, { kind: 'text' }>,
  { bodyStart, bodyEnd }: FrameParts,
): FramePredicate {
  const matches = patternOf(begins)
  const whole = equals === undefined ? undefined : Buffer.from(equals, 'hex')
  const wanted = has === undefined ? undefined : Buffer.from(has, 'hex')
  const unwanted = lacks === undefined ? undefined : Buffer.from(lacks, 'hex')
  return (bytes, from, end) => {
    const at = bodyStart(bytes, from, end)
    const last = bodyEnd(bytes, from, end)
    return (
      (whole === undefined || (last - at === whole.length && isAt(bytes, at, whole))) &&
      matches(bytes, at, last) &&
      (wanted === undefined || contains(bytes, at, last, wanted)) &&
      (unwanted === undefined || !contains(bytes, at, last, unwanted))
    )
  }
}

/** The bytes of a pattern, and for each whether it stands for itself, any digit or any byte. */
function parsePattern(pattern: string): { readonly bytes: Uint8Array; readonly kinds: Uint8Array } {
  const bytes: number[] = []
  const kinds: number[] = []
  let isEscaped = false
  for (const character of pattern) {
    if (character === '\\' && !isEscaped) {
      isEscaped = true
      continue
    }
    const kind = isEscaped ? exactly : character === '#' ? anyDigit : character === '?' ? anyByte : exactly
    for (const byte of Buffer.from(character)) {
      bytes.push(byte)
      kinds.push(kind)
    }
    isEscaped = false
  }
  return { bytes: Uint8Array.from(bytes), kinds: Uint8Array.from(kinds) }
}

/** Whether `bytes[from, end)` begins with a pattern. */
function patternOf(pattern: string): FramePredicate {
  const { bytes: wanted, kinds } = parsePattern(pattern)
  const { length } = wanted
  if (kinds.every(kind => kind === exactly)) {
    const isThere = prefixTest(wanted)
    return (bytes, from, end) => end - from >= length && isThere(bytes, from)
  }
  return (bytes, from, end) => {
    if (end - from < length) return false
    for (let index = 0; index < length; index++) {
      const byte = bytes[from + index]!
      const kind = kinds[index]
      if (kind === exactly ? byte !== wanted[index] : kind === anyDigit && (byte < zero || byte > zero + 9))
        return false
    }
    return true
  }
}

/** The first bytes that a body can have which passes one of the tests. */
interface FirstBytes {
  readonly isFirst: Uint8Array
  /** The number of the test from 1, for each of these bytes; absent where several tests ask for the same. */
  readonly numbers?: Uint8Array
}

/** Undefined where not all tests ask for the first byte. */
function firstBodyBytes(tests: readonly FrameTest[]): FirstBytes | undefined {
  const isFirst = new Uint8Array(256)
  const numbers = new Uint8Array(256)
  let isUnique = tests.length < numbers.length
  for (const [index, test] of tests.entries()) {
    const own = firstBytesOf(test)
    if (own === undefined) return undefined
    for (const byte of own) {
      if (isFirst[byte] === 1) isUnique = false
      isFirst[byte] = 1
      numbers[byte] = index + 1
    }
  }
  return { isFirst, ...(isUnique && { numbers }) }
}

/** The bytes with which a body can begin that passes a test; undefined where that may be any, or none. */
function firstBytesOf(test: FrameTest): readonly number[] | undefined {
  if (test.kind === 'at' && test.offset === 0) return [Number.parseInt(test.hex.slice(0, 2), 16)]
  if (test.kind === 'text' && test.equals !== undefined) return [Number.parseInt(test.equals.slice(0, 2), 16)]
  const pattern = test.kind === 'begins' ? test.pattern : test.kind === 'text' ? test.begins : undefined
  const { bytes, kinds } = parsePattern(pattern ?? '')
  const [first] = bytes
  if (first === undefined || kinds[0] === anyByte) return undefined
  return kinds[0] === anyDigit ? Array.from({ length: 10 }, (_, digit) => zero + digit) : [first]
}

function isAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index++) {
    if (bytes[at + index] !== wanted[index]) return false
  }
  return true
}

function contains(bytes: Uint8Array, from: number, end: number, wanted: Uint8Array): boolean {
  for (let at = from; at + wanted.length <= end; at++) {
    if (isAt(bytes, at, wanted)) return true
  }
  return false
}
