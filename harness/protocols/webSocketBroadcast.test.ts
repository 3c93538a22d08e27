import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { acknowledgedWords, deliveredWords } from './bareText.ts'
import { createBroadcast } from './broadcast.ts'
import { incomplete, malformed, tooLarge } from './protocol.ts'
import { clientFrame, frame } from './testing/webSocketFrames.ts'

const maxFrame = 1024
const protocol = createBroadcast({ framing: 'websocket', maxFrame })
const [ping, close] = [0x89, 0x88]
const objectOf = (message: string) => JSON.stringify({ client_ip: '10.0.0.1:7', message })
const acknowledgement = objectOf(`10.0.0.1:7: ${acknowledgedWords}`)
const delivery = objectOf(`10.0.0.1:7 ${deliveredWords}hello`)

/** A message in fragments that end at these places, with a ping after each. */
function inFragments(text: string, cuts: readonly number[]): Buffer {
  const bytes = Buffer.from(text)
  const places = [0, ...cuts.map(cut => cut % bytes.length).sort((a, b) => a - b), bytes.length]
  const parts = places.slice(1).map((place, index) => bytes.subarray(places[index]!, place))
  if (parts.length === 1) return frame(0x81, bytes)
  return Buffer.concat(
    parts.flatMap((part, index) => {
      const type = index === 0 ? 0x01 : index === parts.length - 1 ? 0x80 : 0x00
      return index === parts.length - 1 ? [frame(type, part)] : [frame(type, part), frame(ping, 'x')]
    }),
  )
}

const cutsOf = fc.array(fc.nat(200), { maxLength: 4 })

test('a message of several frames is one, whether it is acknowledged or delivered', () => {
  fc.assert(
    fc.property(cutsOf, fc.nat(9), (cuts, offset) => {
      for (const [text, isDelivery] of [
        [acknowledgement, false],
        [delivery, true],
      ] as const) {
        const message = inFragments(text, cuts)
        const bytes = Buffer.concat([Buffer.alloc(offset, 0x81), message, frame(0x81, 'other')])
        for (let to = offset; to < offset + message.length; to++) {
          expect(protocol.frameEnd(bytes, offset, to, 0)).toBe(incomplete)
        }
        const end = protocol.frameEnd(bytes, offset, bytes.length, 0)
        expect(end).toBe(offset + message.length)
        expect(protocol.delivery!(bytes, offset, end) >= 0).toBe(isDelivery)
        expect(protocol.isRefusal!(bytes, offset, end)).toBe(isDelivery)
        expect(Buffer.from(protocol.decode(bytes, offset, end).body).toString()).toBe(JSON.parse(text).message)
      }
    }),
    { numRuns: propertyRuns },
  )
})

test('a fragment by itself is no delivery, and neither is what wants an answer', () => {
  const alone = [
    frame(0x01, delivery),
    frame(0x00, delivery),
    frame(0x80, delivery),
    frame(ping, delivery.slice(0, 90)),
  ]
  for (const bytes of alone) expect(protocol.delivery!(bytes, 0, bytes.length)).toBe(-1)
  const asked = [frame(ping, 'a'), frame(close), frame(0x8a, 'a'), frame(0x81, delivery)]
  expect(asked.map(bytes => protocol.answerTo!(bytes, 0, bytes.length))).toEqual([0, 1, -1, -1])
})

test('what a client sends is masked, an object or what is told by its type', () => {
  const sent = clientFrame(Buffer.from(protocol.encode({ body: Buffer.from('hello "a"'), clientIp: 'me' })))!
  expect([sent.type, JSON.parse(sent.body.toString())]).toEqual([0x81, { client_ip: 'me', message: 'hello "a"' }])
  const answer = clientFrame(Buffer.from(protocol.encode({ body: Buffer.from([1, 0xff]), fields: { type: 0x8a } })))
  expect(answer).toEqual({ type: 0x8a, body: Buffer.from([1, 0xff]), length: 8 })
  const bytes = protocol.encode({ body: Buffer.from('hello') })
  expect(protocol.sent!.frameEnd(bytes, 0, bytes.length, 0)).toBe(bytes.length)
  expect(Buffer.from(protocol.sent!.decode(bytes, 0, bytes.length).body).toString()).toBe('hello')
  expect(() => protocol.encode({ body: Buffer.alloc(maxFrame, 'x') })).toThrow('at most 1024 bytes as JSON')
})

test('frameEnd() returns an offset in range for any bytes, and nothing else throws on what it finds', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }).map(bytes => Buffer.from(bytes)),
      cutsOf.map(cuts => inFragments(delivery, cuts)),
      fc.constantFrom(frame(0x01, 'a'), frame(0x80), frame(ping), frame(close), frame(0x81, '{"message":"')),
    ),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(pieces, fc.nat(40), (parts, from) => {
      const bytes = Buffer.concat(parts)
      const start = Math.min(from, bytes.length)
      const end = protocol.frameEnd(bytes, start, bytes.length, 0)
      if ([incomplete, malformed, tooLarge].includes(end)) {
        if (end < 0) expect(protocol.explain!(bytes, start, bytes.length)).toMatch(/./)
        return
      }
      expect(end).toBeGreaterThan(start)
      expect(end).toBeLessThanOrEqual(bytes.length)
      const [at, bodyEnd] = [protocol.bodyStart(bytes, start, end), protocol.bodyEnd(bytes, start, end)]
      expect(start <= at && at <= bodyEnd && bodyEnd <= end).toBe(true)
      protocol.decode(bytes, start, end)
      protocol.isRefusal!(bytes, start, end)
      expect(protocol.delivery!(bytes, start, end)).toBeLessThanOrEqual(end)
      protocol.joinedBody!(bytes, start, end)
    }),
    { numRuns: propertyRuns },
  )
})
