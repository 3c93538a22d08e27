import { describe, expect, test } from 'vitest'
import { createProtocol } from '../protocols/catalog.ts'
import { incomplete, malformed, tooLarge } from '../protocols/protocol.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { protocolSpec } from '../protocols/spec.ts'
import { withFraming } from './httpFraming.ts'
import { malformedMessages } from './malformed.ts'
import { hugeLength, hugeSentBytes, type LengthKind, type MalformedMessage } from './malformedMessage.ts'
import { overLongMessage } from './overLong.ts'
import type { Subject } from './subject.ts'

const body = new TextEncoder().encode('hello')

function subjectOf(input: unknown, message: Parameters<ReturnType<typeof createProtocol>['encode']>[0] = { body }) {
  const spec = protocolSpec(input)
  const protocol = createProtocol(spec)
  return { spec, protocol, request: protocol.encode(message), handshake: [], closes: false } satisfies Subject
}

const get = (spec: unknown = 'http') => subjectOf(spec, { method: 'GET', path: '/x', body: new Uint8Array(0) })

/** Each message of the kind: what is wrong with it, its first bytes as hex, and its length. */
function shown(kind: LengthKind, subject: Subject, bytesShown: number): [string, string, number][] {
  const messages = malformedMessages(kind, subject)
  if (typeof messages === 'string') throw new Error(messages)
  return messages.map(({ what, bytes }) => [
    what,
    Buffer.from(bytes.subarray(0, bytesShown)).toString('hex'),
    bytes.length,
  ])
}

function texts(kind: LengthKind, subject: Subject): string[] {
  const messages = malformedMessages(kind, subject)
  if (typeof messages === 'string') throw new Error(messages)
  return messages.map(({ bytes }) =>
    Buffer.from(bytes.subarray(0, 200))
      .toString()
      .replace(/x{60,}$/, '...'),
  )
}

test('malformedMessages() of broadcast are empty lines or objects, which have no length', () => {
  expect(texts('zero', subjectOf('broadcast'))).toEqual(['\n'])
  expect(malformedMessages('huge', subjectOf('broadcast'))).toBe('a line has no length')
  for (const framing of ['json', 'text']) {
    const subject = subjectOf({ broadcast: { framing } })
    expect(texts('zero', subject)).toEqual(['{}'])
    expect(malformedMessages('negative', subject)).toBe('a JSON object has no length')
  }
})

describe('malformedMessages() of frames', () => {
  test('puts each length into a field of four bytes', () => {
    const subject = subjectOf('frame')
    expect(shown('zero', subject, 4)).toEqual([['length 0', '00000000', 4]])
    expect(shown('negative', subject, 9)).toEqual([
      ['length 0xffffffff', 'ffffffff68656c6c6f', 9],
      ['length 0x80000000', '8000000068656c6c6f', 9],
    ])
    expect(shown('huge', subject, 5)).toEqual([[`length ${hugeLength}`, '7fffffff78', 4 + hugeSentBytes]])
  })

  test('adds an empty body if a length counts itself', () => {
    const subject = subjectOf({ frame: { lengthAdjustment: -4 } })
    expect(shown('zero', subject, 4)).toEqual([
      ['length 0', '00000000', 4],
      ['length 4, no body', '00000004', 4],
    ])
  })

  test('finds a little-endian field at an offset, and leaves the bytes around it unchanged', () => {
    const subject = subjectOf(
      { frame: { lengthOffset: 2, lengthBytes: 2, endian: 'little', strip: 0 } },
      {
        body: Uint8Array.of(0xca, 0xfe, 0, 0, 1, 2, 3),
      },
    )
    expect(shown('zero', subject, 9)).toEqual([['length 0', 'cafe0000', 4]])
    expect(shown('negative', subject, 9)).toEqual([
      ['length 0xffff', 'cafeffff010203', 7],
      ['length 0x8000', 'cafe0080010203', 7],
    ])
    expect(malformedMessages('huge', subject)).toBe('its length field holds no more than 65535')
  })

  test('fills a field of eight bytes, and one of three up to its maximum', () => {
    const long = subjectOf({ frame: { lengthBytes: 8 } })
    expect(shown('negative', long, 8).map(([, bytes]) => bytes)).toEqual(['ffffffffffffffff', '8000000000000000'])
    expect(shown('huge', long, 8)).toEqual([[`length ${hugeLength}`, '000000007fffffff', 8 + hugeSentBytes]])
    const short = subjectOf({ frame: { lengthBytes: 3, endian: 'little' } })
    expect(shown('huge', short, 3)).toEqual([['length 16777215', 'ffffff', 3 + hugeSentBytes]])
  })
})

