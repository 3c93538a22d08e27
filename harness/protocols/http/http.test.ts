import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { incomplete, malformed, tooLarge } from '../protocol.ts'
import { bytesOf, type Field, textOf } from '../testing/bytes.ts'
import { createHttp } from './http.ts'

const http = createHttp({ host: 'example.org:8080', maxFrame: 1024 * 1024 })

/** The replies of nginx 1.22.1 for a file, and for one that does not exist. */
const nginxFile =
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 04:17:55 GMT\r\nContent-Type: text/html\r\n' +
  'Content-Length: 13\r\nLast-Modified: Sat, 21 Nov 2026 04:17:54 GMT\r\nConnection: keep-alive\r\n' +
  'ETag: "6b011b72-d"\r\nAccept-Ranges: bytes\r\n\r\nHello World!\n'
const nginxMissing =
  'HTTP/1.1 404 Not Found\r\nServer: nginx/1.22.1\r\nDate: Sat, 21 Nov 2026 04:17:56 GMT\r\n' +
  'Content-Type: text/html\r\nContent-Length: 14\r\nConnection: keep-alive\r\n\r\n<html></html>\n'
/** The same file in gzip: its length was unknown when the head was sent. */
const nginxGzip = bytesOf(
  'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n' +
    'Connection: keep-alive\r\nETag: W/"6b011b72-d"\r\nContent-Encoding: gzip\r\n\r\n21\r\n',
  Buffer.from('1f8b0800000000000403f348cdc9c95708cf2fca4951e40200dddd147d0d000000', 'hex'),
  '\r\n0\r\n\r\n',
)
const chunkedReply =
  'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n' +
  '5;name="a;b"\r\nhello\r\n00001  \r\n \r\nA\r\nworld\r\n\r\n!\r\n0;last\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n'
const interimReplies =
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\n' +
  'HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok'

