import { expect, test } from 'vitest'
import { parseStall } from './stall.ts'

test('parseStall() reads a repeated and a permanent stall', () => {
  expect(parseStall('1s/10s')).toEqual({ kind: 'repeated', lengthMs: 1000, periodMs: 10_000 })
  expect(parseStall('500us/2ms')).toEqual({ kind: 'repeated', lengthMs: 0.5, periodMs: 2 })
  expect(parseStall('forever@54s')).toEqual({ kind: 'forever', fromMs: 54_000 })
  expect(parseStall('forever@0s')).toEqual({ kind: 'forever', fromMs: 0 })
})

test.each([
  '',
  '1s',
  '1s/',
  '/10s',
  '0s/10s',
  '10s/10s',
  '11s/10s',
  '1/10',
  '1s@10s',
  '1s/10s/10s',
  'forever',
  '1s/25h',
])('parseStall() refuses "%s"', text => {
  expect(parseStall(text)).toBeUndefined()
})