test('malformedMessages() of tlv keeps the type, and counts only the value', () => {
  const subject = subjectOf('tlv', { body, type: 9 })
  expect(shown('zero', subject, 8)).toEqual([['length 0', '0000000000000009', 8]])
  expect(shown('negative', subject, 13)).toEqual([
    ['length 0xffffffff', 'ffffffff0000000968656c6c6f', 13],
    ['length 0x80000000', '800000000000000968656c6c6f', 13],
  ])
  expect(shown('huge', subject, 9)).toEqual([[`length ${hugeLength}`, '7fffffff0000000978', 8 + hugeSentBytes]])
})

describe('malformedMessages() of rpc', () => {
  const fields = '000000070100020000000000000003'

  test('puts the lengths into both fields, one at a time', () => {
    const subject = subjectOf('rpc', { body, id: 7, type: 1, version: 2, extension: 3n })
    expect(shown('zero', subject, 23)).toEqual([
      ['BodyLen 0', `00000013${fields}00000000`, 23],
      ['Length 0', `00000000${fields}00000000`, 23],
    ])
    expect(shown('negative', subject, 23).map(([what, bytes]) => [what, bytes])).toEqual([
      ['Length 0xffffffff', `ffffffff${fields}00000005`],
      ['Length 0x80000000', `80000000${fields}00000005`],
      ['BodyLen 0xffffffff', `00000018${fields}ffffffff`],
      ['BodyLen 0x80000000', `00000018${fields}80000000`],
    ])
    expect(shown('huge', subject, 24).map(([what, bytes]) => [what, bytes])).toEqual([
      [`Length ${hugeLength}`, `7fffffff${fields}7fffffec78`],
      [`BodyLen ${hugeLength}`, `00000018${fields}7fffffff78`],
    ])
  })

  test('changes only the body length if there is no other', () => {
    const subject = subjectOf({ rpc: { lengthPrefix: false } }, { body, id: 7, type: 1, version: 2, extension: 3n })
    expect(shown('zero', subject, 19)).toEqual([['BodyLen 0', `${fields}00000000`, 19]])
    expect(shown('negative', subject, 19).map(([, bytes]) => bytes)).toEqual([`${fields}ffffffff`, `${fields}80000000`])
    expect(shown('huge', subject, 19)).toEqual([[`BodyLen ${hugeLength}`, `${fields}7fffffff`, 19 + hugeSentBytes]])
  })
})

test('malformedMessages() of http puts the lengths into the head of the request', () => {
  const head = 'GET /x HTTP/1.1\r\nHost: localhost\r\nUser-Agent: volley\r\n'
  const coding = 'Transfer-Encoding: chunked\r\n\r\n'
  expect(texts('zero', get())).toEqual([`${head}Content-Length: 0\r\n\r\n`, `${head}${coding}0\r\n\r\n`])
  expect(texts('negative', get())).toEqual([
    `${head}Content-Length: -1\r\n\r\n`,
    `${head}Content-Length: 9223372036854775808\r\n\r\n`,
    `${head}${coding}-1\r\n`,
    `${head}${coding}ffffffff\r\n`,
  ])
  expect(texts('huge', get())).toEqual([
    `${head}Content-Length: ${hugeLength}\r\n\r\n...`,
    `${head}${coding}7fffffff\r\n...`,
  ])
})