const head = (...lines: string[]) => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`

function endOf(...fields: Field[]): number {
  const bytes = bytesOf(...fields)
  return http.frameEnd(bytes, 0, bytes.length, 0)
}

const whole: readonly (readonly [string, Field])[] = [
  ['a file from nginx', nginxFile],
  ['an error from nginx', nginxMissing],
  ['a gzipped file from nginx', nginxGzip],
  ['chunks with extensions and trailers', chunkedReply],
  ['a reply after interim ones', interimReplies],
  ['a reply of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  ['a reply without a reason', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok'],
  ['no content', 'HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n'],
  ['not modified', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
  ['lone line feeds', 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n'],
  ['a length with mixed case and blanks', head('cONTENT-lENGTH:\t 002 \t').concat('ok')],
  ['the same length twice', head('Content-Length: 2', 'Content-Length: 2').concat('ok')],
  [
    'names that resemble Content-Length',
    head('Content-Lengthy: 9', 'Content-Lengtg: 9', 'Content-Length:2').concat('ok'),
  ],
  ['a request without a body', 'GET /users/7 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a request with a body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok'],
  ['a request in chunks', 'PUT /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
  ['a method that begins as a reply does', 'HT / HTTP/1.1\r\n\r\n'],
  ['a header over several lines', head('X: 1', '\t2', 'Content-Length: 2', 'Y: 3', ' ', '  4').concat('ok')],
  ['a length in a line of its own', head('Content-Length:', '  2').concat('ok')],
  ['codings over several lines', head('Transfer-Encoding: gzip,', ' chunked').concat('2\r\nok\r\n0\r\n\r\n')],
  ['empty lines before a reply', `\r\n\n\r\n${head('Content-Length: 2')}ok`],
  ['an empty line before a final reply', `HTTP/1.1 100 Continue\r\n\r\n\r\n${head('Content-Length: 2')}ok`],
  ['an empty line before a request', '\r\nGET / HTTP/1.1\r\n\r\n'],
]

test.each(whole)('frameEnd() finds the end of %s, and is incomplete before it', (_, message) => {
  const bytes = bytesOf('xx', message, nginxFile)
  const end = bytesOf('xx', message).length
  expect(http.frameEnd(bytes, 2, bytes.length, 0)).toBe(end)
  expect(http.frameEnd(bytes, 2, end, 0)).toBe(end)
  for (let to = 2; to < end; to++) expect(http.frameEnd(bytes, 2, to, 0)).toBe(incomplete)
})

test('frameEnd() separates pipelined replies', () => {
  const replies = whole.map(([, message]) => bytesOf(message))
  const bytes = bytesOf(...replies)
  let at = 0
  for (const reply of replies) {
    const end = http.frameEnd(bytes, at, bytes.length, 0)
    expect(end - at).toBe(reply.length)
    at = end
  }
  expect(at).toBe(bytes.length)
})

test.each([
  ['two lengths that differ', head('Content-Length: 2', 'Content-Length: 3')],
  ['a list of lengths', head('Content-Length: 2, 2')],
  ['a negative length', head('Content-Length: -1')],
  ['a length with a sign', head('Content-Length: +1')],
  ['a length in hex', head('Content-Length: 0x1')],
  ['an empty length', head('Content-Length:')],
  ['a blank before the colon', head('Content-Length : 2')],
  ['a length on two lines', head('Content-Length: 1', ' 2')],
  ['a length over two lines that are two numbers', head('X: 1', 'Content-Length: 1', '\t2')],
  ['a first header line that begins with a blank', head(' X: 1', 'Content-Length: 0')],
  ['a header of a request over several lines', 'GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n'],
  ['a length and chunks', head('Content-Length: 2', 'Transfer-Encoding: chunked')],
  ['chunks and a length', head('Transfer-Encoding: chunked', 'Content-Length: 2')],
  ['a coding that is not chunked', head('Transfer-Encoding: gzip')],
  ['a coding that is chunked but not last', head('Transfer-Encoding: chunked, gzip')],
  ['a coding that ends with the letters of chunked', head('Transfer-Encoding: unchunked')],
  ['no version', 'HTTP/2 200 OK\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
  ['a request without a path', 'GET HTTP/1.1\r\n\r\n'],
  ['a request without a version', 'GET /\r\n\r\n'],
  ['a carriage return before a reply', '\rHTTP/1.1 204 No Content\r\n\r\n'],
  ['another protocol', '+PONG\r\n'],
  ['the beginning of another version', 'HTTP/2'],
  ['a handshake of TLS', bytesOf({ u8: 0x16 }, { u8: 3 }, { u8: 1 })],
  ['a first word that does not end', 'x'.repeat(40)],
  ['a chunk without a size', `${head('Transfer-Encoding: chunked')};a\r\n`],
  ['a size that is not a number', `${head('Transfer-Encoding: chunked')}2x\r\nok\r\n`],
  ['a chunk longer than its size', `${head('Transfer-Encoding: chunked')}2\r\nokay\r\n`],
  ['a chunk shorter than its size', `${head('Transfer-Encoding: chunked')}4\r\nok\r\n0\r\n\r\n`],
])('frameEnd() returns malformed for %s', (_, message) => {
  expect(endOf(message)).toBe(malformed)
})

test('frameEnd() returns tooLarge as soon as a length or a chunk announces it', () => {
  const small = createHttp({ host: 'a', maxFrame: 100 })
  const fits = bytesOf(head('Content-Length: 61'), 'x'.repeat(61))
  expect(fits).toHaveLength(100)
  expect(small.frameEnd(fits, 0, 100, 0)).toBe(100)
  expect(small.frameEnd(bytesOf(head('Content-Length: 62')), 0, 39, 0)).toBe(tooLarge)
  expect(endOf(head('Content-Length: 4294967296'))).toBe(tooLarge)
  expect(endOf(head(`Content-Length: ${'9'.repeat(400)}`))).toBe(tooLarge)
  expect(endOf(head('Transfer-Encoding: chunked'), '2\r\nok\r\n100000\r\n')).toBe(tooLarge)
  expect(endOf(head('Transfer-Encoding: chunked'), 'f'.repeat(400))).toBe(tooLarge)
})

test('frameEnd() bounds a head, extensions, trailers and many small chunks', () => {
  const endless = `${head().slice(0, -2)}X: ${'x'.repeat(65_536)}`
  expect(endOf(endless.slice(0, 65_535))).toBe(incomplete)
  expect(endOf(endless.slice(0, 65_536))).toBe(tooLarge)
  expect(endOf('HTTP/1.1 100 Continue\r\n\r\n'.repeat(3000))).toBe(tooLarge)
  expect(endOf('\r\n'.repeat(32_767))).toBe(incomplete)
  expect(endOf('\r\n'.repeat(32_768))).toBe(tooLarge)
  const small = createHttp({ host: 'a', maxFrame: 1000 })
  const chunked = head('Transfer-Encoding: chunked')
  for (const rest of [`2;${'x'.repeat(1000)}`, `0\r\n${'x: y\r\n'.repeat(200)}`, '1\r\nx\r\n'.repeat(200)]) {
    const bytes = bytesOf(chunked, rest)
    expect(small.frameEnd(bytes, 0, 999, 0)).toBe(incomplete)
    expect(small.frameEnd(bytes, 0, 1000, 0)).toBe(tooLarge)
    expect(small.frameEnd(bytes, 0, bytes.length, 0)).toBe(tooLarge)
  }
})

test('decode() reads a reply', () => {
  const bytes = bytesOf('xx', nginxFile)
  const message = http.decode(bytes, 2, bytes.length)
  expect(message).toMatchObject({ status: 200, body: bytesOf('Hello World!\n') })
  expect(message.headers).toMatchObject({ 'content-type': 'text/html', etag: '"6b011b72-d"' })
  const interim = bytesOf(interimReplies)
  expect(http.decode(interim, 0, interim.length)).toEqual({
    status: 201,
    headers: { 'content-length': '2' },
    body: bytesOf('ok'),
  })
})

test('decode() reads a header over several lines as one, and a reply after empty lines', () => {
  const bytes = bytesOf('\r\n', head('X: a', ' b', 'Content-Length:', '\t2'), 'ok')
  expect(http.decode(bytes, 0, bytes.length)).toEqual({
    status: 200,
    headers: { x: 'a b', 'content-length': '2' },
    body: bytesOf('ok'),
  })
  expect(http.status!.read(bytes, 0)).toBe(200)
})

test('decode() joins the chunks of a body', () => {
  const bytes = bytesOf(chunkedReply)
  expect(textOf(http.decode(bytes, 0, bytes.length).body)).toBe('hello world\r\n\r\n!')
  expect(http.decode(nginxGzip, 0, nginxGzip.length).body).toHaveLength(33)
  const none = bytesOf('HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n')
  expect(http.decode(none, 0, none.length).body).toHaveLength(0)
})

test('decode() returns the same body for any division into chunks', () => {
  const chunk = fc.record({
    data: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    zeros: fc.constantFrom('', '000'),
    extension: fc.constantFrom('', ';a=b', ' ; "x"', ' '),
    lineEnd: fc.constantFrom('\r\n', '\n'),
  })
  const trailers = fc.constantFrom('', 'X: y\r\n', '0\r\nA:\r\n')
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 8 }), trailers, (chunks, last) => {
      const fields = chunks.flatMap(({ data, zeros, extension, lineEnd }) => {
        return [`${zeros}${data.length.toString(16)}${extension}${lineEnd}`, data, lineEnd]
      })
      const bytes = bytesOf(head('Transfer-Encoding: chunked'), ...fields, `0\r\n${last}\r\n`)
      for (let to = 0; to < bytes.length; to++) expect(http.frameEnd(bytes, 0, to, 0)).toBe(incomplete)
      expect(http.frameEnd(bytes, 0, bytes.length, 0)).toBe(bytes.length)
      expect(http.decode(bytes, 0, bytes.length).body).toEqual(bytesOf(...chunks.map(({ data }) => data)))
    }),
    { numRuns: propertyRuns },
  )
})

test('frameEnd() returns an offset in range for any changed message, and the frame can be read', () => {
  const changes = fc.array(fc.tuple(fc.nat(400), fc.oneof(fc.nat(255), fc.constantFrom(10, 13, 32, 48, 58))))
  const short = createHttp({ host: 'a', maxFrame: 300 })
  fc.assert(
    fc.property(fc.constantFrom(...whole), changes, ([, message], some) => {
      const bytes = bytesOf(message, message)
      for (const [at, byte] of some) bytes[at % bytes.length] = byte
      const end = short.frameEnd(bytes, 0, bytes.length, 0)
      if ([incomplete, malformed, tooLarge].includes(end)) return
      expect(end).toBeGreaterThan(0)
      expect(end).toBeLessThanOrEqual(bytes.length)
      const start = short.bodyStart(bytes, 0, end)
      expect(start).toBeGreaterThan(0)
      expect(start).toBeLessThanOrEqual(end)
      expect(short.joinedBody!(bytes, 0, end)?.length ?? 0).toBeLessThanOrEqual(end - start)
      // A head remembered from the last message must not answer for this one.
      expect(short.endsConnection!(bytes, 0, end)).toBe(short.endsConnection!(bytes.slice(), 0, end))
      expect(short.decode(bytes, 0, end).body.length).toBeLessThanOrEqual(end - start)
      expect(short.status!.read(bytes, 0)).toBe(short.decode(bytes, 0, end).status ?? 0)
    }),
    { numRuns: 4 * propertyRuns },
  )
})

test('decode() reads a request, and joins headers of the same name', () => {
  const bytes = bytesOf('POST /a?b=c HTTP/1.1\r\nAccept: x\r\nHost:a\r\naccept:  y \r\nContent-Length: 2\r\n\r\nok')
  expect(http.decode(bytes, 0, bytes.length)).toEqual({
    method: 'POST',
    path: '/a?b=c',
    headers: { accept: 'x, y', host: 'a', 'content-length': '2' },
    body: bytesOf('ok'),
  })
})

test('bodyStart() and bodyEnd() enclose everything after the head', () => {
  const bodyOf = (text: string) => {
    const bytes = bytesOf('xx', text)
    return textOf(bytes.subarray(http.bodyStart(bytes, 2, bytes.length), http.bodyEnd(bytes, 2, bytes.length)))
  }
  expect(bodyOf(nginxFile)).toBe('Hello World!\n')
  expect(bodyOf(interimReplies)).toBe('ok')
  expect(bodyOf(`\r\n\r\n${head('Content-Length: 2')}ok`)).toBe('ok')
  expect(bodyOf('GET / HTTP/1.1\n\n')).toBe('')
  expect(bodyOf(`${head('Transfer-Encoding: chunked')}2\r\nok\r\n0\r\n\r\n`)).toBe('2\r\nok\r\n0\r\n\r\n')
})

test('status and isRefusal() read the status of the final reply', () => {
  const cases = [
    [nginxFile, 200, false],
    [nginxMissing, 404, true],
    [interimReplies, 201, false],
    ['HTTP/1.1 399 Odd\r\nContent-Length: 0\r\n\r\n', 399, false],
    ['HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n', 503, true],
    ['GET / HTTP/1.1\r\n\r\n', 0, true],
  ] as const
  for (const [text, status, refusal] of cases) {
    const bytes = bytesOf('xx', text)
    expect(http.status!.read(bytes, 2)).toBe(status)
    expect(http.isRefusal!(bytes, 2, bytes.length)).toBe(refusal)
  }
})

test('frameEnd() does not depend on earlier messages, wherever a message is cut off', () => {
  const messages = [
    nginxFile,
    nginxFile.replace('04:17:55', '04:17:56'),
    nginxFile.replace('Content-Length: 13', 'Content-Length: 12'),
    nginxMissing,
    chunkedReply,
    interimReplies,
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n',
  ].map(text => bytesOf(text))
  const settings = { host: 'a', maxFrame: 400 }
  const buffer = new Uint8Array(2048)
  const cut = fc.record({
    message: fc.constantFrom(...messages),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    from: fc.nat(99),
  })
  fc.assert(
    fc.property(fc.array(cut, { maxLength: 60 }), cuts => {
      const used = createHttp(settings)
      for (const { message, part, from } of cuts) {
        const to = from + Math.ceil(part * message.length)
        buffer.set(message, from)
        expect(used.frameEnd(buffer, from, to, 0)).toBe(createHttp(settings).frameEnd(buffer, from, to, 0))
      }
    }),
    { numRuns: propertyRuns },
  )
})
