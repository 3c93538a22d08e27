import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { incomplete, malformed, tooLarge } from '../protocol.ts'
import { bytesOf, textOf } from '../testing/bytes.ts'
import { createResp } from './resp.ts'

const resp = createResp({ maxFrame: 1024 * 1024 })

function endOf(text: string, protocol = resp): number {
  return protocol.frameEnd(bytesOf(text), 0, bytesOf(text).length, 0)
}

/** A name, a reply and its body. */
const replies: readonly (readonly [string, string, string])[] = [
  ['a simple string', '+OK\r\n', 'OK'],
  ['an empty simple string', '+\r\n', ''],
  ['an error', '-ERR value is not an integer\r\n', 'ERR value is not an integer'],
  ['an integer', ':1000\r\n', '1000'],
  ['a negative integer', ':-9223372036854775808\r\n', '-9223372036854775808'],
  ['an integer with a sign', ':+7\r\n', '+7'],
  ['a bulk string', '$5\r\nhello\r\n', 'hello'],
  ['a bulk string with line ends', '$6\r\n\r\na\r\n\n\r\n', '\r\na\r\n\n'],
  ['an empty bulk string', '$0\r\n\r\n', ''],
  ['a nil bulk string', '$-1\r\n', ''],
  ['a nil array', '*-1\r\n', ''],
  ['an empty array', '*0\r\n', ''],
  ['an array', '*2\r\n$3\r\nfoo\r\n$-1\r\n', '$3\r\nfoo\r\n$-1\r\n'],
  [
    'an array of all types',
    '*5\r\n+a\r\n-b\r\n:1\r\n$1\r\nc\r\n*1\r\n:2\r\n',
    '+a\r\n-b\r\n:1\r\n$1\r\nc\r\n*1\r\n:2\r\n',
  ],
  ['arrays that end at the same place', '*2\r\n*0\r\n*1\r\n*2\r\n:1\r\n*-1\r\n', '*0\r\n*1\r\n*2\r\n:1\r\n*-1\r\n'],
  ['32 nested arrays', `${'*1\r\n'.repeat(32)}:1\r\n`, `${'*1\r\n'.repeat(31)}:1\r\n`],
]

test.each(replies)('frameEnd() finds the end of %s, and is incomplete before it', (_, text, body) => {
  const bytes = bytesOf('xx', text, '$9\r\n')
  const end = 2 + text.length
  expect(resp.frameEnd(bytes, 2, bytes.length, 0)).toBe(end)
  for (let to = 2; to < end; to++) expect(resp.frameEnd(bytes, 2, to, 0)).toBe(incomplete)
  expect(textOf(bytes.subarray(resp.bodyStart(bytes, 2, end), resp.bodyEnd(bytes, 2, end)))).toBe(body)
  expect(textOf(resp.decode(bytes, 2, end).body)).toBe(body)
})

test('frameEnd() separates pipelined replies of any shape', () => {
  const { reply } = fc.letrec<{ reply: string; array: string }>(tie => ({
    reply: fc.oneof({ maxDepth: 5 }, fc.constantFrom(...replies.map(([, text]) => text)), tie('array')),
    array: fc.array(tie('reply'), { maxLength: 4 }).map(some => `*${some.length}\r\n${some.join('')}`),
  }))
  const small = createResp({ maxFrame: 100_000 })
  fc.assert(
    fc.property(fc.array(reply, { minLength: 1, maxLength: 5 }), some => {
      const depth = (text: string) => (text.match(/\*1\r\n/g) ?? []).length
      fc.pre(some.every(text => depth(text) < 20 && text.length < 1000))
      const bytes = bytesOf(some.join(''))
      let at = 0
      for (const text of some) {
        for (let to = at; to < at + text.length; to++) expect(small.frameEnd(bytes, at, to, 0)).toBe(incomplete)
        expect(small.frameEnd(bytes, at, bytes.length, 0)).toBe(at + text.length)
        at += text.length
      }
    }),
    { numRuns: propertyRuns },
  )
})

test.each([
  ['an unknown type', 'PONG\r\n'],
  ['a type of RESP3', '%1\r\n+a\r\n:1\r\n'],
  ['a bulk string without a length', '$\r\n'],
  ['a length that is not a number', '$5x\r\n'],
  ['a length in hex', '$0x5\r\n'],
  ['a length with a sign', '$+5\r\n'],
  ['a length below -1', '$-2\r\n'],
  ['a length that begins as nil does', '$-10\r\n'],
  ['a count below -1', '*-2\r\n'],
  ['a number that does not end', ':123456789012345678901'],
  ['a number that is not an integer', ':1.5\r\n'],
  ['a sign alone', ':-\r\n'],
  ['a bulk string longer than its length', '$2\r\nabc\r\n'],
  ['a bulk string that ends with a line feed', '$2\r\nab\n\n'],
  ['a lone line feed', '+OK\n'],
  ['a lone carriage return', '+O\rK\r\n'],
  ['a number that ends with a line feed alone', ':1\n'],
  ['33 nested arrays', '*1\r\n'.repeat(33)],
  ['an unknown type inside arrays', '*2\r\n*1\r\n:1\r\nx'],
])('frameEnd() returns malformed for %s', (_, text) => {
  expect(endOf(text)).toBe(malformed)
})

test('frameEnd() returns tooLarge as soon as a length or a count announces it', () => {
  const small = createResp({ maxFrame: 100 })
  expect(endOf(`$93\r\n${'x'.repeat(93)}\r\n`, small)).toBe(100)
  expect(endOf('$94\r\n', small)).toBe(tooLarge)
  expect(endOf('$99999999999999999999\r\n', small)).toBe(tooLarge)
  expect(endOf(`*31\r\n${'+\r\n'.repeat(31)}`, small)).toBe(98)
  expect(endOf('*32\r\n', small)).toBe(tooLarge)
  expect(endOf('*2\r\n$80\r\n', small)).toBe(incomplete)
  expect(endOf(`*2\r\n$80\r\n${'x'.repeat(80)}\r\n$4\r\n`, small)).toBe(tooLarge)
  expect(endOf('*1\r\n'.repeat(24), small)).toBe(incomplete)
  expect(endOf('*1\r\n'.repeat(25), small)).toBe(tooLarge)
})

test('frameEnd() bounds a line', () => {
  const line = `+${'x'.repeat(65_533)}\r\n`
  expect(endOf(line)).toBe(65_536)
  expect(endOf(line.slice(0, -1))).toBe(incomplete)
  expect(endOf(`+x${line.slice(1, -2)}`)).toBe(incomplete)
  expect(endOf(`+x${line.slice(1)}`)).toBe(tooLarge)
  expect(endOf(`-xxx${line.slice(1, -2)}`)).toBe(tooLarge)
})

test('isRefusal() is true only for an error', () => {
  const refused = replies.filter(([, text]) => resp.isRefusal!(bytesOf('xx', text), 2, 2 + text.length))
  expect(refused.map(([name]) => name)).toEqual(['an error'])
})

test('encode() sends a command line as an array of bulk strings', () => {
  expect(textOf(resp.encode({ body: bytesOf('SET key "two words"') }))).toBe(
    '*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$9\r\ntwo words\r\n',
  )
  expect(() => createResp({ maxFrame: 10 }).encode({ body: bytesOf('PING') })).toThrow('at most 10 bytes, not 14')
})
