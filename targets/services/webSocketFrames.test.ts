import fc from 'fast-check'
import { expect, test } from 'vitest'
import { incomplete, malformed, tooLarge } from '../../harness/protocols/protocol.ts'
import { frame } from '../../harness/protocols/testing/webSocketFrames.ts'
import { propertyRuns } from '../../harness/testing/propertyRuns.ts'
import { frameEnd, unmask, webSocketRequests } from './webSocketFrames.ts'

const maxFrame = 70_000
const { frameEnd: messageEnd } = webSocketRequests(maxFrame)

const anyMask = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
/** Bytes of lengths around those at which the length takes another form. */
const anyPayload = fc
  .oneof(fc.nat(130), fc.constantFrom(125, 126, 65_535, 65_536))
  .map(length => Buffer.from(Array.from({ length }, (_, index) => index % 251)))

test('a frame with any mask ends where it ends, and its payload comes off whole', () => {
  fc.assert(
    fc.property(anyPayload, anyMask, fc.nat(9), (payload, mask, offset) => {
      const bytes = Buffer.concat([Buffer.alloc(offset), frame(0x82, payload, mask), Buffer.alloc(7, 0xff)])
      const end = offset + frame(0x82, payload, mask).length
      for (const to of [offset, offset + 1, offset + 2, offset + 5, end - 1]) {
        if (to < end) expect(messageEnd(bytes, offset, to, 0)).toBe(incomplete)
      }
      expect(messageEnd(bytes, offset, bytes.length, 0)).toBe(end)
      const into = new Uint8Array(payload.length + 10)
      expect(unmask(bytes, offset, end, into, 3)).toBe(3 + payload.length)
      expect(Buffer.compare(into.subarray(3, 3 + payload.length), payload)).toBe(0)
    }),
    { numRuns: propertyRuns },
  )
})

test('a message ends with its last fragment, at every cut, with control frames between', () => {
  const parts = fc.array(fc.tuple(fc.nat(5), fc.boolean()), { minLength: 2, maxLength: 5 })
  fc.assert(
    fc.property(parts, anyMask, (fragments, mask) => {
      const message = Buffer.concat(
        fragments.flatMap(([length, hasPing], index) => {
          const type = index === 0 ? 0x01 : index === fragments.length - 1 ? 0x80 : 0x00
          const part = frame(type, 'x'.repeat(length), mask)
          return hasPing && index < fragments.length - 1 ? [part, frame(0x89, 'ping', mask)] : [part]
        }),
      )
      const bytes = Buffer.concat([message, frame(0x81, 'next', mask)])
      for (let to = 0; to < message.length; to++) expect(messageEnd(bytes, 0, to, 0)).toBe(incomplete)
      expect(messageEnd(bytes, 0, bytes.length, 0)).toBe(message.length)
    }),
    { numRuns: propertyRuns },
  )
})

test('an end is within the bytes, whatever they are', () => {
  const first = fc.constantFrom(0x00, 0x01, 0x02, 0x47, 0x80, 0x81, 0x88, 0x89)
  const noise = fc.tuple(first, fc.uint8Array({ maxLength: 60 })).map(([byte, rest]) => Buffer.from([byte, ...rest]))
  fc.assert(
    fc.property(noise, fc.nat(60), (bytes, length) => {
      const to = Math.min(length, bytes.length)
      for (const end of [messageEnd(bytes, 0, to, 0), frameEnd(bytes, 0, to, maxFrame)]) {
        if ([incomplete, malformed, tooLarge].includes(end)) continue
        expect(end).toBeGreaterThan(0)
        expect(end).toBeLessThanOrEqual(to)
      }
    }),
    { numRuns: propertyRuns },
  )
})
