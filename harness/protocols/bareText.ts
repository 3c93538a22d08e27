import { incomplete } from './protocol.ts'

/*
 * The replies of a broadcast server without any framing. Each is a text that begins with an address:
 *
 *   127.0.0.1:40001: 已经收到信息                    an acknowledgement, which ends with these words
 *   127.0.0.1:40001 地址发送了请求消息：hello        a delivery, which has no end
 *
 * A delivery ends where the next text begins, and as long as none has come, where the bytes end. More of it may come
 * later: such bytes begin with no address and are a frame of their own, a piece. So a delivery is counted once, when its
 * beginning is whole, however the bytes were cut.
 *
 * In this way the numbers of acknowledgements and deliveries are exact:
 *
 * - A cut within the fixed words: the bytes that may begin a text are kept back until more have come.
 * - A cut within an address: an address looks like any other end of a message, so its first part stays with the message
 *   before it. What comes then begins with the rest of an address, or with the fixed words: that is a text as well.
 *
 * Only the cut end of an address with a zone, such as `th0]:1253`, is not recognized as an address.
 *
 * The address of a text is taken from the text itself: a server sends each client that client's own address, and one
 * behind a relay knows another than the client does.
 */

/** The words of an acknowledgement: "the information has been received". */
export const acknowledgedWords = '已经收到信息'
/** The words before the text of a delivery: "the address has sent a request message". */
export const deliveredWords = '地址发送了请求消息：'

/** The longest address that is recognized, with its port and the colon of an acknowledgement. */
const addressBytesMax = 64
/** A port has at most five digits. */
const portDigitsMax = 5
/** A blank alone begins many words; with one byte of the fixed words it may begin them. */
const doubtfulBytes = 2

const space = 0x20
const colon = 0x3a
const dot = 0x2e
const percent = 0x25
const minus = 0x2d
const underscore = 0x5f
const openBracket = 0x5b
const closeBracket = 0x5d
/** In ASCII, the bit in which lower-case letters differ from capitals. */
const lowerCaseBit = 0x20

const acknowledgedTail = new TextEncoder().encode(` ${acknowledgedWords}`)
const deliveredTail = new TextEncoder().encode(` ${deliveredWords}`)

/** What is no text, as long as it is looked for. */
const none = -1

/** The end of the first text in `bytes[from, to)`, or of the piece that it begins with; or `incomplete`. */
export function textEnd(bytes: Uint8Array, from: number, to: number): number {
  if (from === to) return incomplete
  const acknowledged = headEnd(acknowledgedTail, bytes, from, to)
  if (acknowledged > 0) return acknowledged
  const delivered = headEnd(deliveredTail, bytes, from, to)
  if (delivered > 0) return nextHead(bytes, delivered, to, from, delivered - deliveredTail.length)
  if (acknowledged === incomplete || delivered === incomplete) return incomplete
  return nextHead(bytes, from + 1, to, 0, 0)
}

/** Whether the whole text `bytes[from, end)` is an acknowledgement. */
export function isAcknowledgement(bytes: Uint8Array, from: number, end: number): boolean {
  return headEnd(acknowledgedTail, bytes, from, end) > 0
}

/** Where the text of another client begins in the whole text `bytes[from, end)`; -1 where it is no delivery. */
export function deliveredAt(bytes: Uint8Array, from: number, end: number): number {
  const at = headEnd(deliveredTail, bytes, from, end)
  return at > 0 ? at : none
}

/** Whether a message has the fixed words of a text in it: then it could not be told from one. */
export function resemblesText(message: string): boolean {
  return message.includes(` ${acknowledgedWords}`) || message.includes(` ${deliveredWords}`)
}

/**
 * Where the fixed words end of a text that begins at `from`: with an address, or the rest of one, or the words alone.
 * `incomplete` where the bytes end before, and -1 where they are others.
 */
function headEnd(tail: Uint8Array, bytes: Uint8Array, from: number, to: number): number {
  const at = addressEnd(bytes, from, to)
  if (at === to) return incomplete
  // After a cut behind the blank only the words are left.
  return tailEnd(tail, at === from && bytes[at] !== space ? 1 : 0, bytes, at, to)
}

