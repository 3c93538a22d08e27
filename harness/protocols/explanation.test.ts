import { expect, test } from 'vitest'
import { createProtocol } from './catalog.ts'
import { overDatagrams } from './datagram.ts'
import { layeredProtocol } from './layers/layered.ts'
import type { ProtocolSpec } from './protocolSpec.ts'
import { bytesOf, type Field } from './testing/bytes.ts'

const maxFrame = 1024 * 1024
const http = { name: 'http', host: 'a', maxFrame } as const
const resp = { name: 'resp', maxFrame } as const
const rpc = { name: 'rpc', lengthPrefix: true, maxFrame } as const
const bareRpc = { name: 'rpc', lengthPrefix: false, maxFrame } as const
const frame = {
  name: 'frame',
  lengthOffset: 0,
  lengthBytes: 4,
  endian: 'big',
  lengthAdjustment: 0,
  id: { offset: 4, bytes: 4 },
  maxFrame,
} as const
const reply = (...lines: string[]) => `HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\n\r\n`
const chunks = (text: string) => reply('Transfer-Encoding: chunked') + text

const cases: readonly (readonly [ProtocolSpec, Field[], string])[] = [
  [http, ['HTTP/2 200\r\n\r\n'], 'a reply of HTTP/2'],
  [http, ['+PONG\r\n'], 'no HTTP start line: "+PONG"'],
  [http, ['SSH-2.0-OpenSSH_9.2\r\n'], 'no HTTP start line: "SSH-2.0-OpenSSH_9.2"'],
  [http, [{ u24: 18 }, { u8: 4 }, { u8: 0 }, { u32: 0 }, 'settings'], 'frames of HTTP/2'],
  [http, [{ u8: 0x15 }, { u8: 3 }, { u8: 1 }, { u16: 2 }, { u16: 70 }], 'a TLS record: the server wants TLS'],
  [http, ['HTTP/1.1 OK\r\n\r\n'], 'a status line without a status: "HTTP/1.1 OK"'],
  [http, ['GET /\r\n\r\n'], 'no HTTP start line: "GET /"'],
  [http, [reply('Content-Length: 2', 'Content-Length: 3')], 'two different lengths'],
  [http, [reply('Content-Length: 2, 2')], 'a Content-Length that is no number: "2, 2"'],
  [http, [reply('Content-Length: 1', ' 2')], 'a Content-Length that is no number: "1 2"'],
  [http, [reply('Content-Length : 2')], 'a blank before the colon of a header'],
  [http, [reply('Content-Length: 2', 'transfer-encoding: chunked')], 'both Content-Length and Transfer-Encoding'],
  [http, [reply('Transfer-Encoding: gzip')], 'a Transfer-Encoding that does not end with chunked: "gzip"'],
  [http, [reply('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')], 'two headers Transfer-Encoding'],
  [http, [reply(' X: 1')], 'a first header line that begins with a blank'],
  [http, ['GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n'], 'a header of a request over several lines'],
  [http, [`HTTP/1.1 100 Continue\r\n\r\n${reply('Content-Length: x')}`], 'a Content-Length that is no number: "x"'],
  [http, [chunks('3\r\nabc\r\n2x\r\n')], 'a chunk size that is no hexadecimal number: "2x\\r"'],
  [http, [chunks('3\r\nabc\r\n2\r\nabc\r\n')], 'a chunk that is not the 2 bytes of its size'],
  [http, [chunks('200000\r\n')], 'no end of the chunks within 1 MiB'],
  [http, [reply(`Content-Length: ${2 ** 31}`)], 'announces 2 GiB, more than maxFrame 1 MiB'],
  [http, ['HTTP/1.1 200 OK\r\nX: ', 'x'.repeat(70_000)], 'no end of the head within 64 KiB'],
  [http, [reply(), 'x'.repeat(maxFrame)], 'no end of the body within 1 MiB'],
  [resp, ['>1\r\n+a\r\n'], 'a push, which is a delivery with { resp: { version: 3 } } only'],
  [resp, [',1.5.5\r\n'], 'a double that is not valid: "1.5.5"'],
  [resp, ['#x\r\n'], 'a truth value that is not valid: "x"'],
  [resp, ['=5\r\nhello\r\n'], 'a verbatim string without a format such as txt:'],
  [resp, ['*?\r\n:1\r\n>1\r\n'], 'a push within another value, 8 bytes into the reply'],
  [resp, ['*1\r\n.\r\n'], 'an end (".") of what has a count, or of nothing, 4 bytes into the reply'],
  [resp, ['%?\r\n:1\r\n.\r\n'], 'an end (".") behind a key without its value, 8 bytes into the reply'],
  [resp, ['*?\r\n|1\r\n:1\r\n:2\r\n.\r\n'], 'an end (".") behind an attribute, 16 bytes into the reply'],
  [resp, ['$?\r\n+a\r\n'], 'type byte "+" in place of a chunk'],
  [resp, [';1\r\na\r\n'], 'a chunk (";") of no string'],
  [resp, ['HTTP/1.1'], 'type byte "H"'],
  [resp, [{ u8: 0x16 }], 'type byte 0x16'],
  [resp, ['*2\r\n:1\r\n@\r\n'], 'type byte "@", 8 bytes into the reply'],
  [resp, ['$x\r\n'], 'a length that is not valid: "x"'],
  [resp, ['*-2\r\n'], 'a count that is not valid: "-2"'],
  [resp, [':1.5\r\n'], 'a number that is not valid: "1.5"'],
  [resp, ['+PONG\n'], 'a line that does not end with CR LF'],
  [resp, ['$2\r\nabcd'], 'a bulk string that is not the 2 bytes of its length'],
  [resp, [`$${2 ** 31}\r\n`], 'announces 2 GiB, more than maxFrame 1 MiB'],
  [resp, ['*4294967295\r\n'], 'announces 4,294,967,295 elements, more than maxFrame has room for'],
  [resp, ['*1\r\n'.repeat(33)], 'arrays nested more than 32 deep, 128 bytes into the reply'],
  [frame, [{ u32: 2 ** 31 }], 'announces 2 GiB, more than maxFrame 1 MiB'],
  [frame, [{ u32: 3 }], 'announces 7 bytes, fewer than the 8 of its header'],
  [{ name: 'tlv', maxFrame }, [{ u32: 2 ** 31 }, { u32: 1 }], 'announces 2 GiB, more than maxFrame 1 MiB'],
  [rpc, [{ u32: 2 ** 31 + 19 }], 'announces 2 GiB, more than maxFrame 1 MiB'],
  [rpc, [{ u32: 5 }], 'announces 5 bytes, fewer than the 19 of its header'],
  [
    rpc,
    [{ u32: 20 }, new Uint8Array(15), { i32: 2 }],
    'two lengths that differ: 1 bytes of body by the first, 2 by the second',
  ],
  [bareRpc, [new Uint8Array(15), { i32: -1 }], 'announces a body of -1 bytes'],
  [bareRpc, [new Uint8Array(15), { i32: 2 ** 30 }], 'announces 1 GiB, more than maxFrame 1 MiB'],
  [{ name: 'line', delimiter: '\n', maxFrame: 100 }, ['x'.repeat(100)], 'no line end within 100 B'],
  [{ name: 'broadcast', maxFrame }, ['hello\n'], 'a line that begins with "h", not "{"'],
  [{ name: 'broadcast', maxFrame: 100 }, [`{${'x'.repeat(1000)}`], 'no line end within 612 B'],
  [{ name: 'broadcast', framing: 'json', maxFrame }, [' \n[]'], 'a JSON object that begins with "[", not "{"'],
  [
    { name: 'broadcast', framing: 'json', maxFrame: 100 },
    [`{${'x'.repeat(1000)}`],
    'no end of a JSON object within 612 B',
  ],
]

