import { expect, test } from 'vitest'
import { nearest, unknownWord } from './suggestion.ts'

const keys = ['mode', 'pipeline', 'rate', 'arrivals', 'stages']

test.each([
  ['pipline', 'pipeline'],
  ['Rate', 'rate'],
  ['raet', 'rate'],
  ['STAGE', 'stages'],
  ['arivvals', 'arrivals'],
])('nearest("%s") is "%s"', (word, known) => {
  expect(nearest(word, keys)).toBe(known)
})

test.each(['', 'xyzzy', 'to', 'connections', 'pipe', 'r'.repeat(1e6)])('nearest("%.20s") is undefined', word => {
  expect(nearest(word, keys)).toBeUndefined()
  expect(nearest(word, [])).toBeUndefined()
})

test('nearest() prefers fewer edits, then the first', () => {
  expect(nearest('tcp', ['udp', 'tcp', 'tls'])).toBe('tcp')
  expect(nearest('rats', ['rate', 'rato'])).toBe('rate')
  expect(nearest('tvl', ['tls', 'tlv'])).toBe('tlv')
})

test('unknownWord() names the nearest word, or all of them', () => {
  expect(unknownWord('key', 'raet', keys)).toBe('unknown key "raet"; did you mean "rate"?')
  expect(unknownWord('protocol', 'websocket', ['raw', 'line', 'tlv'])).toBe(
    'unknown protocol "websocket"; known protocols: raw, line and tlv',
  )
})
