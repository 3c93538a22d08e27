import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { createBroadcast, encodeAcknowledgement, encodeDelivery, readMessage } from './broadcast.ts'
import { incomplete, malformed, tooLarge } from './protocol.ts'
import { bytesOf, textOf } from './testing/bytes.ts'

const maxFrame = 1024
const broadcast = createBroadcast({ maxFrame })
const delivery = broadcast.delivery!
const isRefusal = broadcast.isRefusal!
const address = '127.0.0.1:40001'

/** A line as other programs may write it: with blanks, in the other order of keys, with all but ASCII escaped. */
function written(message: string, { blanks = false, reversed = false, ascii = false, capitals = false }): Uint8Array {
  const [colon, comma] = blanks ? [': ', ', '] : [':', ',']
  const pairs = Object.entries({ client_ip: address, message }).map(pair => pair.map(text => JSON.stringify(text)))
  const object = `{${(reversed ? pairs.reverse() : pairs).map(pair => pair.join(colon)).join(comma)}}\n`
  const escaped = (character: string) => {
    const digits = character.charCodeAt(0).toString(16).padStart(4, '0')
    return `\\u${capitals ? digits.toUpperCase() : digits}`
  }
  return bytesOf(ascii ? object.replace(/[\u0080-\uffff]/g, escaped) : object)
}

const ways = [false, true].flatMap(blanks =>
  [false, true].flatMap(reversed =>
    [{}, { ascii: true }, { ascii: true, capitals: true }].map(escapes => ({ blanks, reversed, ...escapes })),
  ),
)

const acknowledgement = `${address}: 已经收到信息`
const delivered = `${address} 地址发送了请求消息：`

test('encode() writes a text as a JSON object on a line', () => {
  expect(textOf(broadcast.encode({ body: bytesOf('hello') }))).toBe('{"client_ip":"","message":"hello"}\n')
  expect(textOf(broadcast.encode({ body: bytesOf('a "b"\n你好') }))).toBe(
    '{"client_ip":"","message":"a \\"b\\"\\n你好"}\n',
  )
})

test('encode() refuses bytes that are not text, and a text that is too long as a line', () => {
  expect(() => broadcast.encode({ body: Uint8Array.of(0xff) })).toThrow('text in UTF-8')
  expect(() => broadcast.encode({ body: bytesOf('x'.repeat(maxFrame)) })).toThrow(
    'at most 1024 bytes as a line of JSON',
  )
})

test('frameEnd() accepts one object a line, a little longer than maxFrame to leave room for what a server adds', () => {
  const lines = bytesOf('{"message":"a"}\n{}\nno')
  expect(broadcast.frameEnd(lines, 0, lines.length, 0)).toBe(16)
  expect(broadcast.frameEnd(lines, 16, lines.length, 0)).toBe(19)
  expect(broadcast.frameEnd(lines, 19, lines.length, 0)).toBe(malformed)
  expect(broadcast.frameEnd(lines, 0, 10, 0)).toBe(incomplete)
  const long = bytesOf('{', 'x'.repeat(2 * maxFrame))
  expect(broadcast.frameEnd(long, 0, maxFrame, 0)).toBe(incomplete)
  expect(broadcast.frameEnd(long, 0, long.length, 0)).toBe(tooLarge)
  const longest = broadcast.encode({ body: bytesOf('x'.repeat(maxFrame - 30)) })
  expect(longest).toHaveLength(maxFrame)
  const made = encodeDelivery('[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535', readMessage(longest, 0, maxFrame)!)
  expect(broadcast.frameEnd(made, 0, made.length, 0)).toBe(made.length)
})

test('with framing json a frame is an object, whatever is written between objects', () => {
  const json = createBroadcast({ framing: 'json', maxFrame })
  expect(textOf(json.encode({ body: bytesOf('a }'), clientIp: address }))).toBe(
    `{"client_ip":"${address}","message":"a }"}`,
  )
  const object = `{\n  "message": "${acknowledgement}",\n  "client_ip": "{"\n}`
  const glued = bytesOf(object, '\r\n', encodeDelivery(address, 'so }', 'json'), object)
  const first = json.frameEnd(glued, 0, glued.length, 0)
  expect(first).toBe(bytesOf(object, '\r\n').length)
  expect(json.isRefusal!(glued, 0, first)).toBe(false)
  expect(textOf(json.decode(glued, 0, first).body)).toBe(acknowledgement)
  const second = json.frameEnd(glued, first, glued.length, 0)
  const textAt = json.delivery!(glued, first, second)
  expect(textOf(glued.subarray(textAt, json.bodyEnd(glued, first, second)))).toBe('so }')
  expect(json.frameEnd(glued, second, glued.length, 0)).toBe(glued.length)
  const long = bytesOf('{', 'x'.repeat(2 * maxFrame))
  expect(json.frameEnd(long, 0, long.length, 0)).toBe(tooLarge)
})

test('readMessage() and decode() read back any text that encode() was given', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), text => {
      const frame = broadcast.encode({ body: bytesOf(text) })
      expect(readMessage(frame, 0, frame.length)).toBe(text)
      const { body } = broadcast.decode(frame, 0, frame.length)
      expect(JSON.parse(`"${textOf(body)}"`)).toBe(text)
    }),
    { numRuns: propertyRuns },
  )
})

test.each(ways)('delivery() and isRefusal() recognize frames written by any program: %j', way => {
  // Texts of users that resemble those of the server.
  for (const text of ['hello', '已经收到信息', acknowledgement, delivered, '"\\', '']) {
    const reply = written(acknowledgement, way)
    expect(delivery(reply, 0, reply.length)).toBe(-1)
    expect(isRefusal(reply, 0, reply.length)).toBe(false)
    const unasked = written(delivered + text, way)
    const all = bytesOf(reply, unasked, reply)
    const [from, end] = [reply.length, reply.length + unasked.length]
    const textAt = delivery(all, from, end)
    expect(textAt).toBeGreaterThan(from)
    expect(JSON.parse(`"${textOf(all.subarray(textAt, broadcast.bodyEnd(all, from, end)))}"`)).toBe(text)
    const { body } = broadcast.decode(all, from, end)
    expect(JSON.parse(`"${textOf(body)}"`)).toBe(delivered + text)
  }
})

test('isRefusal() is true for a frame that is neither an acknowledgement nor a delivery', () => {
  for (const text of [
    '{}',
    '{"error":"no"}',
    '{"message":"已经"}',
    '{"message":"\\u5df2"}',
    '{"message":"echo 地址"}',
  ]) {
    const frame = bytesOf(`${text}\n`)
    expect(delivery(frame, 0, frame.length)).toBe(-1)
    expect(isRefusal(frame, 0, frame.length)).toBe(true)
  }
})

test('encodeAcknowledgement() and encodeDelivery() write the fixed texts and the address of the sender', () => {
  expect(JSON.parse(textOf(encodeAcknowledgement(address)))).toEqual({ client_ip: address, message: acknowledgement })
  expect(JSON.parse(textOf(encodeDelivery(address, 'a "b"')))).toEqual({
    client_ip: address,
    message: `${delivered}a "b"`,
  })
})

test('readMessage() is undefined for bytes that are not a message', () => {
  for (const text of ['', '{', '5', 'null', '[]', '{}', '{"message":5}', '{"message":"a"', '{"Message":"a"}']) {
    expect(readMessage(bytesOf(`${text}\n`), 0, bytesOf(text).length + 1)).toBeUndefined()
  }
  expect(readMessage(bytesOf('{"message":"', Uint8Array.of(0xff), '"}\n'), 0, 16)).toBeUndefined()
})
