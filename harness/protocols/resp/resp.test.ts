import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { incomplete, malformed, tooLarge } from '../protocol.ts'
import { bytesOf, textOf } from '../testing/bytes.ts'
import { createResp } from './resp.ts'

const resp = createResp({ maxFrame: 1024 * 1024, version: 3 })

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
  ['a null', '_\r\n', ''],
  ['true', '#t\r\n', 't'],
  ['a double', ',-1.5e+10\r\n', '-1.5e+10'],
  ['a double without a fraction', ',10\r\n', '10'],
  ['an infinity', ',-inf\r\n', '-inf'],
  ['no number, as old servers write it', ',-NAN(0x1)\r\n', '-NAN(0x1)'],
  ['a big number', '(-3492890328409238509324850943850943825024385\r\n', '-3492890328409238509324850943850943825024385'],
  ['a bulk error', '!21\r\nSYNTAX invalid syntax\r\n', 'SYNTAX invalid syntax'],
  ['a verbatim string', '=15\r\ntxt:Some string\r\n', 'Some string'],
  ['an empty verbatim string', '=4\r\nmkd:\r\n', ''],
  ['a map', '%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n', '+a\r\n:1\r\n+b\r\n*1\r\n_\r\n'],
  ['an empty map', '%0\r\n', ''],
  ['a set', '~3\r\n+a\r\n#f\r\n,1.5\r\n', '+a\r\n#f\r\n,1.5\r\n'],
  ['an attribute and what it belongs to', '|1\r\n+ttl\r\n:3600\r\n:3\r\n', '3'],
  ['an error with an attribute', '|1\r\n+a\r\n%1\r\n+b\r\n:1\r\n-ERR no\r\n', 'ERR no'],
  ['two attributes, one of them empty', '|0\r\n|1\r\n+a\r\n|1\r\n+b\r\n:1\r\n:2\r\n$2\r\nhi\r\n', 'hi'],
  ['an attribute within an array', '*2\r\n:1\r\n|1\r\n+a\r\n:2\r\n:3\r\n', ':1\r\n|1\r\n+a\r\n:2\r\n:3\r\n'],
  ['an attribute of an attribute', '|1\r\n+a\r\n|1\r\n+b\r\n:1\r\n:2\r\n+x\r\n', 'x'],
  ['a push', '>3\r\n+message\r\n+room\r\n$2\r\nhi\r\n', '+message\r\n+room\r\n$2\r\nhi\r\n'],
  ['a streamed array', '*?\r\n:1\r\n*?\r\n.\r\n:2\r\n.\r\n', ':1\r\n*?\r\n.\r\n:2\r\n.\r\n'],
  ['a streamed set within an array', '*2\r\n~?\r\n:1\r\n.\r\n:2\r\n', '~?\r\n:1\r\n.\r\n:2\r\n'],
  ['a streamed map', '%?\r\n+a\r\n*1\r\n:1\r\n.\r\n', '+a\r\n*1\r\n:1\r\n.\r\n'],
  ['a streamed string within an array', '*1\r\n$?\r\n;2\r\nhi\r\n;0\r\n', '$?\r\n;2\r\nhi\r\n;0\r\n'],
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

test('decode() joins the chunks of a streamed string', () => {
  const bytes = bytesOf('$?\r\n;4\r\nHell\r\n;5\r\no wor\r\n;2\r\nld\r\n;0\r\n', '+OK\r\n')
  const end = bytes.length - 5
  for (let to = 0; to < end; to++) expect(resp.frameEnd(bytes, 0, to, 0)).toBe(incomplete)
  expect(resp.frameEnd(bytes, 0, bytes.length, 0)).toBe(end)
  expect(textOf(resp.decode(bytes, 0, end).body)).toBe('Hello world')
  expect(textOf(resp.joinedBody!(bytes, 0, end)!)).toBe('Hello world')
  expect(resp.joinedBody!(bytes, end, bytes.length)).toBeUndefined()
  expect(endOf('$?\r\n;0\r\n')).toBe(8)
})

