import { describe, expect, it } from 'vitest'
import { median, pairRatios, round, spreadOf } from './statistics.ts'

describe('median()', () => {
  it('is the middle value in any order', () => {
    expect(median([5, 1, 3])).toBe(3)
    expect(median([7])).toBe(7)
  })
  it('is the mean of the middle two of an even number', () => {
    expect(median([4, 1, 3, 100])).toBe(3.5)
  })
  it('is NaN of nothing', () => {
    expect(median([])).toBeNaN()
  })
  it('does not change its values', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })
})

describe('pairRatios()', () => {
  it('divides round by round', () => {
    expect(pairRatios([2, 9, 10], [1, 3, 20])).toEqual([2, 3, 0.5])
  })
  it('leaves out a round without a value or with 0 as the denominator', () => {
    expect(pairRatios([2, undefined, 4, 5, 6], [1, 3, undefined, 0, 3])).toEqual([2, 2])
    expect(pairRatios([1, 2], [])).toEqual([])
  })
  it('does not change if the machine slows down half way, unlike a ratio of medians', () => {
    const theirs = [100, 100, 40, 40, 40]
    const ours = theirs.map(value => value * 1.2)
    expect(spreadOf(pairRatios(ours, theirs))).toMatchObject({ min: 1.2, median: 1.2, max: 1.2 })
  })
})

describe('spreadOf()', () => {
  it('has minimum, median and maximum', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ each: [3, 1, 2], min: 1, median: 2, max: 3 })
  })
  it('is undefined of nothing', () => {
    expect(spreadOf([])).toBeUndefined()
  })
})

describe('round()', () => {
  it('keeps six digits', () => {
    expect(round(1 / 3)).toBe(0.333333)
    expect(round(1_234_567)).toBe(1_234_570)
  })
})
