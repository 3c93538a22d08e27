import { expect, test } from 'vitest'
import type { Message } from '../protocol.ts'
import { bytesOf, textOf } from '../testing/bytes.ts'
import { createHttp } from './http.ts'

const http = createHttp({ host: 'example.org:8080', maxFrame: 1024 })
const added = 'Host: example.org:8080\r\nUser-Agent: volley\r\n'

const textFor = (message: Partial<Message>) => textOf(http.encode({ body: bytesOf(), ...message }))

test('encode() writes a request, GET / by default', () => {
  expect(textFor({})).toBe(`GET / HTTP/1.1\r\n${added}\r\n`)
  expect(textFor({ method: 'DELETE', path: '/users/7?a=%20' })).toBe(`DELETE /users/7?a=%20 HTTP/1.1\r\n${added}\r\n`)
  expect(textFor({ path: '/a', body: bytesOf('ok') })).toBe(`GET /a HTTP/1.1\r\n${added}Content-Length: 2\r\n\r\nok`)
})

test('encode() writes a length where a body is expected', () => {
  expect(textFor({ method: 'POST' })).toBe(`POST / HTTP/1.1\r\n${added}Content-Length: 0\r\n\r\n`)
  expect(textFor({ method: 'PUT', body: bytesOf('你好') })).toBe(
    `PUT / HTTP/1.1\r\n${added}Content-Length: 6\r\n\r\n你好`,
  )
})

test('encode() writes headers in their order and does not add those that are given', () => {
  const headers = { 'X-Name': 'é "a"\t', host: 'b', 'USER-AGENT': 'other', 'content-length': '2' }
  expect(textFor({ method: 'POST', headers, body: bytesOf('ok') })).toBe(
    'POST / HTTP/1.1\r\nX-Name: é "a"\t\r\nhost: b\r\nUSER-AGENT: other\r\ncontent-length: 2\r\n\r\nok',
  )
})

test('encode() reads method and path from a body without them', () => {
  expect(textFor({ body: bytesOf('GET /users/7') })).toBe(`GET /users/7 HTTP/1.1\r\n${added}\r\n`)
  expect(textFor({ body: bytesOf('POST /a'), headers: { Accept: '*/*' } })).toBe(
    `POST /a HTTP/1.1\r\n${added}Accept: */*\r\nContent-Length: 0\r\n\r\n`,
  )
})

test.each([
  [{ body: bytesOf('hello') }, 'must be a method and a path such as "GET /users/7", or have a body besides them'],
  [{ body: bytesOf('GET  /a') }, 'not "GET  /a"'],
  [{ body: bytesOf('GET /a b') }, 'not "GET /a b"'],
  [{ body: bytesOf('get /a') }, 'must be one such as GET, not "get"'],
  [{ body: bytesOf('GET a') }, 'must be one such as /users/7, percent-encoded, not "a"'],
  [{ method: 'G T' }, 'must be one such as GET, not "G T"'],
  [{ method: 'HEAD' }, 'HEAD cannot be load-tested'],
  [{ body: bytesOf('CONNECT /') }, 'CONNECT cannot be load-tested'],
  [{ path: '/用户' }, 'percent-encoded, not "/用户"'],
  [{ path: '/a\r\nX: y' }, 'percent-encoded'],
  [{ headers: { 'a b': 'c' } }, 'name must be one such as Accept, not "a b"'],
  [{ headers: { '': 'c' } }, 'name must be one such as Accept, not ""'],
  [{ headers: { a: 'b\r\nc: d' } }, 'the HTTP header a must not have control characters, and has "b\\r\\nc: d"'],
  [{ headers: { a: '\0' } }, 'control characters'],
  [{ headers: { Accept: 'a', accept: 'b' } }, 'more than one HTTP header accept'],
  [{ headers: { 'Content-Length': '3' }, method: 'POST', body: bytesOf('ok') }, 'must be the body\'s 2 bytes, not "3"'],
  [{ headers: { 'Transfer-Encoding': 'chunked' } }, 'leave out Transfer-Encoding'],
  [{ method: 'POST', body: new Uint8Array(1024) }, 'at most 1024 bytes with its head'],
  [{ status: 100 }, 'the status of an HTTP reply must be a whole number from 200 to 599, not 100'],
  [{ status: 304, body: bytesOf('ok') }, 'an HTTP reply of status 304 has no body'],
])('encode() refuses %o', (message: Partial<Message>, reason) => {
  expect(() => textFor(message)).toThrow(RangeError)
  expect(() => textFor(message)).toThrow(reason)
})

test('encode() writes a reply for a message with a status', () => {
  expect(textFor({ status: 200, headers: { 'Content-Type': 'text/plain' }, body: bytesOf('ok') })).toBe(
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok',
  )
  expect(textFor({ status: 204 })).toBe('HTTP/1.1 204 No Content\r\n\r\n')
  expect(textFor({ status: 299 })).toBe('HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n')
})
