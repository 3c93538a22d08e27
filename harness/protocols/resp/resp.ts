import type { Message, Protocol } from '../protocol.ts'
import { encodeCommand } from './respCommand.ts'
import { explainResp } from './respExplain.ts'
import {
  behindAttributes,
  bulkErrorType,
  bulkType,
  chunksOf,
  errorType,
  formatBytes,
  headerEnd,
  isAggregate,
  isNil,
  isPush,
  isStreamed,
  replyEnd,
  valueEnd,
  verbatimType,
} from './respValues.ts'

/** How a connection to Redis is made, and how long a reply may be. */
export interface RespSettings {
  /** The longest reply, in bytes. */
  readonly maxFrame: number
  /** 3: connections begin with HELLO 3, and pushes are deliveries. */
  readonly version?: 3
  /** Connections log in, as the user `default` where none is named. */
  readonly user?: string
  readonly password?: string
  /** Connections select it. */
  readonly database?: number
}

/**
 * Redis' protocol, RESP2 and RESP3. A request is a command line, sent as an array of bulk strings; a reply is a value of any
 * type with the attributes before it. `maxFrame` bounds a whole reply: a length or a count that cannot fit is tooLarge as
 * soon as it is announced. Pushes answer no request; they come in version 3 only, and are malformed otherwise, as there is
 * nobody to count them. A value that arrives in many pieces is read from its start with each of them.
 */
export function createResp({ maxFrame, version }: RespSettings): Protocol {
  const frameEnd =
    version === 3
      ? (bytes: Uint8Array, from: number, to: number) => valueEnd(bytes, from, to, from + maxFrame)
      : (bytes: Uint8Array, from: number, to: number) => replyEnd(bytes, from, to, from + maxFrame)
  return {
    name: 'resp',
    frameBytesMax: maxFrame,
    frameEnd,
    explain: (bytes, from, to) => explainResp(bytes, from, to, maxFrame, frameEnd(bytes, from, to)),
    encode({ body }) {
      const frame = encodeCommand(body)
      if (frame.length > maxFrame) throw new RangeError(`a command has at most ${maxFrame} bytes, not ${frame.length}`)
      return frame
    },
    decode: (bytes, from, to): Message => ({
      body: joinedBody(bytes, from, to) ?? bytes.subarray(bodyStart(bytes, from, to), bodyEnd(bytes, from, to)),
    }),
    bodyStart,
    bodyEnd,
    isRefusal(bytes, from, to) {
      const type = bytes[behindAttributes(bytes, from, to)]
      return type === errorType || type === bulkErrorType
    },
    ...(version === 3 && { delivery, joinedBody }),
  }
}

/**
 * Where the body of a value begins, behind the attributes before it: after the type byte of a line, or after the header of
 * all else. The format of a verbatim string is no part of its body.
 */
function bodyStart(bytes: Uint8Array, from: number, end: number): number {
  const at = behindAttributes(bytes, from, end)
  const type = bytes[at]!
  if (type === bulkType) return isNil(bytes, at) ? end : headerEnd(bytes, at)
  if (type === verbatimType) return headerEnd(bytes, at) + formatBytes
  if (type !== bulkErrorType && !isAggregate(type)) return at + 1
  return isNil(bytes, at) ? end : headerEnd(bytes, at)
}

/** The end of a value's elements, or of the text before the CR LF of other values. */
function bodyEnd(bytes: Uint8Array, from: number, end: number): number {
  const at = behindAttributes(bytes, from, end)
  const type = bytes[at]!
  if (type === bulkType) return isNil(bytes, at) || isStreamed(bytes, at) ? end : end - 2
  return isAggregate(type) ? end : end - 2
}

/** The body of a string that came in chunks; undefined for all else. */
function joinedBody(bytes: Uint8Array, from: number, end: number): Uint8Array | undefined {
  const at = behindAttributes(bytes, from, end)
  return bytes[at] === bulkType && isStreamed(bytes, at) ? Buffer.concat(chunksOf(bytes, at)) : undefined
}

/** Where the elements of a push begin, or -1 for a reply. */
function delivery(bytes: Uint8Array, from: number, end: number): number {
  return isPush(bytes, from, end) ? bodyStart(bytes, from, end) : -1
}
