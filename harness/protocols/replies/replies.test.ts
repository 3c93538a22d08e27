import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { propertyRuns } from '../../testing/propertyRuns.ts'
import { createProtocol } from '../catalog.ts'
import { createPicture } from '../picture/picture.ts'
import { pictures } from '../picture/testing/pictures.ts'
import { incomplete, malformed, type Protocol, tooLarge } from '../protocol.ts'
import { protocolSpec } from '../spec.ts'
import type { FrameTest } from './frameTests.ts'
import { compileTests } from './frameTests.ts'
import { type ReplyRules, withReplies } from './replies.ts'

const maxFrame = 1024
const line = createProtocol({ name: 'line', delimiter: '\r\n', maxFrame })
const postgres = createPicture({ request: pictures['PostgreSQL']!, reply: pictures['PostgreSQL']!, maxFrame })
const begins = (...patterns: string[]): FrameTest[] => patterns.map(pattern => ({ kind: 'begins', pattern }))
const type = (...characters: string[]): FrameTest[] => [
  { kind: 'fields', values: { type: characters.map(character => character.charCodeAt(0)) } },
]
const typed = (name: string, text = '') => postgres.encode({ body: Buffer.from(text), fields: { type: name } })

/** The whole replies and the other frames of a stream, as text, with what each is. */
function partsOf(protocol: Protocol, stream: Uint8Array): string[] {
  const parts: string[] = []
  for (let at = 0; at < stream.length; ) {
    const end = protocol.frameEnd(stream, at, stream.length, 0)
    if (end <= 0) return [...parts, `rest ${end}`]
    const isDelivered = (protocol.delivery?.(stream, at, end) ?? -1) >= 0
    const kind = protocol.ignores?.(stream, at, end) ? 'ignored ' : isDelivered ? 'delivered ' : ''
    const refused = protocol.isRefusal?.(stream, at, end) ? 'refused ' : ''
    const body = stream.subarray(protocol.bodyStart(stream, at, end), protocol.bodyEnd(stream, at, end))
    parts.push(`${kind}${refused}${Buffer.from(body).toString('latin1')}`)
    at = end
  }
  return parts
}

const lines = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'))

describe('a reply of several frames', () => {
  test('ends with a line that says so', () => {
    const smtp = withReplies(line, { until: begins('### '), refuse: begins('4', '5') })
    const stream = lines('250-one\n250-two\n250 end\n354 go\n550 no\n25')
    expect(partsOf(smtp, stream)).toEqual([
      '250-one\r\n250-two\r\n250 end',
      '354 go',
      'refused 550 no',
      `rest ${incomplete}`,
    ])
  })

  test('goes on after a line that says so', () => {
    const cache = withReplies(line, { more: begins('VALUE ', 'STAT ') })
    expect(partsOf(cache, lines('STAT a 1\nSTAT b 2\nEND\nSTORED\n'))).toEqual([
      'STAT a 1\r\nSTAT b 2\r\nEND',
      'STORED',
    ])
  })

  test('ends with a frame of a type, and what comes within it is no part of it', () => {
    const rules: ReplyRules = { until: type('Z'), ignore: type('A'), refuse: type('E') }
    const protocol = withReplies(postgres, rules)
    const stream = Buffer.concat([
      typed('A', 'notice'),
      ...[typed('T', 'columns'), typed('D', 'row'), typed('A', 'notice'), typed('Z', 'I')],
      ...[typed('T'), typed('E', 'out of memory'), typed('Z', 'I')],
    ])
    const parts = partsOf(protocol, stream)
    expect(parts).toHaveLength(3)
    expect(parts[0]).toBe('ignored notice')
    expect(parts[1]).toMatch(/^columns.*row.*notice.*I$/s)
    // The server says no after it has begun to answer.
    expect(parts[2]).toMatch(/^refused /)
    const from = protocol.frameEnd(stream, 0, stream.length, 0)
    const end = protocol.frameEnd(stream, from, stream.length, 0)
    expect(protocol.fields!['type']!(stream, from, end)).toBe('T'.charCodeAt(0))
    expect(protocol.decode(stream, from, end).fields).toEqual({ type: 'T'.charCodeAt(0) })
  })

  test('is whole with its first frame where that is a single one', () => {
    const bytes = (hex: string): FrameTest[] => [{ kind: 'at', offset: 0, hex }]
    const elements = pictures['MySQL, little-endian']!
    const packet = createPicture({ request: elements, reply: elements, maxFrame })
    const encode = (hex: string) => packet.encode({ body: Buffer.from(hex, 'hex') })
    const mysql = withReplies(packet, {
      single: [...bytes('00'), ...bytes('ff')],
      until: [...bytes('fe'), ...bytes('ff')],
    })
    const stream = Buffer.concat([encode('0001'), encode('02'), encode('0061'), encode('fe'), encode('ff15')])
    // The row of the second reply begins as an OK does.
    expect(partsOf(mysql, stream).map(part => part.length)).toEqual([2, 1 + 4 + 2 + 4 + 1, 2])
  })

  test('is bounded, however many frames it has', () => {
    const endless = withReplies(line, { until: begins('end'), maxFrames: 2 })
    const stream = lines('more\n'.repeat(400))
    expect(endless.frameEnd(stream, 0, 2 * maxFrame, 0)).toBe(incomplete)
    expect(endless.frameEnd(stream, 0, stream.length, 0)).toBe(tooLarge)
  })

  test('is found in whatever pieces it comes', () => {
    const protocol = withReplies(line, { until: begins('### '), ignore: begins('PING') })
    const replies = fc.array(fc.constantFrom('250-a\n250 b\n', '220 x\n', 'PING\n', '1-\nPING\n9\n999 \n'), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(replies, texts => {
        const stream = lines(texts.join(''))
        const ends: number[] = []
        let at = 0
        for (let to = 0; to <= stream.length; to++) {
          for (let end = protocol.frameEnd(stream, at, to, 0); end > 0; end = protocol.frameEnd(stream, at, to, 0)) {
            ends.push(end)
            at = end
          }
        }
        let sum = 0
        expect(ends).toEqual(texts.map(text => (sum += lines(text).length)))
      }),
      { numRuns: propertyRuns },
    )
  })
})