test('frameEnd() separates pipelined replies of any shape', () => {
  const texts = replies.map(([, text]) => text)
  const { reply } = fc.letrec<{ reply: string; array: string }>(tie => ({
    // A push is never part of another value.
    reply: fc.oneof({ maxDepth: 5 }, fc.constantFrom(...texts.filter(text => !text.startsWith('>'))), tie('array')),
    array: fc.array(tie('reply'), { maxLength: 4 }).map(some => `*${some.length}\r\n${some.join('')}`),
  }))
  const any = fc.oneof(reply, fc.constantFrom(...texts))
  const small = createResp({ maxFrame: 100_000, version: 3 })
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 5 }), some => {
      const depth = (text: string) => (text.match(/[*|]1\r\n/g) ?? []).length
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
  ['a null with a text', '_x\r\n'],
  ['a truth value that is none', '#y\r\n'],
  ['a truth value of two letters', '#tt\r\n'],
  ['a double that begins with its point', ',.5\r\n'],
  ['a double that ends with its point', ',5.\r\n'],
  ['a double without digits in its exponent', ',5e\r\n'],
  ['a double that is a word', ',infinite\r\n'],
  ['an empty double', ',\r\n'],
  ['a big number with a fraction', '(1.5\r\n'],
  ['a big number without digits', '(-\r\n'],
  ['a nil bulk error', '!-1\r\n'],
  ['a nil map', '%-1\r\n'],
  ['a verbatim string without a format', '=3\r\nabc\r\n'],
  ['a verbatim string without its colon', '=5\r\ntxt-a\r\n'],
  ['a push within an array', '*1\r\n>1\r\n+a\r\n'],
  ['an empty push within an array', '*1\r\n>0\r\n'],
  ['a push without a count', '>?\r\n'],
  ['an attribute without a count', '|?\r\n'],
  ['an end of nothing', '.\r\n'],
  ['an end of an array with a count', '*1\r\n.\r\n'],
  ['an end behind an attribute', '*?\r\n|1\r\n:1\r\n:2\r\n.\r\n'],
  ['a streamed map that ends behind a key', '%?\r\n+a\r\n:1\r\n+b\r\n.\r\n'],
  ['a chunk of nothing', ';1\r\na\r\n'],
  ['a streamed string with something else', '$?\r\n+a\r\n'],
  ['a chunk longer than its length', '$?\r\n;1\r\nab\r\n'],
  ['a chunk below zero', '$?\r\n;-1\r\n'],
  ['33 nested attributes', '|1\r\n'.repeat(33)],
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

test('frameEnd() bounds what has no count, and attributes', () => {
  const small = createResp({ maxFrame: 100 })
  expect(endOf('%16\r\n', small)).toBe(tooLarge)
  expect(endOf('%15\r\n', small)).toBe(incomplete)
  expect(endOf(`*?\r\n${':1\r\n'.repeat(30)}`, small)).toBe(tooLarge)
  expect(endOf(`$?\r\n${';1\r\na\r\n'.repeat(20)}`, small)).toBe(tooLarge)
  expect(endOf('|0\r\n'.repeat(30), small)).toBe(tooLarge)
  expect(endOf('$?\r\n;90\r\n', small)).toBe(tooLarge)
  expect(endOf(`(${'1'.repeat(100)}`, small)).toBe(tooLarge)
})

test('frameEnd() takes a push for malformed where nobody would count it', () => {
  const second = createResp({ maxFrame: 1024 })
  expect(endOf('>1\r\n+a\r\n', second)).toBe(malformed)
  expect(endOf('|1\r\n+a\r\n:1\r\n>1\r\n+a\r\n', second)).toBe(malformed)
  expect(second.delivery).toBeUndefined()
  expect(second.explain!(bytesOf('>1\r\n+a\r\n'), 0, 9)).toBe(
    'a push, which is a delivery with { resp: { version: 3 } } only',
  )
})

test('delivery() is where the elements of a push begin', () => {
  const push = '>3\r\n+message\r\n+room\r\n$2\r\nhi\r\n'
  const found = (text: string) => resp.delivery!(bytesOf(text), 0, text.length)
  expect(found(push)).toBe(4)
  expect(found(`|1\r\n+a\r\n:1\r\n${push}`)).toBe(16)
  expect(found('*1\r\n+message\r\n')).toBe(-1)
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
  expect(refused.map(([name]) => name)).toEqual(['an error', 'a bulk error', 'an error with an attribute'])
})

test('encode() sends a command line as an array of bulk strings', () => {
  expect(textOf(resp.encode({ body: bytesOf('SET key "two words"') }))).toBe(
    '*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$9\r\ntwo words\r\n',
  )
  expect(() => createResp({ maxFrame: 10 }).encode({ body: bytesOf('PING') })).toThrow('at most 10 bytes, not 14')
})
