import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plainOrQuoted, quoteShown, quoteText, Secrets, showBytes } from './shownBytes.ts'
import { propertyRuns } from './testing/propertyRuns.ts'

const none = new Secrets()
const secrets = new Secrets(['opensesame', '4'], ['k3'])

describe('showBytes()', () => {
  test('shows text as text, with escapes', () => {
    expect(showBytes(Buffer.from('busy "now"\r\n\té 报'), none)).toEqual({ text: 'busy \\"now\\"\\r\\n\\té 报' })
    expect(showBytes(Buffer.from('a long red \x1b[31mtext\u202e, yes'), none)).toEqual({
      text: 'a long red \\x1b[31mtext\\u{202e}, yes',
    })
  })

  test('shows other bytes in hex, each 16 behind their offset', () => {
    expect(showBytes(Uint8Array.from([0, 0, 0, 0x68]), none)).toEqual({ hex: '0000: 00 00 00 68' })
    expect(showBytes(new Uint8Array(18), none).hex).toMatch(/^0000:( 00){16} {2}0010: 00 00$/)
    expect(showBytes(Uint8Array.from([0x61, 0xff]), none)).toEqual({ hex: '0000: 61 ff' })
  })

  test('takes a text that is cut off within a character for text', () => {
    expect(showBytes(Buffer.from('prix: 5 €').subarray(0, -1), none, true)).toEqual({ text: 'prix: 5 ' })
  })

  test('masks secrets in text, in hex, and as a server may encode them', () => {
    expect(showBytes(Buffer.from('bad token opensesame!'), secrets)).toEqual({ text: 'bad token ***!' })
    expect(showBytes(Buffer.from('\0\x01opensesame\xff', 'latin1'), secrets)).toEqual({ hex: '0000: 00 01 *** ff' })
    expect(showBytes(Buffer.from('k3 and 4'), secrets)).toEqual({ text: '*** and 4' })
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      const { text } = showBytes(Buffer.from(`got ${Buffer.from('opensesame').toString(encoding)}.`), secrets)
      expect(text).toMatch(/^got \*\*\*.{0,3}\.$/)
    }
    expect(showBytes(Buffer.from(JSON.stringify({ v: 'a"b"c' })), new Secrets(['a"b"c'])).text).toBe(
      '{\\"v\\":\\"***\\"}',
    )
    expect(showBytes(Buffer.from('x=a%20b%26'), new Secrets(['a b&'])).text).toBe('x=***')
  })

  test('masks the beginning of a secret at the end of bytes that are cut off', () => {
    expect(showBytes(Buffer.from('token opense'), secrets, true)).toEqual({ text: 'token ***' })
    expect(showBytes(Buffer.from('token opense'), secrets)).toEqual({ text: 'token opense' })
  })

  test('shows no control character and no secret, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 20 }), (before, after) => {
        const shown = quoteShown(showBytes(Buffer.concat([before, Buffer.from('opensesame'), after]), secrets), 5000)
        expect(shown).not.toMatch(/\p{Cc}|\p{Cf}/u)
        expect(shown).not.toContain('opensesame')
        expect(shown).not.toContain('6f 70 65 6e 73')
      }),
      { numRuns: propertyRuns },
    )
  })
})

test('plainOrQuoted() leaves text alone that acts on no terminal', () => {
  expect(plainOrQuoted(Buffer.from('{"a":\t"é"}'))).toBe('{"a":\t"é"}')
  expect(plainOrQuoted(Buffer.from('two\nlines, "quoted"'))).toBe('"two\\nlines, \\"quoted\\""')
  expect(plainOrQuoted(Buffer.from([0, 1, 0xff]))).toBe('hex 0001ff')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), text => {
      const shown = [plainOrQuoted(Buffer.from(text)), quoteText(text, 20)]
      for (const line of shown) expect(line.replaceAll('\t', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    }),
    { numRuns: propertyRuns },
  )
})

test('quoteShown() is one short line', () => {
  expect(quoteShown({ text: 'busy' })).toBe('"busy"')
  expect(quoteShown({ hex: '0000: 01' })).toBe('hex 0000: 01')
  expect(quoteShown({ text: 'x'.repeat(100) }, 10)).toBe(`"${'x'.repeat(9)}…"`)
})
