import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { incomplete, tooLarge } from '../protocol.ts'
import { bytesOf, textOf } from '../testing/bytes.ts'
import { createHttp } from './http.ts'

const http = createHttp({ host: 'a', maxFrame: 1000 })
const ok = 'Content-Length: 2\r\n\r\nok'

/** Each message, and whether its connection ends with it. */
const messages: readonly (readonly [string, boolean])[] = [
  [`HTTP/1.1 200 OK\r\n${ok}`, false],
  [`HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n${ok}`, false],
  [`HTTP/1.1 200 OK\r\nConnection: close\r\n${ok}`, true],
  [`HTTP/1.1 503 Busy\r\nCONNECTION:Upgrade ,  CLOSE\t\r\n${ok}`, true],
  [`HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n${ok}`, true],
  [`HTTP/1.1 200 OK\r\nConnection:\r\n close\r\n${ok}`, true],
  [`HTTP/1.1 200 OK\r\nConnection: closed\r\nConnections: close\r\nX: close\r\n${ok}`, false],
  ['HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n', true],
  ['HTTP/1.1 304 Not Modified\r\n\r\n', false],
  ['HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', true],
  [`HTTP/1.0 200 OK\r\n${ok}`, true],
  [`HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n${ok}`, false],
  [`HTTP/1.0 200 OK\nconnection: keep-alive\n${ok}`, false],
  [`HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n${ok}`, true],
  [`HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\n${ok}`, false],
  [`HTTP/1.0 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n${ok}`, false],
  [`HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n${ok}`, true],
  [`\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n${ok}`, true],
  ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', false],
  ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', true],
  ['GET / HTTP/1.0\r\nHost: a\r\n\r\n', true],
  ['GET / HTTP/1.0\nConnection: keep-alive\n\n', false],
]

test.each(messages)('endsConnection() tells of %j', (message, ends) => {
  const bytes = bytesOf('xx', message, 'HTTP/1.1 200 OK\r\n')
  const end = bytesOf('xx', message).length
  expect(http.endsConnection!(bytes, 2, end)).toBe(ends)
  expect(http.frameEnd(bytes, 2, bytes.length, 0)).toBe(end)
  expect(http.endsConnection!(bytes, 2, end)).toBe(ends)
})

test('endsConnection() and joinedBody() depend on no other message, whichever was read before', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n'
  const used = createHttp({ host: 'a', maxFrame: 1000 })
  const buffer = new Uint8Array(1000)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...messages, [chunked, false] as const), fc.nat(3))), steps => {
      for (const [[message, ends], from] of steps) {
        const bytes = bytesOf(message)
        buffer.set(bytes, from)
        const end = used.frameEnd(buffer, from, from + bytes.length, 0)
        expect(end).toBe(from + bytes.length)
        expect(used.endsConnection!(buffer, from, end)).toBe(ends)
        const joined = used.joinedBody!(buffer, from, end)
        expect(joined && textOf(joined)).toBe(message.includes('chunked') ? 'ok' : undefined)
      }
    }),
    { numRuns: propertyRuns },
  )
})

test.each([
  ['HTTP/1.0 200 OK\r\n\r\n'],
  ['HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'],
  ['HTTP/1.1 404 Not Found\r\nConnection: keep-alive\r\n\r\n'],
  ['HTTP/1.1 100 Continue\r\n\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n'],
])('endAtClose() takes what has come of a body without a length, once its head is whole: %j', head => {
  for (const body of ['', 'hello', 'a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n']) {
    const bytes = bytesOf('xx', head, body)
    for (let to = 2; to <= bytes.length; to++) {
      expect(http.frameEnd(bytes, 2, to, 0)).toBe(incomplete)
      expect(http.endAtClose!(bytes, 2, to)).toBe(to < 2 + head.length ? incomplete : to)
    }
    expect(http.endsConnection!(bytes, 2, bytes.length)).toBe(true)
    expect(textOf(http.decode(bytes, 2, bytes.length).body)).toBe(body)
  }
})

test.each([
  [''],
  ['\r\n'],
  ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok'],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n'],
  ['HTTP/1.1 100 Continue\r\n\r\n'],
  ['GET / HTTP/1.1\r\nHost: a\r\n'],
  ['nonsense'],
])('endAtClose() takes no message that was cut off: %j', text => {
  const bytes = bytesOf(text)
  expect(http.endAtClose!(bytes, 0, bytes.length)).toBe(incomplete)
})

test('frameEnd() and endAtClose() bound a body without a length', () => {
  const head = 'HTTP/1.0 200 OK\r\n\r\n'
  const bytes = bytesOf(head, 'x'.repeat(2000))
  expect(http.frameEnd(bytes, 0, 1000, 0)).toBe(incomplete)
  expect(http.endAtClose!(bytes, 0, 1000)).toBe(1000)
  expect(http.frameEnd(bytes, 0, 1001, 0)).toBe(tooLarge)
  expect(http.endAtClose!(bytes, 0, 1001)).toBe(tooLarge)
})

test('joinedBody() joins the chunks of a body, and leaves all other bodies where they are', () => {
  const joined = (text: string) => {
    const bytes = bytesOf('xx', text)
    const body = http.joinedBody!(bytes, 2, bytes.length)
    return body && textOf(body)
  }
  const chunks = '3;x\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n'
  expect(joined(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`)).toBe('hello')
  expect(joined('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')).toBe('')
  expect(joined(`HTTP/1.1 200 OK\r\n${ok}`)).toBeUndefined()
  expect(joined('HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n')).toBeUndefined()
  expect(joined('HTTP/1.0 200 OK\r\n\r\n3\r\nhel\r\n0\r\n\r\n')).toBeUndefined()
})
