import { quoteText } from '../../shownBytes.ts'
import { announcesTooMuch, endsTooLate } from '../explanation.ts'
import { incomplete, malformed, tooLarge } from '../protocol.ts'
import { chunked, headBytesMax, headEnd, messageStart, unstated } from './httpHead.ts'
import { emptyHead, readHead } from './httpReadHead.ts'

const shownBytesMax = 40
const decoder = new TextDecoder('latin1')

/** Why `bytes[from, to)` are no HTTP message, where `frameEnd` has found them malformed or tooLarge. */
export function explainHttp(
  bytes: Uint8Array,
  from: number,
  to: number,
  maxFrame: number,
  frameEnd: number,
): string | undefined {
  if (frameEnd !== malformed && frameEnd !== tooLarge) return undefined
  const start = messageStart(bytes, from, to)
  const head = emptyHead()
  const headLimit = Math.min(to, from + Math.min(maxFrame, headBytesMax))
  const bodyAt = readHead(bytes, start, headLimit, head)
  if (bodyAt === incomplete) return endsTooLate('no end of the head', headLimit - from)
  if (bodyAt < 0) return explainHead(bytes, start, to)
  if (head.framing === unstated) return endsTooLate('no end of the body', maxFrame)
  if (head.framing !== chunked) return announcesTooMuch(bodyAt - from + head.framing, maxFrame)
  if (frameEnd === tooLarge) return endsTooLate('no end of the chunks', maxFrame)
  return explainChunks(bytes, bodyAt, to, from + maxFrame)
}

/** Why the head at `start` is malformed. */
function explainHead(bytes: Uint8Array, start: number, to: number): string {
  const final = lastHeadStart(bytes, start, to)
  const text = decoder.decode(bytes.subarray(final, Math.min(to, final + headBytesMax)))
  const [startLine = '', ...lines] = text.split(/\r?\n/)
  const version = /^HTTP\/(?!1\.\d)(\d[\d.]*)/.exec(startLine)
  if (version !== null) return `a reply of HTTP/${version[1]}`
  if (/^[\x14-\x17]\x03[\0-\x04]/.test(startLine)) return 'a TLS record: the server wants TLS'
  if (/^\0.{2}\x04.\0{4}/s.test(text)) return 'frames of HTTP/2'
  if (/^HTTP\/1\.\d/.test(startLine)) {
    const status = /^HTTP\/1\.\d (\S*)/.exec(startLine)
    if (status === null || !/^[1-9]\d\d$/.test(status[1]!)) return `a status line without a status: ${shown(startLine)}`
  } else if (!/^[A-Za-z0-9_-]{1,32} \S.* HTTP\/1\.\d$/.test(startLine)) {
    return `no HTTP start line: ${shown(startLine)}`
  }
  const end = lines.indexOf('')
  return explainHeaders(end < 0 ? lines : lines.slice(0, end), startLine.startsWith('HTTP/'))
}

/** Why the header lines of a message with a valid start line contradict each other. */
function explainHeaders(lines: readonly string[], isReply: boolean): string {
  const headers: string[] = []
  for (const line of lines) {
    if (!/^[ \t]/.test(line)) headers.push(line)
    else if (headers.length === 0) return 'a first header line that begins with a blank'
    else if (!isReply) return 'a header of a request over several lines'
    else headers.push(`${headers.pop()} ${line.trim()}`)
  }
  const valuesOf = (name: string) =>
    headers.flatMap(line => {
      const match = new RegExp(`^${name}([ \\t]*):(.*)$`, 'i').exec(line)
      return match === null ? [] : [{ value: match[2]!.trim(), isSpaced: match[1] !== '' }]
    })
  const lengths = valuesOf('content-length')
  const codings = valuesOf('transfer-encoding')
  if ([...lengths, ...codings].some(({ isSpaced }) => isSpaced)) return 'a blank before the colon of a header'
  if (lengths.length > 0 && codings.length > 0) return 'both Content-Length and Transfer-Encoding'
  const wrong = lengths.find(({ value }) => !/^\d+$/.test(value))
  if (wrong !== undefined) return `a Content-Length that is no number: ${shown(wrong.value)}`
  if (new Set(lengths.map(({ value }) => Number(value))).size > 1) return 'two different lengths'
  if (codings.length > 1) return 'two headers Transfer-Encoding'
  if (codings.length === 1) return `a Transfer-Encoding that does not end with chunked: ${shown(codings[0]!.value)}`
  return 'headers that contradict each other'
}

/** Why the chunks from `at` on are malformed. */
function explainChunks(bytes: Uint8Array, at: number, to: number, endMax: number): string {
  // A chunk is as long as its size says where what follows the data is a line end: the first that is not is at fault.
  for (;;) {
    const lineEnd = bytes.indexOf(0x0a, at)
    const line = decoder.decode(bytes.subarray(at, lineEnd < 0 || lineEnd >= to ? to : lineEnd))
    const digits = /^[0-9a-f]+(?=[;\s]|$)/i.exec(line)
    if (digits === null) return `a chunk size that is no hexadecimal number: ${shown(line)}`
    const size = Number.parseInt(digits[0], 16)
    const dataEnd = lineEnd + 1 + size
    const next = bytes[dataEnd] === 0x0d ? dataEnd + 1 : dataEnd
    if (lineEnd < 0 || next >= Math.min(to, endMax) || bytes[next] !== 0x0a)
      return `a chunk that is not the ${size} bytes of its size`
    at = next + 1
  }
}

/** The start of the last head that begins within the bytes: interim replies come before it. */
function lastHeadStart(bytes: Uint8Array, start: number, to: number): number {
  let at = start
  for (;;) {
    const text = decoder.decode(bytes.subarray(at, Math.min(to, at + 12)))
    if (!/^HTTP\/1\.\d 1(?!01)\d\d/.test(text)) return at
    const interim = decoder.decode(bytes.subarray(at, to)).search(/\n\r?\n/)
    if (interim < 0) return at
    at = messageStart(bytes, headEnd(bytes, at), to)
  }
}

function shown(text: string): string {
  return quoteText(text, shownBytesMax)
}