test.each(cases)('explain() of %o says why %o are no frame: %s', (spec, fields, reason) => {
  const bytes = bytesOf(...fields)
  const protocol = createProtocol(spec)
  const around = bytesOf('xx', bytes, 'xx')
  expect(protocol.frameEnd(around, 2, 2 + bytes.length, 0)).toBeLessThan(0)
  expect(protocol.explain!(around, 2, 2 + bytes.length)).toBe(reason)
})

test('explain() says why a datagram is no frame', () => {
  const { explain } = overDatagrams(createProtocol({ name: 'tlv', maxFrame }))
  const of = (...fields: Field[]) => explain!(bytesOf(...fields), 0, bytesOf(...fields).length)
  expect(of()).toBe('an empty datagram')
  expect(of({ u32: 2 }, { u32: 1 }, 'a')).toBe('a datagram of 9 B that is no whole frame')
  expect(of({ u32: 2 }, { u32: 1 }, 'abc')).toBe('a datagram of 11 B with a frame of 10 B')
  expect(of({ u32: 2 ** 31 }, { u32: 1 })).toBe('announces 2 GiB, more than maxFrame 1 MiB')
  expect(of({ u32: 2 }, { u32: 1 }, 'ab')).toBeUndefined()
})

test('explain() says that a body is not valid in its layers', () => {
  const plain = createProtocol({ name: 'tlv', maxFrame })
  const layered = layeredProtocol(plain, { names: ['gzip', 'crc32'] })
  const bytes = plain.encode({ body: bytesOf('plain'), type: 1 })
  expect(layered.frameEnd(bytes, 0, bytes.length, 0)).toBeLessThan(0)
  expect(layered.explain!(bytes, 0, bytes.length)).toBe('a body that does not pass its layers gzip, crc32')
  const whole = layered.encode({ body: bytesOf('plain'), type: 1 })
  expect(layered.explain!(whole, 0, whole.length)).toBeUndefined()
})
