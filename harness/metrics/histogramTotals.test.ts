import { expect, test } from 'vitest'
import { countsLength } from './histogram.ts'
import { HistogramTotals } from './histogramTotals.ts'
import { createSlab, histogram, type Slab } from './slab.ts'

const at = (index: number, bucket: number) => index * countsLength + bucket
const count = (slab: Slab, index: number, bucket: number, times: number) => {
  slab.counts[at(index, bucket)]! += times
}

test.each([1, 3])('HistogramTotals adds up %i steps of all workers, apart and together', steps => {
  const slabs = [createSlab(steps), createSlab(steps)]
  const totals = new HistogramTotals(slabs)
  for (let reading = 1; reading <= 2; reading++) {
    for (let step = 0; step < steps; step++) {
      count(slabs[0]!, histogram.steps + step, 7, 1)
      count(slabs[1]!, histogram.steps + step, 7 + step, 10)
    }
    totals.readSteps()
    const apart = Array.from({ length: steps }, (_, step) => totals.counts[at(histogram.steps + step, 7)]!)
    expect(apart.map(times => times / reading)).toEqual([11, 1, 1].slice(0, steps))
    expect([...totals.steps.subarray(7, 10)].map(times => times / reading)).toEqual(
      steps === 1 ? [11, 0, 0] : [13, 10, 10],
    )
  }
})

test('HistogramTotals reads the other histograms only in readAll()', () => {
  const slab = createSlab(1)
  const totals = new HistogramTotals([slab])
  count(slab, histogram.clientLag, 5, 3)
  totals.readSteps()
  expect(totals.counts[at(histogram.clientLag, 5)]).toBe(0)
  totals.readAll()
  expect(totals.counts[at(histogram.clientLag, 5)]).toBe(3)
})

test('HistogramTotals follows counts that wrap at 2^32', () => {
  const slab = createSlab(1)
  const totals = new HistogramTotals([slab])
  for (let reading = 1; reading <= 3; reading++) {
    count(slab, histogram.steps, 7, 3e9)
    totals.readSteps()
    expect(totals.steps[7]).toBe(reading * 3e9)
  }
})