/** Where `tail`, from its byte `first` on, ends if it is at `at`; `incomplete` where the bytes end within it; else -1. */
function tailEnd(tail: Uint8Array, first: number, bytes: Uint8Array, at: number, to: number): number {
  for (let index = first; index < tail.length; index++) {
    const place = at + index - first
    if (place === to) return incomplete
    if (bytes[place] !== tail[index]) return none
  }
  return at + tail.length - first
}

/** The end of the bytes from `from` on that an address may have in it. */
function addressEnd(bytes: Uint8Array, from: number, to: number): number {
  const last = Math.min(to, from + addressBytesMax)
  let isInBrackets = false
  let at = from
  for (; at < last; at++) {
    const byte = bytes[at]!
    if (byte === openBracket) isInBrackets = true
    else if (byte === closeBracket) isInBrackets = false
    else if (!(isInBrackets ? isWithinBrackets(byte) : isOfAddress(byte))) break
  }
  return at
}

/**
 * Where the next text begins in `bytes[at, to)`, or what may be its beginning when more has come; `to` without one. Its
 * address is most likely `bytes[ownFrom, ownEnd)`, that of the text before it, which tells the address from digits at the
 * end of a message; any other is known by its port.
 */
function nextHead(bytes: Uint8Array, at: number, to: number, ownFrom: number, ownEnd: number): number {
  for (let place = at; place < to; place++) {
    if (bytes[place] !== space) continue
    const acknowledged = tailEnd(acknowledgedTail, 0, bytes, place, to)
    const delivered = tailEnd(deliveredTail, 0, bytes, place, to)
    if (acknowledged === none && delivered === none) continue
    const own = ownAddressStart(bytes, at, place, ownFrom, ownEnd)
    if (own >= 0) return own
    const isDoubtful = to - place < doubtfulBytes
    const other = isDoubtful ? none : otherAddressStart(bytes, at, place)
    if (other >= 0) return other
  }
  return to
}

/** Where the known address begins that ends at `end`, perhaps with the colon of an acknowledgement; -1 without it. */
function ownAddressStart(bytes: Uint8Array, lowest: number, end: number, ownFrom: number, ownEnd: number): number {
  const length = ownEnd - ownFrom
  if (length <= 0) return none
  const start = (bytes[end - 1] === colon ? end - 1 : end) - length
  if (start < lowest) return none
  for (let index = 0; index < length; index++) {
    if (bytes[start + index] !== bytes[ownFrom + index]) return none
  }
  return start
}

/** Where an address with a port begins that ends at `end`, perhaps with the colon of an acknowledgement; else -1. */
function otherAddressStart(bytes: Uint8Array, from: number, end: number): number {
  const lowest = Math.max(from, end - addressBytesMax)
  const portEnd = end > lowest && bytes[end - 1] === colon ? end - 1 : end
  let at = portEnd
  while (at > lowest && portEnd - at < portDigitsMax && isDigit(bytes[at - 1]!)) at--
  if (at === portEnd || at === lowest || bytes[at - 1] !== colon) return none
  const hostEnd = at - 1
  at = hostEnd
  if (at > lowest && bytes[at - 1] === closeBracket) {
    at--
    while (at > lowest && bytes[at - 1] !== closeBracket && isWithinBrackets(bytes[at - 1]!)) at--
    return at > lowest && bytes[at - 1] === openBracket ? at - 1 : none
  }
  while (at > lowest && (isDigit(bytes[at - 1]!) || bytes[at - 1] === dot)) at--
  return at < hostEnd ? at : none
}

function isOfAddress(byte: number): boolean {
  const letter = byte | lowerCaseBit
  return isDigit(byte) || byte === dot || byte === colon || byte === closeBracket || (letter >= 0x61 && letter <= 0x66)
}

/** Within brackets an address may have a zone, as in `[fe80::1%eth0]`. */
function isWithinBrackets(byte: number): boolean {
  const letter = byte | lowerCaseBit
  if (isOfAddress(byte) || (letter >= 0x61 && letter <= 0x7a)) return true
  return byte === percent || byte === minus || byte === underscore
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
