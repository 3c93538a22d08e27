import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { createProtocol } from '../catalog.ts'
import { incomplete, malformed, type Protocol, tooLarge } from '../protocol.ts'
import { protocolSpec } from '../spec.ts'
import type { PictureElement } from './elements.ts'
import { createPicture } from './picture.ts'
import { body, checksum, field, hex, id, length, pictures, skip } from './testing/pictures.ts'

const maxFrame = 64 * 1024
function picture(...elements: PictureElement[]): Protocol {
  return createPicture({ request: elements, reply: elements, maxFrame })
}

const anyBody = fc.uint8Array({ maxLength: 300 })
const bodyFor = (elements: readonly PictureElement[], given: Uint8Array) => {
  const fixed = elements.find(element => element.kind === 'body')?.bytes
  return fixed === undefined ? given : Uint8Array.from({ length: fixed }, (_, at) => given[at] ?? 0)
}

/** The ends of all frames of a stream that arrives in these pieces. */
function endsOf(protocol: Protocol, stream: Uint8Array, cuts: readonly number[]): number[] {
  const ends: number[] = []
  let at = 0
  for (const to of [...cuts, stream.length]) {
    for (;;) {
      const end = protocol.frameEnd(stream, at, to, 0)
      if (end <= 0) {
        if (end < 0) ends.push(end)
        break
      }
      ends.push(end)
      at = end
    }
    if (ends.at(-1)! < 0) break
  }
  return ends
}

describe.each(Object.entries(pictures))('a picture of %s', (_, elements) => {
  const protocol = picture(...elements)

  test('reads what it writes, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(anyBody, { minLength: 1, maxLength: 4 }), fc.array(fc.nat(2000)), (bodies, places) => {
        const frames = bodies.map(each => protocol.encode({ body: bodyFor(elements, each), fields: { type: 0x42 } }))
        const stream = Buffer.concat(frames)
        let at = 0
        const wanted = frames.map(frame => (at += frame.length))
        const cuts = places.map(place => place % (stream.length + 1)).toSorted((a, b) => a - b)
        expect(endsOf(protocol, stream, cuts)).toEqual(wanted)
        expect(
          endsOf(
            protocol,
            stream,
            Array.from(stream, (_, index) => index),
          ),
        ).toEqual(wanted)
        const { body: read } = protocol.decode(stream, 0, wanted[0]!)
        expect(Buffer.from(read)).toEqual(Buffer.from(bodyFor(elements, bodies[0]!)))
        expect(protocol.explain?.(stream, 0, wanted[0]!)).toBeUndefined()
      }),
      { numRuns: propertyRuns },
    )
  })

  test('always answers changed bytes, and reads nothing beyond them', () => {
    fc.assert(
      fc.property(anyBody, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), (given, changes) => {
        const frame = Buffer.from(protocol.encode({ body: bodyFor(elements, given) }))
        for (const [at, value] of changes) frame[at % frame.length] = value
        for (let to = 0; to <= frame.length; to++) {
          const end = protocol.frameEnd(frame, 0, to, 0)
          expect(end === incomplete || end === malformed || end === tooLarge || (end > 0 && end <= to)).toBe(true)
          // The bytes behind are not looked at.
          const alone = Buffer.concat([frame.subarray(0, to), Buffer.alloc(8, 0xff)])
          expect(protocol.frameEnd(alone, 0, to, 0)).toBe(end)
          if (end < 0) expect(protocol.explain?.(frame, 0, to)).toEqual(expect.any(String))
        }
      }),
      { numRuns: propertyRuns },
    )
  })
})

