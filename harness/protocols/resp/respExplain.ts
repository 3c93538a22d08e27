import { quoteText } from '../../shownBytes.ts'
import { formatCount } from '../../units.ts'
import { announcesTooMuch, endsTooLate, shownByte } from '../explanation.ts'
import { malformed, tooLarge } from '../protocol.ts'

/** How deep arrays may be nested. */
export const arrayDepthMax = 32
/** The shortest element of an array, `+` CR LF: it bounds the number of elements that fit. */
export const elementBytesMin = 3

const resp3Types = '_#,(!=%~>|'
const shownBytesMax = 40
const lineFeed = 0x0a
const carriageReturn = 0x0d
const validLines: Readonly<Record<string, RegExp>> = {
  '+': /^[^\r]*$/,
  '-': /^[^\r]*$/,
  ':': /^[+-]?\d{1,20}$/,
  $: /^(\d{1,20}|-1)$/,
  '*': /^(\d{1,20}|-1)$/,
}
const lineNames: Readonly<Record<string, string>> = {
  '+': 'a line',
  '-': 'a line',
  ':': 'a number',
  $: 'a length',
  '*': 'a count',
}
const decoder = new TextDecoder('latin1')

/** Why `bytes[from, to)` are no RESP2 value, where `frameEnd` has found them malformed or tooLarge. */
export function explainResp(
  bytes: Uint8Array,
  from: number,
  to: number,
  maxFrame: number,
  frameEnd: number,
): string | undefined {
  if (frameEnd !== malformed && frameEnd !== tooLarge) return undefined
  // Elements left in each of the nested arrays: every value before the one at fault is whole.
  const left = [1]
  let at = from
  while (left.length > 0) {
    const found = readValue({ bytes, at, to, endMax: from + maxFrame, maxFrame })
    if (typeof found === 'string')
      return at === from ? found : `${found}, ${formatCount(at - from)} bytes into the reply`
    at = found.end
    left[left.length - 1]!--
    if (found.elements > 0) left.push(found.elements)
    if (left.length > arrayDepthMax + 1) return `arrays nested more than ${arrayDepthMax} deep`
    while (left.at(-1) === 0) left.pop()
  }
  return undefined
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
  readonly end: number
  /** Of an array, the elements that follow its header. */
  readonly elements: number
}

/** The value at `at`, or what is wrong with it. */
function readValue(place: Place): Value | string {
  const { bytes, at, to, maxFrame } = place
  if (at >= to) return endsTooLate('no end of the reply', maxFrame)
  const type = String.fromCharCode(bytes[at]!)
  if (resp3Types.includes(type)) return `type byte "${type}", a type of RESP3`
  if (!'+-:$*'.includes(type)) return `type byte ${shownByte(bytes[at]!)}`
  const found = bytes.indexOf(lineFeed, at)
  const lineFeedAt = found < to ? found : -1
  const line = decoder.decode(bytes.subarray(at + 1, lineFeedAt < 0 ? to : lineFeedAt))
  const text = line.replace(/\r$/, '')
  if (!validLines[type]!.test(text)) return `${lineNames[type]} that is not valid: ${shown(text)}`
  if (lineFeedAt < 0) return endsTooLate('no line end', to - at)
  if (!line.endsWith('\r')) return 'a line that does not end with CR LF'
  const end = lineFeedAt + 1
  if ((type !== '$' && type !== '*') || text === '-1') return { end, elements: 0 }
  return (type === '*' ? readArray : readBulk)(Number(text), end, place)
}

function readBulk(length: number, end: number, { bytes, endMax, maxFrame }: Place): Value | string {
  const dataEnd = end + length
  if (dataEnd + 2 > endMax) return announcesTooMuch(length, maxFrame)
  const isEnded = bytes[dataEnd] === carriageReturn && bytes[dataEnd + 1] === lineFeed
  return isEnded ? { end: dataEnd + 2, elements: 0 } : `a bulk string that is not the ${length} bytes of its length`
}

function readArray(elements: number, end: number, { endMax }: Place): Value | string {
  if (elements * elementBytesMin <= Math.max(0, endMax - end)) return { end, elements }
  return `announces ${formatCount(elements)} elements, more than maxFrame has room for`
}

function shown(text: string): string {
  return quoteText(text, shownBytesMax)
}
