import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cellCount, clip, clipStart, padEnd, padStart, printable, wrapWords } from './cells.ts'

describe('cellCount()', () => {
  it('is two for a Chinese character or an emoji, and none for a combining mark', () => {
    expect(cellCount('volley')).toBe(6)
    expect(cellCount('报文')).toBe(4)
    expect(cellCount('🚀')).toBe(2)
    expect(cellCount('e\u0301')).toBe(1)
    expect(cellCount('\u001b[1m\u001b[31mred\u001b[39m\u001b[22m')).toBe(3)
    expect(cellCount('┏━┓ ▒█░▁ …')).toBe(10)
  })
})

describe('clip()', () => {
  it('keeps a text that fits, and marks a cut', () => {
    expect(clip('volley', 6)).toBe('volley')
    expect(clip('volleys', 6)).toBe('volle…')
    expect(clip('报文长度', 6)).toBe('报文…')
    expect(clip('volley', 0)).toBe('')
  })

  it('never exceeds the given number of cells', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (text, cells) => {
        expect(cellCount(clip(text, cells))).toBeLessThanOrEqual(cells)
      }),
    )
  })
})

describe('clipStart()', () => {
  it('keeps the end of the text', () => {
    expect(clipStart('reports/a/1', 6)).toBe('…s/a/1')
    expect(clipStart('a/1', 6)).toBe('a/1')
  })
})

describe('padEnd() and padStart()', () => {
  it('count cells, not characters', () => {
    expect(padEnd('报文', 6)).toBe('报文  ')
    expect(padStart('报文', 6)).toBe('  报文')
    expect(padEnd('volley', 2)).toBe('volley')
  })
})

describe('printable()', () => {
  it('disarms line ends and escape sequences', () => {
    expect(printable('a\r\nb\u001b[2Jc\u202ed\ud800')).toBe('a  b?[2Jc?d\ud800')
  })
})

describe('wrapWords()', () => {
  it('breaks between words, and keeps a long word whole', () => {
    expect(wrapWords('one two three', 7)).toEqual(['one two', 'three'])
    expect(wrapWords('a reports/tlv-loopback b', 8)).toEqual(['a', 'reports/tlv-loopback', 'b'])
  })
})