test('withFraming() removes the headers that framed the body', () => {
  const { request } = subjectOf('http', { method: 'POST', path: '/', headers: { Accept: '*/*' }, body })
  const text = new TextDecoder().decode(withFraming(request, 'Content-Length: 9'))
  expect(text).toMatch(/^POST \/ HTTP\/1\.1\r\n(.+\r\n)*Accept: \*\/\*\r\nContent-Length: 9\r\n\r\n$/)
  expect(text.match(/content-length/gi)).toHaveLength(1)
})

test('malformedMessages() of resp changes the lengths of arrays and strings', () => {
  const subject = subjectOf('resp', { body: new TextEncoder().encode('PING') })
  expect(texts('zero', subject)).toEqual(['*0\r\n', '*1\r\n$0\r\n\r\n'])
  expect(texts('negative', subject)).toEqual(['*-7\r\n', '*-2147483648\r\n', '*1\r\n$-5\r\n', '*1\r\n$-2147483648\r\n'])
  expect(texts('huge', subject)).toEqual([`*1\r\n$${hugeLength}\r\n...`, `*${hugeLength}\r\n$65536\r\n...`])
})

test('malformedMessages() says why a protocol without lengths has none', () => {
  expect(malformedMessages('zero', subjectOf('raw'))).toContain('raw has no length')
  expect(malformedMessages('negative', subjectOf('line'))).toBe('a line has no length')
  expect(malformedMessages('huge', subjectOf('line'))).toBe('a line has no length')
  expect(texts('zero', subjectOf({ line: { delimiter: '\r\n' } }))).toEqual(['\r\n'])
})

describe('the protocols of this project', () => {
  const subjects = [
    'frame',
    { frame: { lengthAdjustment: -4 } },
    'tlv',
    'rpc',
    { rpc: { lengthPrefix: false } },
    'http',
    'resp',
  ]

  test.each(subjects)('do not accept a malformed message of %j', input => {
    const message = input === 'resp' ? { body: new TextEncoder().encode('PING') } : { body }
    const subject = input === 'http' ? get() : subjectOf(input, message)
    for (const kind of ['negative', 'huge'] as const) {
      for (const { bytes } of malformedMessages(kind, subject) as readonly MalformedMessage[]) {
        const end = subject.protocol.frameEnd(bytes, 0, bytes.length, 0)
        expect([malformed, tooLarge, incomplete]).toContain(end)
      }
    }
  })

  test.each(['line', { line: { delimiter: 'xy' } }, ...subjects])(
    'reject an over-long message of %j as too large',
    input => {
      const message = input === 'resp' ? { body: new TextEncoder().encode('PING') } : { body }
      const subject = input === 'http' ? get() : subjectOf(input, message)
      const bytes = overLongMessage(subject) as Uint8Array
      const { maxFrame } = subject.spec as Extract<ProtocolSpec, { maxFrame: number }>
      expect(bytes.length).toBeGreaterThan(3 * maxFrame)
      expect(subject.protocol.frameEnd(bytes, 0, bytes.length, 0)).toBe(tooLarge)
      // Its length is correct: without a bound it is one whole message.
      const unbounded = createProtocol({ ...subject.spec, maxFrame: Number.MAX_SAFE_INTEGER } as ProtocolSpec)
      expect(unbounded.frameEnd(bytes, 0, bytes.length, 0)).toBe(bytes.length)
    },
  )

  test('overLongMessage() says why there is none', () => {
    expect(overLongMessage(subjectOf('raw'))).toContain('raw has no length')
    expect(overLongMessage(subjectOf({ frame: { lengthBytes: 2 } }))).toContain('its length field holds no more')
    expect(overLongMessage(subjectOf({ tlv: { maxFrame: '64MiB' } }))).toContain('exceeds the 32 MiB that are sent')
  })
})
