import { searchBytes } from '../byteSearch.ts'

const tab = 0x09
const lineFeed = 0x0a
const carriageReturn = 0x0d
const space = 0x20
const comma = 0x2c
const colon = 0x3a
const zero = 0x30
const nine = 0x39
/** Makes a letter lower case; no other character becomes a letter. */
const lowerCaseBit = 0x20

/** The longest head that is accepted, with its interim replies. */
export const headBytesMax = 64 * 1024

/** The results of `startLineStatus` for a request, and for a line that starts neither request nor reply. */
export const requestStatus = 0
export const noStatus = -1

/** How a body is delimited; every other value is its length in bytes. */
export const unstated = -1
export const chunked = -2
export const contradictory = -3

/** What a whole message asks of its connection. */
export const unspecified = 0
export const keepAlive = 1
export const close = 2

const replyStart = codes('HTTP/1.')
const contentLength = codes('content-length')
const transferEncoding = codes('transfer-encoding')
const connection = codes('connection')
const chunkedCoding = codes('chunked')
const closeOption = codes('close')
const keepAliveOption = codes('keep-alive')
const methodBytesMax = 32
const statusOffset = 9

/**
 * Just past the empty lines before a message, which RFC 9112 (section 2.2) has a recipient skip: some servers end a body
 * with a line end that its length does not count.
 */
export function messageStart(bytes: Uint8Array, from: number, to: number): number {
  for (;;) {
    const at = bytes[from] === carriageReturn ? from + 1 : from
    if (at >= to || bytes[at] !== lineFeed) return from
    from = at + 1
  }
}

function codes(text: string): Uint8Array {
  return Uint8Array.from(text, character => character.charCodeAt(0))
}

/** Whether a message of at least 5 bytes is a reply: no request begins with `HTTP/`, as a method has no slash. */
export function isReply(bytes: Uint8Array, from: number): boolean {
  return bytes[from + 3] === replyStart[3] && bytes[from + 4] === replyStart[4]
}

/** Whether the final reply to the request follows this one. After 101 the connection carries another protocol. */
export function isInterim(status: number): boolean {
  return status >= 100 && status < 200 && status !== 101
}

/** Whether a reply ends with its head, even if that announces a body. */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 304 || status === 101
}

/** The status in the start line `bytes[from, end)`; `requestStatus` for a request, `noStatus` where it is invalid. */
export function startLineStatus(bytes: Uint8Array, from: number, end: number): number {
  if (bytes[end - 1] === carriageReturn) end--
  if (isReply(bytes, from)) {
    if (end - from < statusOffset + 3 || !isVersion(bytes, from) || bytes[from + 8] !== space) return noStatus
    if (end - from > statusOffset + 3 && bytes[from + statusOffset + 3] !== space) return noStatus
    const status = readStatus(bytes, from)
    return status >= 100 ? status : noStatus
  }
  const targetStart = methodEnd(bytes, from, end) + 1
  const versionStart = end - replyStart.length - 1
  if (targetStart === 0 || targetStart >= versionStart - 1 || bytes[versionStart - 1] !== space) return noStatus
  return isVersion(bytes, versionStart) ? requestStatus : noStatus
}

/** Whether `bytes[from, to)` may be the beginning of a start line, or of an empty line before it. */
export function mayBegin(bytes: Uint8Array, from: number, to: number): boolean {
  if (from + 1 === to && bytes[from] === carriageReturn) return true
  if (methodEnd(bytes, from, to) >= 0) return true
  for (let index = 0; index < replyStart.length && from + index < to; index++) {
    if (bytes[from + index] !== replyStart[index]) return false
  }
  return true
}

/** The place of the space after a method, or `to` until it is in; -1 where there is no method. */
function methodEnd(bytes: Uint8Array, from: number, to: number): number {
  const limit = Math.min(to, from + methodBytesMax)
  for (let at = from; at < limit; at++) {
    const byte = bytes[at]!
    if (byte === space) return at === from ? -1 : at
    const isLetter = (byte | lowerCaseBit) >= 0x61 && (byte | lowerCaseBit) <= 0x7a
    // Of the other characters of a token, only those of methods in use: VERSION-CONTROL, and perhaps an X_2.
    if (!isLetter && !isDigit(byte) && byte !== 0x2d && byte !== 0x5f) return -1
  }
  return limit === to ? to : -1
}

function isVersion(bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < replyStart.length; index++) {
    if (bytes[at + index] !== replyStart[index]) return false
  }
  return isDigit(bytes[at + replyStart.length]!)
}

function readStatus(bytes: Uint8Array, from: number): number {
  const at = from + statusOffset
  if (!isDigit(bytes[at]!) || !isDigit(bytes[at + 1]!) || !isDigit(bytes[at + 2]!)) return noStatus
  return (bytes[at]! - zero) * 100 + (bytes[at + 1]! - zero) * 10 + bytes[at + 2]! - zero
}

/** The status of the final reply in a whole message; `requestStatus` for a request. */
export function finalStatus(bytes: Uint8Array, from: number): number {
  from = messageStart(bytes, from, bytes.length)
  if (!isReply(bytes, from)) return requestStatus
  const status = readStatus(bytes, from)
  return isInterim(status) ? readStatus(bytes, finalStart(bytes, from)) : status
}

/** The start of the final reply in a whole message, past all interim ones, or of the request. */
export function finalStart(bytes: Uint8Array, from: number): number {
  from = messageStart(bytes, from, bytes.length)
  while (isReply(bytes, from) && isInterim(readStatus(bytes, from))) {
    from = messageStart(bytes, headEnd(bytes, from), bytes.length)
  }
  return from
}