describe('the bytes of a picture', () => {
  test.each<[string, PictureElement[], string, object, string]>([
    ['MQTT PINGREQ', pictures['MQTT']!, '', { type: 0xc0 }, 'c000'],
    ['PostgreSQL query', pictures['PostgreSQL']!, 'SELECT 1\0', { type: 'Q' }, '510000000d53454c454354203100'],
    ['netstring', pictures['netstring']!, 'hello world!', {}, '31323a68656c6c6f20776f726c64212c'],
    ['WebSocket text', pictures['WebSocket']!, 'Hello', {}, '810548656c6c6f'],
  ])('%s', (_, elements, text, fields, wire) => {
    const frame = picture(...elements).encode({ body: Buffer.from(text), fields: { ...fields } })
    expect(Buffer.from(frame).toString('hex')).toBe(wire)
    expect(picture(...elements).frameEnd(frame, 0, frame.length, 0)).toBe(frame.length)
  })

  test('FIX has its length and its checksum', () => {
    const frame = picture(...pictures['FIX']!).encode({ body: Buffer.from('35=0\u0001') })
    const text = Buffer.from(frame).toString('latin1')
    expect(text).toMatch(/^8=FIX\.4\.4\u00019=5\u000135=0\u000110=\d{3}\u0001$/)
    const sum = [...Buffer.from(text.slice(0, text.indexOf('10=')))].reduce((all, byte) => all + byte, 0) % 256
    expect(Number(text.slice(-4, -1))).toBe(sum)
  })

  test('is that of the built-in formats', () => {
    const rpc = picture(
      length('u32'),
      id('u32'),
      field('type', 'u8'),
      field('version', 'i16'),
      field('extension', 'i64'),
      length('u32', { counts: 'body' }),
      body,
    )
    const message = { id: 7, type: 9, version: -2, extension: -3n, body: Buffer.from('hello') }
    const frame = createProtocol(protocolSpec('rpc')).encode(message)
    const { id: number, body: carried, ...fields } = message
    expect(rpc.encode({ id: number, body: carried, fields })).toEqual(frame)
    expect(rpc.decode(frame, 0, frame.length)).toMatchObject({
      id: 7,
      fields: { type: 9, version: -2, extension: -3 },
    })
    const tlv = picture(...pictures['TLV: length, type, value']!)
    expect(tlv.encode({ body: carried, fields: { type: 9 } })).toEqual(
      createProtocol(protocolSpec('tlv')).encode({ type: 9, body: carried }),
    )
  })

  test('joins ids that requests and replies have in different places', () => {
    const request = [length('u16'), field('op', 'u8'), id('u16', { min: 100, max: 4195 }), body]
    const reply = [field('status', 'u8'), length('leb128'), skip(3), body, id('u16')]
    const { requestId, encode, frameEnd } = createPicture({ request, reply, maxFrame })
    expect(requestId).toMatchObject({ bits: 16, max: 4096 })
    const frame = encode({ body: Buffer.from('abc'), fields: { op: 5 } })
    requestId!.write(frame, 0, 8)
    expect(Buffer.from(frame).toString('hex')).toBe('000605006b616263')
    const answer = Buffer.from('0008000000616263006b', 'hex')
    expect(frameEnd(answer, 0, answer.length, 0)).toBe(answer.length)
    expect(requestId!.read(answer, 0, answer.length)).toBe(8)
  })

  test('writes an id behind the body of a frame that others follow', () => {
    const { requestId, seal, encode, frameEnd } = picture(length('u8'), body, id('u16'), checksum('sum8', { as: 'u8' }))
    const frames = Buffer.concat(['a', 'bcd', ''].map(text => encode({ body: Buffer.from(text) })))
    const at = 5
    requestId!.write(frames, at, 0x0102)
    seal!(frames, at, at + 7)
    expect(frames.toString('hex')).toBe('0461000065' + '06626364' + '0102' + '32' + '03000003')
    expect(frameEnd(frames, at, frames.length, 0)).toBe(at + 7)
  })

  test('refuses what does not fit, with the value and what was wanted', () => {
    const small = picture(field('type', 'u8'), length('u8'), body)
    const encode =
      (fields: Record<string, number>, size = 0) =>
      () =>
        small.encode({ body: new Uint8Array(size), fields })
    expect(encode({ type: 300 })).toThrow('type: expected 0 to 255 (u8), got 300')
    expect(encode({}, 300)).toThrow('the length counts 0 to 255 bytes, and this message has 300')
    expect(() => picture({ kind: 'body', bytes: 3 }).encode({ body: Buffer.from('ab') })).toThrow(
      'the body has 3 bytes, not 2',
    )
    const char = picture(field('type', 'char'), length('u8'), body)
    expect(() => char.encode({ body: Buffer.from(''), fields: { type: 'ZZ' } })).toThrow(
      'type: expected one character, or its code from 0 to 255 (char), got ZZ',
    )
  })

  test('says why a frame is refused', () => {
    const why = (protocol: Protocol, digits: string) => {
      const frame = Buffer.from(digits, 'hex')
      expect(protocol.frameEnd(frame, 0, frame.length, 0)).toBeLessThan(0)
      return protocol.explain!(frame, 0, frame.length)
    }
    expect(why(picture(hex('30'), length('ber'), body), '31')).toBe('has 31 where 30 is to be')
    expect(why(picture(hex('30'), length('ber'), body), '3080')).toBe('has a length that cannot be read')
    expect(why(picture(length('u32', { counts: 'all' }), body), '00000003')).toContain('fewer than the 4 of its header')
    expect(why(picture(length('u32'), body), '7fffffff')).toContain('announces 2 GiB')
    expect(why(picture(length('u8'), body, hex('ce')), '024142')).toContain('other bytes where constant ones')
  })

  test('of a datagram has a body as long as the rest', () => {
    const dns = picture(id('u16'), skip(10), body)
    expect(dns.frameEnd(new Uint8Array(30), 0, 30, 0)).toBe(30)
    expect(dns.frameEnd(new Uint8Array(11), 0, 11, 0)).toBe(incomplete)
  })
})

test('a field has only the values that it may have, wherever it stands', () => {
  const only = (name: string, type: 'u8' | 'u16', ...values: number[]): PictureElement => {
    return { kind: 'field', name, type, value: values[0]!, only: values }
  }
  const { frameEnd, explain } = picture(only('type', 'u8', 1, 0x81), length('u8'), only('kind', 'u16', 7), body)
  const of = (digits: string) => {
    const bytes = Buffer.from(digits.replaceAll(' ', ''), 'hex')
    return [frameEnd(bytes, 0, bytes.length, 0), explain!(bytes, 0, bytes.length)]
  }
  expect(of('01 03 0007 aa')).toEqual([5, undefined])
  expect(of('81 02 0007')).toEqual([4, undefined])
  // As soon as it is in, whatever the length says.
  expect(of('02')).toEqual([malformed, 'has type 0x2, which its frames must not have'])
  expect(of('01 03 0008')).toEqual([incomplete, undefined])
  expect(of('01 03 0008 aa')[0]).toBe(malformed)
})

test('the mask of a WebSocket frame is where it is to be', () => {
  const [masked, plain] = [0x80, 0].map(flag =>
    picture(field('type', 'u8'), length('ws', { counts: 'body', flag }), body),
  )
  expect(masked!.explain!(Buffer.from('8105', 'hex'), 0, 2)).toBe('has no mask, which a client must give it')
  expect(plain!.explain!(Buffer.from('8185', 'hex'), 0, 2)).toBe('is masked, which only a client does')
})
