import { createHttp, type HttpSettings } from '../../harness/protocols/http/http.ts'
import {
  close,
  connectionOption,
  headEnd,
  keepAlive,
  messageStart,
  unspecified,
} from '../../harness/protocols/http/httpHead.ts'
import { tooLarge } from '../../harness/protocols/protocol.ts'
import type { Replies } from '../server/replies.ts'
import type { Service } from '../server/service.ts'

/** The default reply. */
export const helloText = 'Hello World!\n'

const textEncoder = new TextEncoder()
const plain = { 'Content-Type': 'text/plain' }
const closing = { ...plain, Connection: 'close' }
/** The headers of a reply, chosen by the request's header Connection. */
const headersFor = { [unspecified]: plain, [keepAlive]: { ...plain, Connection: 'keep-alive' }, [close]: closing }
const emptyLengthBytes = '0\r\n\r\n'.length

/**
 * Answers every HTTP request with status 200 and the body `reply`, or the body of the request. Everything that does not
 * depend on the request is encoded beforehand.
 */
export function createHttpServer(spec: HttpSettings, reply?: string): Service {
  const protocol = createHttp(spec)
  // The limit is for requests, not for replies.
  const sending = createHttp({ ...spec, maxFrame: Number.MAX_SAFE_INTEGER })
  const encode = (status: number, headers: Readonly<Record<string, string>>, text: string) =>
    sending.encode({ status, headers, body: textEncoder.encode(text) })
  const frames = ([unspecified, keepAlive, close] as const).map(option => encode(200, headersFor[option], reply ?? ''))
  const heads = frames.map(frame => frame.slice(0, headEnd(frame, 0)))
  const refusals = { malformed: encode(400, closing, 'malformed\n'), tooLarge: encode(413, closing, 'too large\n') }

  function answer(frame: Uint8Array, replies: Replies): void {
    const at = replies.reserve(frame.length)
    replies.bytes.set(frame, at)
  }

  /** Replies with the head for an empty body, in which the length is replaced by that of `body`. */
  function echo(emptyHead: Uint8Array, body: Uint8Array, replies: Replies): void {
    const prefix = emptyHead.subarray(0, emptyHead.length - emptyLengthBytes)
    const length = textEncoder.encode(`${body.length}\r\n\r\n`)
    const at = replies.reserve(prefix.length + length.length + body.length)
    replies.bytes.set(prefix, at)
    replies.bytes.set(length, at + prefix.length)
    replies.bytes.set(body, at + prefix.length + length.length)
  }

  return {
    protocol,
    message(connection, bytes, from, end, replies) {
      const start = messageStart(bytes, from, end)
      const option = connectionOption(bytes, start)
      if (isHead(bytes, start)) answer(heads[option]!, replies)
      else if (reply !== undefined) answer(frames[option]!, replies)
      else echo(heads[option]!, protocol.decode(bytes, from, end).body, replies)
      if (option === close) connection.endLater()
    },
    refuse: (_connection, reason, replies) =>
      answer(reason === tooLarge ? refusals.tooLarge : refusals.malformed, replies),
  }
}

/** Whether a request asks only for the head of the reply: no other method in use begins with HEA. */
function isHead(bytes: Uint8Array, from: number): boolean {
  return bytes[from] === 0x48 && bytes[from + 1] === 0x45 && bytes[from + 2] === 0x41
}