/** Just past the empty line that ends the head which begins at `from`. */
export function headEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; ; at++) {
    at = searchBytes(bytes, lineFeed, at)
    if (bytes[at + 1] === lineFeed) return at + 2
    if (bytes[at + 1] === carriageReturn && bytes[at + 2] === lineFeed) return at + 3
  }
}

/** Whether a whole request asks to keep or close its connection; HTTP/1.0 closes it by default. */
export function connectionOption(bytes: Uint8Array, from: number): number {
  let line = searchBytes(bytes, lineFeed, from) + 1
  const versionEnd = bytes[line - 2] === carriageReturn ? line - 2 : line - 1
  let option = bytes[versionEnd - 1] === zero ? close : unspecified
  for (;;) {
    const end = searchBytes(bytes, lineFeed, line)
    if (end <= line + 1) return option
    const asked = lineOption(bytes, line, end)
    if (asked === close) return close
    if (asked === keepAlive) option = keepAlive
    line = end + 1
  }
}

/** What the header line `bytes[from, end)` asks of the connection; a close outweighs a keep-alive. */
export function lineOption(bytes: Uint8Array, from: number, end: number): number {
  if ((bytes[from]! | lowerCaseBit) !== connection[0] || !hasName(bytes, from, end, connection)) return unspecified
  if (hasOption(bytes, from + connection.length, end, closeOption)) return close
  return hasOption(bytes, from + connection.length, end, keepAliveOption) ? keepAlive : unspecified
}

/** Whether the start line `bytes[from, end)` is of HTTP/1.0, which by default closes a connection after each message. */
export function isVersion10(bytes: Uint8Array, from: number, end: number): boolean {
  if (isReply(bytes, from)) return bytes[from + replyStart.length] === zero
  return bytes[bytes[end - 1] === carriageReturn ? end - 2 : end - 1] === zero
}

/**
 * The framing after the header line `bytes[from, end)`, which excludes its line feed; `framing` is that of the lines
 * before it. The line may go on over several lines. Two different lengths, a length and a coding, and a coding that does not end with chunked are
 * contradictory: the end of such a message is unknown.
 */
export function lineFraming(bytes: Uint8Array, from: number, end: number, framing: number): number {
  const first = bytes[from]! | lowerCaseBit
  if (first === contentLength[0] && hasName(bytes, from, end, contentLength)) {
    const length = readLength(bytes, from + contentLength.length, end)
    return framing === unstated || framing === length ? length : contradictory
  }
  if (first === transferEncoding[0] && hasName(bytes, from, end, transferEncoding)) {
    const last = endsChunked(bytes, from + transferEncoding.length, end)
    return last && framing === unstated ? chunked : contradictory
  }
  return framing
}

/** Whether a line that begins with this byte continues the header before it (RFC 9112, section 5.2). */
export function isContinuation(byte: number): boolean {
  return byte === space || byte === tab
}

/** Whether the line has that name. Blanks between the name and its colon count here, and make the value invalid. */
function hasName(bytes: Uint8Array, from: number, end: number, name: Uint8Array): boolean {
  const colonAt = from + name.length
  if (colonAt >= end) return false
  const next = bytes[colonAt]
  if (next !== colon && next !== space && next !== tab) return false
  for (let index = 1; index < name.length; index++) {
    if ((bytes[from + index]! | lowerCaseBit) !== name[index]) return false
  }
  return true
}

/** The length in `bytes[at, end)`, which begins with the colon; `contradictory` unless it is a single number. */
function readLength(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== colon) return contradictory
  at = blanksEnd(bytes, at + 1, end)
  if (at === end || !isDigit(bytes[at]!)) return contradictory
  let length = 0
  // A number with too many digits is rounded, and is far over every bound all the same.
  for (; at < end && isDigit(bytes[at]!); at++) length = length * 10 + bytes[at]! - zero
  return blanksEnd(bytes, at, end) === end ? length : contradictory
}

/** Whether the codings in `bytes[at, end)`, which begins with the colon, end with chunked. */
function endsChunked(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== colon) return false
  while (isBlank(bytes[end - 1]!)) end--
  const codingAt = end - chunkedCoding.length
  if (codingAt <= at) return false
  for (let index = 0; index < chunkedCoding.length; index++) {
    if ((bytes[codingAt + index]! | lowerCaseBit) !== chunkedCoding[index]) return false
  }
  const before = bytes[codingAt - 1]!
  return before === colon || before === comma || isBlank(before)
}

/** Whether `wanted` is one of the words separated by commas in `bytes[at, end)`, which begins with the colon. */
function hasOption(bytes: Uint8Array, at: number, end: number, wanted: Uint8Array): boolean {
  while (at < end) {
    const wordAt = blanksEnd(bytes, at + 1, end)
    let index = 0
    while (index < wanted.length && (bytes[wordAt + index]! | lowerCaseBit) === wanted[index]) index++
    at = blanksEnd(bytes, wordAt + index, end)
    if (index === wanted.length && (at >= end || bytes[at] === comma)) return true
    while (at < end && bytes[at] !== comma) at++
  }
  return false
}

function blanksEnd(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isBlank(bytes[at]!)) at++
  return at
}

/** Of a header that goes on over several lines, the line ends within it count as blanks too. */
function isBlank(byte: number): boolean {
  return byte === space || byte === tab || byte === carriageReturn || byte === lineFeed
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= nine
}
