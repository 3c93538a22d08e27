import { expect, test } from 'vitest'
import { bytesOf, textOf } from '../testing/bytes.ts'
import { encodeCommand, splitCommand } from './respCommand.ts'

const wordsOf = (text: string) => splitCommand(bytesOf(text)).map(textOf)

test('splitCommand() splits words at blanks', () => {
  expect(wordsOf('PING')).toEqual(['PING'])
  expect(wordsOf('  SET\tkey \n value\r\n')).toEqual(['SET', 'key', 'value'])
  expect(wordsOf('SET 用户 a\\nb')).toEqual(['SET', '用户', 'a\\nb'])
})

test('splitCommand() keeps quoted text together', () => {
  expect(wordsOf(`SET "two words" 'and three more'`)).toEqual(['SET', 'two words', 'and three more'])
  expect(wordsOf(`SET '' ""`)).toEqual(['SET', '', ''])
  expect(wordsOf(`SET "it's" 'say "hi"' pre"fix ed"`)).toEqual(['SET', "it's", 'say "hi"', 'prefix ed'])
})

test('splitCommand() supports the escapes of redis-cli', () => {
  expect(wordsOf(String.raw`"\n\r\t\b\a\"\\\q"`)).toEqual(['\n\r\t\b\x07"\\q'])
  expect(wordsOf(String.raw`'\n it\'s \\ \"'`)).toEqual([String.raw`\n it's \\ \"`])
  expect(splitCommand(bytesOf(String.raw`"\x00\xfF\x4" '\x41'`))).toEqual([
    bytesOf({ u8: 0 }, { u8: 255 }, 'x4'),
    bytesOf(String.raw`\x41`),
  ])
})

test('splitCommand() leaves bytes that are not text unchanged', () => {
  const bytes = bytesOf('SET k ', { u8: 0xff }, { u8: 0x80 }, { u8: 0xc3 })
  expect(splitCommand(bytes).at(-1)).toEqual(bytesOf({ u8: 0xff }, { u8: 0x80 }, { u8: 0xc3 }))
})

test('encodeCommand() counts bytes, not characters', () => {
  expect(textOf(encodeCommand(bytesOf('SET 用 ""')))).toBe('*3\r\n$3\r\nSET\r\n$3\r\n用\r\n$0\r\n\r\n')
})

test('splitCommand() refuses an invalid command line', () => {
  const cases = [
    ['', 'a command must have at least one word, such as PING'],
    [' \t\n', 'at least one word'],
    ['SET "open', 'a command must close its quotes, unlike "SET \\"open"'],
    [`SET 'it\\'`, 'must close its quotes'],
    ['SET "open\\', 'must close its quotes'],
    ['SET "a"b', 'a closing quote must be followed by a blank, not as in "SET \\"a\\"b"'],
  ] as const
  for (const [text, reason] of cases) {
    expect(() => wordsOf(text)).toThrow(RangeError)
    expect(() => wordsOf(text)).toThrow(reason)
  }
})