test('frames that answer nothing are told from replies', () => {
  const irc = withReplies(line, {
    ignore: [{ kind: 'word', word: 2, values: ['NOTICE', 'JOIN'] }],
    deliver: [{ kind: 'word', word: 2, values: ['PRIVMSG'] }],
    last: begins('ERROR'),
  })
  expect(partsOf(irc, lines(':a NOTICE b\n:a PRIVMSG b :NOTICE\nPONG x\n:a NOTICES b\n'))).toEqual([
    'ignored :a NOTICE b',
    'delivered :a PRIVMSG b :NOTICE',
    'PONG x',
    ':a NOTICES b',
  ])
  const error = lines('ERROR bye\n')
  expect(irc.endsConnection!(error, 0, error.length)).toBe(true)
})

describe('a test of frames', () => {
  const passes = (test: FrameTest | FrameTest[], text: string) => {
    const frame = lines(`${text}\n`)
    return compileTests([test].flat(), line)!(frame, 0, frame.length)
  }
  test.each<[string, FrameTest | FrameTest[], string[], string[]]>([
    ['digits and any bytes', begins('2##?x')[0]!, ['250-x', '299 xyz'], ['25a-x', '250-', '250-y', '']],
    ['escaped characters', begins('\\#\\?\\\\')[0]!, ['#?\\'], ['1?\\', '#a\\']],
    ['any of several', begins('+', '-ERR', '\\?'), ['+OK', '-ERR no', '?'], ['-', 'ERR', '']],
    ['bytes at a place', { kind: 'at', offset: 2, hex: '6162' }, ['xxab', 'xxabc'], ['ab', 'xxa', 'xxba']],
    ['a word', { kind: 'word', word: 3, values: ['c', 'dd'] }, ['a b c', 'a b dd e'], ['a b', 'a b cc', 'c c d']],
    ['a text that has some bytes', { kind: 'text', begins: '35=', has: '39' }, ['35=9', '35=19x'], ['35=', '36=9']],
    ['a text that lacks them', { kind: 'text', lacks: '3131' }, ['', '1', '1 1'], ['11', 'x11']],
  ])('%s', (_, given, good, bad) => {
    for (const text of good) expect([text, passes(given, text)]).toEqual([text, true])
    for (const text of bad) expect([text, passes(given, text)]).toEqual([text, false])
  })
})

test('explain() tells of the frame at fault within a reply of several frames', () => {
  const { frameEnd, explain } = createProtocol(
    protocolSpec({
      frame: { picture: [{ type: 'u8', only: [1, 2] }, { length: 'u8' }, 'body'], maxFrame: 20 },
      replies: { until: { type: 2 }, maxFrames: 2 },
    }),
  )
  const of = (hex: string) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    return [frameEnd(bytes, 0, bytes.length, 0), explain!(bytes, 0, bytes.length)]
  }
  expect(of('0100 0201 aa')).toEqual([5, undefined])
  expect(of('0100 01')).toEqual([incomplete, '1 whole frame, but none that ends the reply: are until or more right?'])
  expect(of('01')).toEqual([incomplete, undefined])
  expect(of('0100 0300')).toEqual([malformed, 'has type 0x3, which its frames must not have'])
  expect(of(`${'0100'.repeat(21)}`)).toEqual([tooLarge, 'no end of a reply within 40 B'])
})
