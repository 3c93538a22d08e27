import { incomplete, type Message, type Protocol, tooLarge } from '../protocol.ts'
import { chunkedEnd, dechunk } from './httpChunks.ts'
import { explainHttp } from './httpExplain.ts'
import {
  chunked,
  finalStart,
  finalStatus,
  headBytesMax,
  headEnd,
  isBodiless,
  isReply,
  messageStart,
  requestStatus,
  unstated,
} from './httpHead.ts'
import { LastHead } from './httpLastHead.ts'
import { decodeHead, encodeReply, encodeRequest } from './httpMessage.ts'
import { emptyHead, type Head, headOfWhole, lastsToEnd, readHead } from './httpReadHead.ts'

const carriageReturn = 0x0d
const noBytes = new Uint8Array(0)

export interface HttpSettings {
  /** The value of the header Host for requests without one; localhost by default. */
  readonly host?: string
  /** The longest message with its head, in bytes. */
  readonly maxFrame: number
}

/**
 * HTTP/1.1 with keep-alive and pipelining, for requests and replies; HTTP/1.0 is accepted too. Interim replies (100,
 * 102, 103) are part of the reply that follows them. A reply with neither length nor chunks lasts until its connection
 * closes (RFC 9112, section 6.3). A lone line feed ends a line as CR LF does, and empty lines before a message are
 * skipped.
 */
export function createHttp({ host = 'localhost', maxFrame }: HttpSettings): Protocol {
  const last = new LastHead()
  const read = emptyHead()
  // The message whose head was read last: what is asked of it next need not read the head again.
  let foundBytes: Uint8Array = noBytes
  let foundFrom = 0
  let found: Head = read

  function readBody(bytes: Uint8Array, from: number, at: number, to: number, head: Head): number {
    foundBytes = bytes
    foundFrom = from
    found = head
    return bodyEnd(bytes, at, to, from + maxFrame, head)
  }

  function frameEnd(bytes: Uint8Array, from: number, to: number): number {
    const start = from < to && bytes[from]! <= carriageReturn ? messageStart(bytes, from, to) : from
    if (last.matches(bytes, start, to)) return readBody(bytes, from, start + last.length, to, last.head)
    const headEndMax = from + Math.min(maxFrame, headBytesMax)
    const at = readHead(bytes, start, Math.min(to, headEndMax), read)
    if (at <= 0) {
      foundBytes = noBytes
      return at === incomplete && to >= headEndMax ? tooLarge : at
    }
    last.offer(bytes, start, at, read)
    return readBody(bytes, from, at, to, read)
  }

  function headOf(bytes: Uint8Array, from: number, end: number): Head {
    return bytes === foundBytes && from === foundFrom ? found : headOfWhole(bytes, from, end, emptyHead())
  }

  /** The status of a whole message; for the one that was found last it is known, which spares each reply two readings. */
  function statusOf(bytes: Uint8Array, from: number): number {
    return bytes === foundBytes && from === foundFrom ? found.status : finalStatus(bytes, from)
  }

  return {
    name: 'http',
    frameBytesMax: maxFrame,
    frameEnd,
    encode: message => encodeWithin(message, host, maxFrame),
    decode,
    bodyStart: (bytes, from) => headEnd(bytes, finalStart(bytes, from)),
    /** For a chunked body, the end of its trailers: the range includes the sizes, which `joinedBody` leaves out. */
    bodyEnd: (_bytes, _from, end) => end,
    joinedBody(bytes, from, end) {
      const { status, framing } = headOf(bytes, from, end)
      if (framing !== chunked || isBodiless(status)) return undefined
      return dechunk(bytes, headEnd(bytes, finalStart(bytes, from)), end)
    },
    endsConnection: (bytes, from, end) => headOf(bytes, from, end).isLast,
    endAtClose(bytes, from, to) {
      const head = emptyHead()
      const at = readHead(bytes, messageStart(bytes, from, to), Math.min(to, from + maxFrame), head)
      if (at <= 0 || !lastsToEnd(head.status, head.framing)) return incomplete
      return to > from + maxFrame ? tooLarge : to
    },
    explain: (bytes, from, to) => explainHttp(bytes, from, to, maxFrame, frameEnd(bytes, from, to)),
    status: { read: statusOf },
    /** A request in place of a reply, as an echo server sends it, counts as a refusal. */
    isRefusal(bytes, from) {
      const status = statusOf(bytes, from)
      return status >= 400 || status === requestStatus
    },
  }
}

function encodeWithin(message: Message, host: string, maxFrame: number): Uint8Array {
  const { status } = message
  const frame = status === undefined ? encodeRequest(message, host) : encodeReply(message, status)
  if (frame.length > maxFrame) {
    throw new RangeError(`an HTTP message has at most ${maxFrame} bytes with its head, not ${frame.length}`)
  }
  return frame
}

function bodyEnd(bytes: Uint8Array, at: number, to: number, endMax: number, { status, framing }: Head): number {
  if (isBodiless(status) || (framing === unstated && status === requestStatus)) return at
  if (framing === unstated) return to > endMax ? tooLarge : incomplete
  if (framing === chunked) return chunkedEnd(bytes, at, to, endMax)
  const end = at + framing
  if (end > endMax) return tooLarge
  return end > to ? incomplete : end
}

function decode(bytes: Uint8Array, from: number, end: number): Message {
  const start = finalStart(bytes, from)
  const bodyStart = headEnd(bytes, start)
  const { startLine, headers } = decodeHead(bytes, start, bodyStart)
  const body = headers['transfer-encoding'] ? dechunk(bytes, bodyStart, end) : bytes.subarray(bodyStart, end)
  if (isReply(bytes, start)) return { status: finalStatus(bytes, start), headers, body }
  const pathStart = startLine.indexOf(' ') + 1
  const path = startLine.slice(pathStart, startLine.lastIndexOf(' '))
  return { method: startLine.slice(0, pathStart - 1), path, headers, body }
}
