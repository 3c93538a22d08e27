import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { createLine } from './line.ts'
import type { LineData } from './lineData.ts'
import { incomplete, malformed, tooLarge } from './protocol.ts'

const maxFrame = 200
const memcached: LineData[] = [{ after: 'VALUE ', word: 4, plus: 2 }]
const cache = createLine({ delimiter: '\r\n', maxFrame, data: memcached })

/** The bodies of the frames of a stream, and the result that ends it. */
function framesOf(protocol: ReturnType<typeof createLine>, text: string): (string | number)[] {
  const stream = Buffer.from(text, 'latin1')
  const frames: (string | number)[] = []
  for (let at = 0; at < stream.length; ) {
    const end = protocol.frameEnd(stream, at, stream.length, 0)
    if (end <= 0) return [...frames, end]
    const body = stream.subarray(protocol.bodyStart(stream, at, end), protocol.bodyEnd(stream, at, end))
    expect(Buffer.from(protocol.decode(stream, at, end).body)).toEqual(Buffer.from(body))
    frames.push(body.toString('latin1'))
    at = end
  }
  return frames
}

test('a line that announces data has it in its frame', () => {
  expect(framesOf(cache, 'VALUE k 0 5\r\nhe\r\no\r\nEND\r\nVALUE k 0 0\r\n\r\nX')).toEqual([
    'VALUE k 0 5\r\nhe\r\no',
    'END',
    'VALUE k 0 0\r\n',
    incomplete,
  ])
})

test('a word may be counted from the end, and data may end without a delimiter', () => {
  const nats = createLine({ delimiter: '\r\n', maxFrame, data: [{ after: 'MSG ', word: -1, plus: 2 }] })
  expect(framesOf(nats, 'MSG room 1 5\r\nhello\r\nMSG room 1 reply 2\r\nhi\r\nPING\r\n')).toEqual([
    'MSG room 1 5\r\nhello',
    'MSG room 1 reply 2\r\nhi',
    'PING',
  ])
  const bare = createLine({ delimiter: '\n', maxFrame, data: [{ after: 'data ', word: 2, plus: 0 }] })
  expect(framesOf(bare, 'data 3\nab\ndata 1\nxok\n')).toEqual(['data 3\nab\n', 'data 1\nx', 'ok'])
})

test('a text with headers has its length in one of them, in whatever case', () => {
  const delimiter = '\r\n\r\n'
  const http = createLine({ delimiter, maxFrame, data: [{ header: 'Content-Length', plus: 0 }] })
  expect(framesOf(http, 'A 1\r\nX: y\r\ncontent-LENGTH:  3\r\n\r\nabcB\r\nContent-Lengthy: 9\r\n\r\n')).toEqual([
    'A 1\r\nX: y\r\ncontent-LENGTH:  3\r\n\r\nabc',
    'B\r\nContent-Lengthy: 9',
  ])
})

test('bytes between frames are no part of them', () => {
  const stomp = createLine({ delimiter: '\0', maxFrame, between: '\n' })
  expect(framesOf(stomp, 'CONNECTED\n\n\0\n\nMESSAGE\n\nhi\0\n')).toEqual([
    'CONNECTED\n\n',
    'MESSAGE\n\nhi',
    incomplete,
  ])
})

test.each([
  ['a word that is missing', 'VALUE k 0\r\n', malformed],
  ['a word that is no number', 'VALUE k 0 5x\r\n', malformed],
  ['more digits than a length has', 'VALUE k 0 12345678901\r\n', malformed],
  ['more than is accepted', 'VALUE k 0 500\r\n', tooLarge],
  ['a line without an end', `VALUE ${'k'.repeat(300)}`, tooLarge],
])('%s is refused, with the reason', (_, text, result) => {
  const bytes = Buffer.from(text)
  expect(cache.frameEnd(bytes, 0, bytes.length, 0)).toBe(result)
  expect(cache.explain!(bytes, 0, bytes.length)).toEqual(expect.any(String))
})

test('frames with data are found in whatever pieces they come', () => {
  const frame = fc.oneof(
    fc.constantFrom('END\r\n', 'STORED\r\n'),
    fc.string({ maxLength: 20 }).map(data => `VALUE k 0 ${Buffer.byteLength(data)}\r\n${data}\r\n`),
  )
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), frames => {
      const stream = Buffer.from(frames.join(''))
      const ends: number[] = []
      let at = 0
      for (let to = 0; to <= stream.length; to++) {
        for (let end = cache.frameEnd(stream, at, to, 0); end > 0; end = cache.frameEnd(stream, at, to, 0)) {
          ends.push(end)
          at = end
        }
      }
      let sum = 0
      expect(ends).toEqual(frames.map(text => (sum += Buffer.byteLength(text))))
    }),
    { numRuns: propertyRuns },
  )
})
