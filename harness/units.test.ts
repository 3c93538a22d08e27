import { describe, expect, it } from 'vitest'
import {
  formatBitRate,
  formatElapsed,
  formatPercent,
  formatRatio,
  formatSeconds,
  formatSetting,
  formatShortCount,
  parseBitRate,
  parseDuration,
  parsePercent,
} from './units.ts'

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

describe('formatSeconds()', () => {
  it.each([
    [0, '0.0 s'],
    [0.0117, '11.7 ms'],
    [0.4, '0.4 s'],
    [10, '10.0 s'],
    [3600, '3,600 s'],
  ])('writes %d s as %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })
})

describe('formatSetting()', () => {
  it.each(['0ms', '10s', '1500ms', '2.3ms', '300us', '70us', '0.1us', '999.999us', '1.001ms'])(
    'writes %s as it was read',
    text => {
      expect(formatSetting(parseDuration(text)!)).toBe(text)
    },
  )

  it.each([
    ['2300us', '2.3ms'],
    ['300µs', '300us'],
    ['150ns', '0.15us'],
    ['1ms70us', '1.07ms'],
  ])('writes %s as %s', (text, shown) => {
    expect(formatSetting(parseDuration(text)!)).toBe(shown)
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

describe('parseBitRate()', () => {
  it.each([
    ['800bit', 800],
    ['64kbit', 64_000],
    ['50mbit', 50_000_000],
    ['1.5gbit', 1_500_000_000],
    [' 50 Mbit/s ', 50_000_000],
    ['0bit', 0],
  ])('reads %s as %d bits a second', (text, bitsPerSecond) => {
    expect(parseBitRate(text)).toBe(bitsPerSecond)
  })

  it.each(['', '50', '50m', '50MB', 'mbit', '-1mbit', '1e3bit', '50tbit', '50mbit/m', '5 0mbit'])(
    'refuses "%s"',
    text => {
      expect(parseBitRate(text)).toBeUndefined()
    },
  )
})

describe('parsePercent()', () => {
  it.each([
    ['2%', 0.02],
    ['0.1%', 0.001],
    ['0%', 0],
    [' 100 % ', 1],
  ])('reads %s as %d', (text, fraction) => {
    expect(parsePercent(text)).toBe(fraction)
  })

  it.each(['', '%', '2', '100.1%', '-1%', '1e1%', '1%%'])('refuses "%s"', text => {
    expect(parsePercent(text)).toBeUndefined()
  })
})

describe('formatBitRate()', () => {
  it.each([
    [800, '800 bit/s'],
    [64_000, '64 kbit/s'],
    [999_600, '1 Mbit/s'],
    [50_000_000, '50 Mbit/s'],
    [1_500_000_000, '1.5 Gbit/s'],
    [100_000_000_000, '100 Gbit/s'],
  ])('writes %d as %s', (bitsPerSecond, text) => {
    expect(formatBitRate(bitsPerSecond)).toBe(text)
  })
})
