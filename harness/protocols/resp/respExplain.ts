import { quoteText } from '../../shownBytes.ts'
import { formatCount, plural } from '../../units.ts'
import { announcesTooMuch, endsTooLate, shownByte } from '../explanation.ts'
import { malformed, tooLarge } from '../protocol.ts'
import { depthMax, elementBytesMin, formatBytes, lineBytesMax } from './respValues.ts'

const shownBytesMax = 40
const lineFeed = 0x0a
const carriageReturn = 0x0d
const word = { valid: /^[^\r]*$/, name: 'a line' }
const number = { valid: /^(?=.{1,20}$)[+-]?\d+$/, name: 'a number' }
const length = { valid: /^\d{1,20}$/, name: 'a length' }
const count = { valid: /^\d{1,20}$/, name: 'a count' }
const streamedCount = { valid: /^(\d{1,20}|\?)$/, name: 'a count' }

/** By type: what its first line may be. */
const lines: Readonly<Record<string, { readonly valid: RegExp; readonly name: string }>> = {
  '+': word,
  '-': word,
  ':': number,
  _: { valid: /^$/, name: 'a null' },
  '#': { valid: /^[tf]$/, name: 'a truth value' },
  ',': { valid: /^[+-]?(\d+(\.\d+)?(e[+-]?\d+)?|inf|nan(\(.*\))?)$/i, name: 'a double' },
  '(': { valid: /^[+-]?\d+$/, name: 'a big number' },
  $: { valid: /^(\d{1,20}|-1|\?)$/, name: 'a length' },
  '!': length,
  '=': length,
  '*': { valid: /^(\d{1,20}|-1|\?)$/, name: 'a count' },
  '~': streamedCount,
  '%': streamedCount,
  '|': count,
  '>': count,
  ';': length,
  '.': { valid: /^$/, name: 'an end' },
}
const pushAlone = 'a push, which is a delivery with { resp: { version: 3 } } only'
const decoder = new TextDecoder('latin1')

/** Elements of a value. */
interface Level {
  readonly type: string
  /** Those that are still to come; Infinity until the end is said. */
  left: number
  seen: number
  /** An attribute was the last that came, and what it belongs to has to follow. */
  isAwaited: boolean
}

/** Why `bytes[from, to)` are no reply of Redis, where `frameEnd` has found them malformed or tooLarge. */
export function explainResp(
  bytes: Uint8Array,
  from: number,
  to: number,
  maxFrame: number,
  frameEnd: number,
): string | undefined {
  if (frameEnd !== malformed && frameEnd !== tooLarge) return undefined
  // Every value before the one at fault is whole.
  const levels: Level[] = [levelOf('', 1)]
  let at = from
  while (levels.length > 0) {
    const found = readValue({ bytes, at, to, endMax: from + maxFrame, maxFrame })
    const fault = typeof found === 'string' ? found : nest(levels, found)
    if (fault !== undefined) return at === from ? fault : `${fault}, ${formatCount(at - from)} bytes into the reply`
    at = (found as Value).end
  }
  return pushAlone
}

function levelOf(type: string, left: number): Level {
  return { type, left, seen: 0, isAwaited: false }
}

/** Counts a value among the elements of those around it; or what is wrong with its place. */
function nest(levels: Level[], { type, elements }: Value): string | undefined {
  const around = levels.at(-1)!
  if (type === '>' && levels.length > 1) return 'a push within another value'
  if (type === '.') {
    const fault = endFault(around)
    if (fault !== undefined) return fault
    levels.pop()
  } else {
    // An attribute is no element itself: it belongs to the next one.
    const isElement = type !== '|'
    around.isAwaited = !isElement
    if (isElement) {
      around.left--
      around.seen++
    }
  }
  if (elements > 0) levels.push(levelOf(type, elements))
  if (levels.length > depthMax + 1) return `arrays nested more than ${depthMax} deep`
  while (levels.at(-1)?.left === 0) levels.pop()
  return undefined
}

/** Why nothing ends here. */
function endFault({ type, left, seen, isAwaited }: Level): string | undefined {
  if (left !== Number.POSITIVE_INFINITY) return 'an end (".") of what has a count, or of nothing'
  if (isAwaited) return 'an end (".") behind an attribute'
  return type === '%' && seen % 2 === 1 ? 'an end (".") behind a key without its value' : undefined
}

