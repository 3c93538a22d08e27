import { describe, expect, it } from 'vitest'
import { median, pairRatios, round, spreadOf } from './statistics.ts'

describe('median()', () => {
  it('is the middle value, whatever the order', () => {
    expect(median([5, 1, 3])).toBe(3)
    expect(median([7])).toBe(7)
  })
  it('is the mean of the middle two when there is an even number', () => {
    expect(median([4, 1, 3, 100])).toBe(3.5)
  })
  it('is NaN of nothing', () => {
    expect(median([])).toBeNaN()
  })
  it('leaves its values as they are', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })
})

describe('pairRatios()', () => {
  it('divides round by round', () => {
    expect(pairRatios([2, 9, 10], [1, 3, 20])).toEqual([2, 3, 0.5])
  })
  it('leaves out a round that lacks a value or would divide by 0', () => {
    expect(pairRatios([2, undefined, 4, 5, 6], [1, 3, undefined, 0, 3])).toEqual([2, 2])
    expect(pairRatios([1, 2], [])).toEqual([])
  })
  it('holds against a machine that slows down half way, where a ratio of medians does not', () => {
    const theirs = [100, 100, 40, 40, 40]
    const ours = theirs.map(value => value * 1.2)
    expect(spreadOf(pairRatios(ours, theirs))).toMatchObject({ min: 1.2, median: 1.2, max: 1.2 })
  })
})

describe('spreadOf()', () => {
  it('has the least, the middle and the most', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ each: [3, 1, 2], min: 1, median: 2, max: 3 })
  })
  it('is undefined of nothing', () => {
    expect(spreadOf([])).toBeUndefined()
  })
})

describe('round()', () => {
  it('keeps six figures', () => {
    expect(round(1 / 3)).toBe(0.333333)
    expect(round(1_234_567)).toBe(1_234_570)
  })
})
