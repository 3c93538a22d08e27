import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { createBroadcast, encodeAcknowledgement, encodeDelivery } from './broadcast.ts'
import { PartialFrames } from './partialFrames.ts'
import { incomplete } from './protocol.ts'
import { bytesOf, textOf } from './testing/bytes.ts'

const protocol = createBroadcast({ framing: 'text', maxFrame: 1024 })
const { delivery, isRefusal, continues } = protocol as Required<typeof protocol>

const own = '127.0.0.1:40001'
const addresses = [own, '10.0.0.1:5', '[::1]:65535', '[fe80::1%eth0]:4000', '255.255.255.255:65535']
const acknowledgementTo = (address: string) => `${address}: 已经收到信息`
const deliveryTo = (address: string, text: string) => `${address} 地址发送了请求消息：${text}`

interface Counts {
  acknowledgements: number
  deliveries: number
  pieces: number
  /** What was seen of the texts, end to end. */
  seen: string
  unfinished: string
}

/** What a client makes of a stream in these pieces. */
function read(pieces: readonly Uint8Array[]): Counts {
  const counts: Counts = { acknowledgements: 0, deliveries: 0, pieces: 0, seen: '', unfinished: '' }
  const partialFrames = new PartialFrames()
  const seen: Uint8Array[] = []
  for (const piece of pieces) {
    partialFrames.join(0, piece, 0, piece.length)
    const { bytes, to } = partialFrames
    let { from } = partialFrames
    while (from < to) {
      const end = protocol.frameEnd(bytes, from, to, 0)
      if (end === incomplete) break
      if (end <= from || end > to) throw new Error(`the offset ${end} is not within ${from} to ${to}`)
      if (delivery(bytes, from, end) < 0) counts.acknowledgements++
      else if (continues(bytes, from, end)) counts.pieces++
      else counts.deliveries++
      seen.push(bytes.slice(from, end))
      from = end
    }
    partialFrames.keep(0, bytes, from, to)
  }
  partialFrames.show(0)
  const { bytes, from, to } = partialFrames
  counts.seen = textOf(bytesOf(...seen))
  counts.unfinished = textOf(bytes.slice(from, to))
  return counts
}

function framesOf(text: string): string[] {
  const bytes = bytesOf(text)
  const frames: string[] = []
  for (let from = 0; from < bytes.length; ) {
    const end = protocol.frameEnd(bytes, from, bytes.length, 0)
    if (end <= from) return [...frames, `(${end})`]
    frames.push(textOf(bytes.subarray(from, end)))
    from = end
  }
  return frames
}

test('frameEnd() tells acknowledgements and deliveries apart that came in one read', () => {
  for (const address of addresses) {
    const texts = [
      deliveryTo(address, 'hello'),
      acknowledgementTo(address),
      acknowledgementTo(address),
      deliveryTo(address, ''),
      deliveryTo(address, 'it is 1764298731234561'),
      deliveryTo(address, `${address.slice(0, 4)} 已经 12:30 :`),
      acknowledgementTo(address),
    ]
    expect(framesOf(texts.join(''))).toEqual(texts)
  }
})

test('frameEnd() ends a delivery where the bytes end, and an acknowledgement with its words', () => {
  expect(framesOf(deliveryTo(own, 'hello'))).toEqual([deliveryTo(own, 'hello')])
  expect(framesOf(acknowledgementTo(own))).toEqual([acknowledgementTo(own)])
  expect(framesOf(acknowledgementTo(own).slice(0, -1))).toEqual(['(0)'])
  expect(framesOf(own)).toEqual(['(0)'])
})

test('frameEnd() tells texts apart that begin with the addresses of their senders', () => {
  const texts = addresses.flatMap(address => [deliveryTo(address, 'hello'), deliveryTo(address, 'so ')])
  expect(framesOf(texts.join(''))).toEqual(texts)
})

test('delivery(), continues() and isRefusal() say what a text is', () => {
  const facts = (text: string) => {
    const bytes = bytesOf('..', text, '..')
    const [from, end] = [2, bytes.length - 2]
    return [delivery(bytes, from, end), continues(bytes, from, end), isRefusal(bytes, from, end)]
  }
  expect(facts(acknowledgementTo(own))).toEqual([-1, false, false])
  expect(facts(deliveryTo(own, 'hello'))).toEqual([2 + bytesOf(deliveryTo(own, '')).length, false, true])
  expect(facts('world')).toEqual([2, true, true])
  expect(facts('{"message":"hello"}')).toEqual([2, true, true])
})