/** Where a value begins, and the bounds on it. */
interface Place {
  readonly bytes: Uint8Array
  readonly at: number
  readonly to: number
  readonly endMax: number
  readonly maxFrame: number
}

interface Value {
  readonly type: string
  readonly end: number
  /** Values that follow its header and belong to it. */
  readonly elements: number
}

/** The value at `at`, or the header of one that has elements; or what is wrong with it. */
function readValue(place: Place): Value | string {
  const line = readLine(place)
  if (typeof line === 'string') return line
  const { type, text, end } = line
  switch (type) {
    case '*':
    case '~':
    case '%':
    case '|':
    case '>':
      return readElements(line, place)
    case '$':
      if (text === '-1') return { type, end, elements: 0 }
      return text === '?' ? readChunks(line, place) : readBlob(line, place)
    case '!':
    case '=':
      return readBlob(line, place)
    case ';':
      return 'a chunk (";") of no string'
    default:
      return { type, end, elements: 0 }
  }
}

interface Line {
  readonly type: string
  readonly text: string
  readonly end: number
}

function readLine({ bytes, at, to, endMax, maxFrame }: Place): Line | string {
  if (at >= to) return endsTooLate('no end of the reply', maxFrame)
  const type = String.fromCharCode(bytes[at]!)
  const wanted = Object.hasOwn(lines, type) ? lines[type]! : undefined
  if (wanted === undefined) return `type byte ${shownByte(bytes[at]!)}`
  const found = bytes.indexOf(lineFeed, at)
  const lineFeedAt = found < to ? found : -1
  const line = decoder.decode(bytes.subarray(at + 1, lineFeedAt < 0 ? to : lineFeedAt))
  const text = line.replace(/\r$/, '')
  if (!wanted.valid.test(text)) return `${wanted.name} that is not valid: ${quoteText(text, shownBytesMax)}`
  const end = lineFeedAt < 0 ? to : lineFeedAt + 1
  if (lineFeedAt < 0 || end > Math.min(endMax, at + lineBytesMax)) return endsTooLate('no line end', end - at)
  return line.endsWith('\r') ? { type, text, end } : 'a line that does not end with CR LF'
}

function readBlob({ type, text, end }: Line, { bytes, to, endMax, maxFrame }: Place): Value | string {
  const length = Number(text)
  const dataEnd = end + length
  if (dataEnd + 2 > endMax) return announcesTooMuch(length, maxFrame)
  const isEnded = bytes[dataEnd] === carriageReturn && bytes[dataEnd + 1] === lineFeed && dataEnd + 2 <= to
  if (!isEnded) return `a bulk string that is not the ${plural(length, 'byte')} of its length`
  if (type === '=' && (length < formatBytes || bytes[end + formatBytes - 1] !== 0x3a)) {
    return 'a verbatim string without a format such as txt:'
  }
  return { type, end: dataEnd + 2, elements: 0 }
}

/** The chunks of a string whose length is not known when it begins. */
function readChunks({ end }: Line, place: Place): Value | string {
  for (let at = end; ; ) {
    const chunk = readLine({ ...place, at })
    if (typeof chunk === 'string') return chunk
    if (chunk.type !== ';') return `type byte ${shownByte(place.bytes[at]!)} in place of a chunk`
    if (Number(chunk.text) === 0) return { type: '$', end: chunk.end, elements: 0 }
    const blob = readBlob(chunk, { ...place, at })
    if (typeof blob === 'string') return blob
    at = blob.end
  }
}

function readElements({ type, text, end }: Line, { endMax }: Place): Value | string {
  if (text === '-1') return { type, end, elements: 0 }
  if (text === '?') return { type, end, elements: Number.POSITIVE_INFINITY }
  const elements = Number(text) * (type === '%' || type === '|' ? 2 : 1)
  if (elements * elementBytesMin <= Math.max(0, endMax - end)) return { type, end, elements }
  return `announces ${formatCount(elements)} elements, more than maxFrame has room for`
}
