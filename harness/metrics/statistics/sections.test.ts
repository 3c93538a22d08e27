import { expect, test } from 'vitest'
import { sectioningHalfWidth, tQuantile } from './sections.ts'
import { createNormal } from './testing/noise.ts'

/**
 * Probability that Student's t lies between 0 and a limit: with t = sqrt(v) tan(a) its density becomes cos(a)^(v - 1),
 * integrated by Simpson's rule.
 */
function probabilityUpTo(limit: number, degreesOfFreedom: number): number {
  const area = (to: number) => {
    const steps = 2000
    const width = to / steps
    let sum = 0
    for (let step = 0; step <= steps; step++) {
      const weight = step === 0 || step === steps ? 1 : step % 2 === 1 ? 4 : 2
      sum += weight * Math.cos(step * width) ** (degreesOfFreedom - 1)
    }
    return (sum * width) / 3
  }
  return area(Math.atan(limit / Math.sqrt(degreesOfFreedom))) / (2 * area(Math.PI / 2))
}

test('tQuantile() leaves 2.5 % above it, by integrating the density', () => {
  for (let degrees = 1; degrees <= 30; degrees++) {
    const t = tQuantile(degrees)
    expect(probabilityUpTo(t - 0.0006, degrees)).toBeLessThan(0.475)
    expect(probabilityUpTo(t + 0.0006, degrees)).toBeGreaterThan(0.475)
  }
  expect(tQuantile(9)).toBe(2.262)
  expect(tQuantile(31)).toBe(2.042)
  expect(tQuantile(0)).toBe(Number.POSITIVE_INFINITY)
})

test('sectioningHalfWidth() matches values computed by hand', () => {
  // Squares around 5 are 1 and 1, over 2 * 1.
  expect(sectioningHalfWidth(5, [4, 6])).toBeCloseTo(12.706, 12)
  // Around the whole and not around the mean of the sections: 4 * 9 over 4 * 3.
  expect(sectioningHalfWidth(1, [4, 4, 4, 4])).toBeCloseTo(3.182 * Math.sqrt(3), 12)
  expect(sectioningHalfWidth(10, [9, 11, 9, 11, 9, 11, 9, 11, 9, 11])).toBeCloseTo(2.262 / 3, 12)
  expect(sectioningHalfWidth(3, [3, 3, 3])).toBe(0)
  expect(sectioningHalfWidth(3, [3])).toBe(Number.POSITIVE_INFINITY)
})

test('sectioningHalfWidth() covers the true mean in 95 of 100 runs', () => {
  const normal = createNormal(5)
  let covered = 0
  for (let run = 0; run < 4000; run++) {
    const sections = Array.from({ length: 10 }, () => 100 + normal())
    const whole = sections.reduce((sum, value) => sum + value, 0) / 10
    if (Math.abs(whole - 100) <= sectioningHalfWidth(whole, sections)) covered++
  }
  expect(covered / 4000).toBeGreaterThan(0.94)
  expect(covered / 4000).toBeLessThan(0.96)
})