test('frameEnd() takes other bytes for a piece of what was before, and finds the text behind it', () => {
  const json = '{"client_ip":"","message":"'
  expect(framesOf(`${json}${acknowledgementTo(own)}"}`)).toEqual([json, acknowledgementTo(own), '"}'])
  expect(framesOf(`wor d${deliveryTo(own, 'a')}`)).toEqual(['wor d', deliveryTo(own, 'a')])
  // A run of digits longer than any address.
  expect(framesOf('1'.repeat(100))).toEqual(['1'.repeat(100)])
})

test('encode() writes one JSON object with the address of the client, and refuses the words that tell texts apart', () => {
  const frame = protocol.encode({ body: bytesOf('say "hi"'), clientIp: own })
  expect(textOf(frame)).toBe(`{"client_ip":"${own}","message":"say \\"hi\\""}`)
  for (const text of [acknowledgementTo(own), deliveryTo('', '')]) {
    expect(() => protocol.encode({ body: bytesOf(text) })).toThrow('a message must not contain "已经收到信息" or')
  }
  expect(() => protocol.encode({ body: bytesOf('x'.repeat(1024)) })).toThrow('at most 1024 bytes as JSON')
})

test('encodeAcknowledgement() and encodeDelivery() write bare texts', () => {
  expect(textOf(encodeAcknowledgement(own, 'text'))).toBe(acknowledgementTo(own))
  expect(textOf(encodeDelivery(own, 'a "b"', 'text'))).toBe(deliveryTo(own, 'a "b"'))
})

describe('a stream of texts', () => {
  /** Messages that resemble what is between them, as far as a client may send them. */
  const message = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.constantFrom(
      '',
      '1',
      '127.0.0.1:4',
      `at ${own}`,
      'now 1764298731234561',
      'a:',
      'b 5 ',
      ': ',
      ' 地址',
      '已经收到',
    ),
  )
  const sent = message.filter(text => !/ (已经收到信息|地址发送了请求消息：)/.test(text))
  const texts = (address: string) =>
    fc.array(
      fc.oneof(
        fc.constant(acknowledgementTo(address)),
        sent.map(text => deliveryTo(address, text)),
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
  const isDelivery = (text: string) => text.includes(' 地址发送了请求消息：')

  test('has the same number of each kind, however it is cut', () => {
    const streams = fc.constantFrom(...addresses.filter(address => !address.includes('%'))).chain(texts)
    fc.assert(
      fc.property(streams, fc.array(fc.nat(), { maxLength: 12 }), (some, cuts) => {
        const whole = bytesOf(some.join(''))
        const places = [0, ...cuts.map(cut => cut % whole.length).sort((a, b) => a - b), whole.length]
        const pieces = places.slice(1).map((place, index) => whole.slice(places[index], place))
        const { acknowledgements, deliveries, seen, unfinished } = read(pieces)
        expect(seen + unfinished).toBe(some.join(''))
        expect({ acknowledgements, deliveries }).toEqual({
          acknowledgements: some.filter(text => !isDelivery(text)).length,
          deliveries: some.filter(isDelivery).length,
        })
      }),
      { numRuns: propertyRuns * 5 },
    )
  })

  test('has the same number of each kind when every byte comes alone, and with a cut at every place', () => {
    const some = [
      deliveryTo(own, 'hello 1'),
      acknowledgementTo(own),
      deliveryTo(own, ''),
      deliveryTo(own, 'so '),
      deliveryTo(own, `at 12:30 ${own}`),
      acknowledgementTo(own),
    ]
    const whole = bytesOf(some.join(''))
    const wanted = { acknowledgements: 2, deliveries: 4 }
    expect(read(Array.from(whole, (_, index) => whole.slice(index, index + 1)))).toMatchObject(wanted)
    for (let cut = 0; cut <= whole.length; cut++) {
      expect(read([whole.slice(0, cut), whole.slice(cut)])).toMatchObject(wanted)
    }
  })

  test('has an end in range for any bytes', () => {
    const alphabet = [...' .:[]%01a', ...bytesOf('已经收到信息地址发送了请求消息：')]
      .map(some => (typeof some === 'string' ? some.charCodeAt(0) : some))
      .map(byte => fc.constant(byte))
    const noise = fc.array(fc.oneof(fc.nat(255), ...alphabet), { maxLength: 300 })
    const parts = fc.array(
      fc.oneof(noise, fc.constantFrom(acknowledgementTo(own), deliveryTo(own, 'a'), own).map(bytesOf)),
    )
    fc.assert(
      fc.property(parts, parts => {
        const whole = Uint8Array.from(parts.flatMap(part => [...part]))
        read([whole])
        read(Array.from(whole, (_, index) => whole.slice(index, index + 1)))
      }),
      { numRuns: propertyRuns },
    )
  })
})
