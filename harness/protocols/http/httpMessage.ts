import { checkInteger } from '../integers.ts'
import type { Message } from '../protocol.ts'
import {
  headerNamePattern,
  isHeaderValue,
  isMethod,
  isRequestTarget,
  lineBytesMax,
  splitRequestLine,
  unframedMethods,
} from './httpSyntax.ts'

const textEncoder = new TextEncoder()
const textDecoder = new TextDecoder()

/** A line end within a header: the value goes on in the next line, which begins with a blank (RFC 9112, section 5.2). */
const continuation = /[ \t]*\r?\n[ \t]+/g
const shownBytesMax = 60

/** Methods whose requests have a length even without a body (RFC 9110, section 8.6). */
const bodyMethods: readonly string[] = ['POST', 'PUT', 'PATCH']
const userAgent = 'volley'

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** A request; a body without method and path is a request line such as `GET /users/7`. */
export function encodeRequest(message: Message, host: string): Uint8Array {
  const { method = 'GET', path = '/', body } = fromRequestLine(message)
  if (!isMethod(method)) throw new RangeError(`an HTTP method must be one such as GET, not ${shown(method)}`)
  if (unframedMethods.includes(method)) {
    throw new RangeError(`${method} cannot be load-tested: its reply does not end where its head says; use GET`)
  }
  if (!isRequestTarget(path)) {
    throw new RangeError(`an HTTP path must be one such as /users/7, percent-encoded, not ${shown(path)}`)
  }
  const headers = headersOf(message)
  const added = [
    ...(headers.has('host') ? [] : [`Host: ${host}`]),
    ...(headers.has('user-agent') ? [] : [`User-Agent: ${userAgent}`]),
  ]
  const hasLength = body.length > 0 || bodyMethods.includes(method)
  return encode(`${method} ${path} HTTP/1.1`, added, headers, body, hasLength)
}

/** A reply, for a server. */
export function encodeReply(message: Message, status: number): Uint8Array {
  checkInteger('the status of an HTTP reply', status, 200, 599)
  const { body } = message
  const bodiless = status === 204 || status === 304
  if (bodiless && body.length > 0) throw new RangeError(`an HTTP reply of status ${status} has no body`)
  return encode(`HTTP/1.1 ${status} ${reasons[status] ?? ''}`, [], headersOf(message), body, !bodiless)
}

/** The start line of the head in `bytes[from, end)`, and its headers by their names in lower case. */
export function decodeHead(bytes: Uint8Array, from: number, end: number) {
  const text = textDecoder.decode(bytes.subarray(from, end)).trimEnd()
  const [startLine, ...lines] = text.replace(continuation, ' ').split(/\r?\n/)
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return { startLine: startLine!, headers: Object.fromEntries(headers) }
}

function fromRequestLine(message: Message): Message {
  const { body, method, path } = message
  if (method !== undefined || path !== undefined || body.length === 0) return message
  const text = textDecoder.decode(body.subarray(0, lineBytesMax))
  const line = splitRequestLine(text)
  if (line === undefined || /\s/.test(line.path) || body.length > lineBytesMax) {
    throw new RangeError(
      `an HTTP request must be a method and a path such as "GET /users/7", or have a body besides them, not ${shown(text)}`,
    )
  }
  return { ...message, ...line, body: new Uint8Array(0) }
}

/** The header lines by their names in lower case; throws a RangeError where they cannot be sent. */
function headersOf({ headers = {}, body }: Message): Map<string, string> {
  const lines = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    const known = name.toLowerCase()
    if (!headerNamePattern.test(name))
      throw new RangeError(`an HTTP header's name must be one such as Accept, not ${shown(name)}`)
    if (!isHeaderValue(value)) {
      throw new RangeError(`the HTTP header ${name} must not have control characters, and has ${shown(value)}`)
    }
    if (lines.has(known)) throw new RangeError(`there is more than one HTTP header ${name}`)
    if (known === 'transfer-encoding')
      throw new RangeError('an HTTP body is sent with Content-Length: leave out Transfer-Encoding')
    if (known === 'content-length' && value !== String(body.length)) {
      throw new RangeError(
        `the HTTP header Content-Length must be the body's ${body.length} bytes, not ${shown(value)}`,
      )
    }
    lines.set(known, `${name}: ${value}`)
  }
  return lines
}

function encode(
  startLine: string,
  added: readonly string[],
  headers: ReadonlyMap<string, string>,
  body: Uint8Array,
  hasLength: boolean,
): Uint8Array {
  const length = hasLength && !headers.has('content-length') ? [`Content-Length: ${body.length}`] : []
  const head = textEncoder.encode([startLine, ...added, ...headers.values(), ...length, '', ''].join('\r\n'))
  const frame = new Uint8Array(head.length + body.length)
  frame.set(head)
  frame.set(body, head.length)
  return frame
}

function shown(text: string): string {
  return JSON.stringify(text.length > shownBytesMax ? `${text.slice(0, shownBytesMax)}...` : text)
}
