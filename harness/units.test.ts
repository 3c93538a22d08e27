import { describe, expect, it } from 'vitest'
import { formatElapsed, formatPercent, formatRatio, formatShortCount } from './units.ts'

describe('formatElapsed()', () => {
  it.each([
    [0, '0s'],
    [999, '0s'],
    [59_999, '59s'],
    [125_000, '2m05s'],
    [3_725_000, '1h02m05s'],
    [360_000_000, '100h00m00s'],
  ])('writes %d ms as %s', (milliseconds, text) => {
    expect(formatElapsed(milliseconds)).toBe(text)
  })
})

describe('formatPercent()', () => {
  it.each([
    [0, '0 %'],
    [1, '100 %'],
    [0.0012, '0.12 %'],
    [0.00001234, '0.00123 %'],
    [0.02, '2 %'],
    [1e-12, '< 0.000001 %'],
    [Number.NaN, '-'],
  ])('writes %d as %s', (fraction, text) => {
    expect(formatPercent(fraction)).toBe(text)
  })
})

describe('formatRatio()', () => {
  it.each([
    [1, '1.00'],
    [0.2391, '0.239'],
    [131 / 138_214, '0.000948'],
    [12.345, '12.3'],
    [999.4, '999'],
    [1055.4, '1,055'],
    [0, '0.00'],
    [1e-9, '< 0.000001'],
    [Number.POSITIVE_INFINITY, '-'],
  ])('writes %d as %s', (ratio, text) => {
    expect(formatRatio(ratio)).toBe(text)
  })
})

describe('formatShortCount()', () => {
  it.each([
    [0, '0'],
    [950, '950'],
    [999.6, '1k'],
    [13_800, '13.8k'],
    [999_499, '999k'],
    [1_400_000, '1.4M'],
    [2_100_000_000, '2.1G'],
  ])('writes %d as %s', (value, text) => {
    expect(formatShortCount(value)).toBe(text)
  })
})
