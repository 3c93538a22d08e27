import { expect, test } from 'vitest'
import { createPrng } from './prng.ts'
import { drawServiceMs, parseServiceTime } from './serviceTime.ts'

const forever = Number.POSITIVE_INFINITY

function draw(text: string, count: number, atMs = 0): number[] {
  const prng = createPrng(3)
  const serviceTime = parseServiceTime(text)!
  return Array.from({ length: count }, () => drawServiceMs(serviceTime, atMs, prng))
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

test('parseServiceTime() reads one distribution, and several consecutive ones', () => {
  const fast = { kind: 'bimodal', fastMs: 1, slowMs: 20, slowShare: 0.02 }
  expect(parseServiceTime('fixed:2ms')).toEqual([{ distribution: { kind: 'fixed', ms: 2 }, untilMs: forever }])
  expect(parseServiceTime('fixed:0ms')).toEqual([{ distribution: { kind: 'fixed', ms: 0 }, untilMs: forever }])
  expect(parseServiceTime('exponential:500us')).toEqual([
    { distribution: { kind: 'exponential', meanMs: 0.5 }, untilMs: forever },
  ])
  expect(parseServiceTime('bimodal:1ms,20ms,2%')).toEqual([{ distribution: fast, untilMs: forever }])
  expect(parseServiceTime('fixed:5ms@2s,bimodal:1ms,20ms,2%@3.5s,exponential:1ms')).toEqual([
    { distribution: { kind: 'fixed', ms: 5 }, untilMs: 2000 },
    { distribution: fast, untilMs: 3500 },
    { distribution: { kind: 'exponential', meanMs: 1 }, untilMs: forever },
  ])
})

test.each([
  '',
  '2ms',
  'fixed',
  'fixed:',
  'fixed:2',
  'fixed:2h',
  'fixed:-2ms',
  'fixed:1ms,2ms',
  'fixed:1ms:2ms',
  'Fixed:1ms',
  'uniform:1ms',
  'exponential:1ms,2%',
  'bimodal:1ms,20ms',
  'bimodal:1ms,20ms,2',
  'bimodal:1ms,20ms,101%',
  'bimodal:1ms,20ms,2%,3%',
  'fixed:5ms@2s',
  'fixed:5ms,fixed:1ms',
  'fixed:5ms@2,fixed:1ms',
  'fixed:5ms@0s,fixed:1ms',
  'fixed:5ms@2s@3s,fixed:1ms',
  'fixed:5ms@2s,fixed:1ms@1s,fixed:2ms',
])('parseServiceTime() refuses "%s"', text => {
  expect(parseServiceTime(text)).toBeUndefined()
})

test('drawServiceMs() uses the phase in which a job begins', () => {
  const at = (ms: number) => draw('fixed:5ms@2s,fixed:2ms@3s,fixed:1ms', 1, ms)[0]
  expect([0, 1999.9, 2000, 2999, 3000, 1e9].map(at)).toEqual([5, 5, 2, 2, 1, 1])
})

test('drawServiceMs() has the mean, the spread and the tail of an exponential distribution', () => {
  const values = draw('exponential:4ms', 200_000)
  const mean = meanOf(values)
  expect(mean / 4).toBeCloseTo(1, 2)
  expect(meanOf(values.map(value => (value - mean) ** 2)) / 16).toBeCloseTo(1, 1)
  for (const times of [0.1, 1, 3]) {
    const share = values.filter(value => value > 4 * times).length / values.length
    expect(share / Math.exp(-times)).toBeCloseTo(1, 1)
  }
})

test('drawServiceMs() draws the slow time with the given share', () => {
  const values = draw('bimodal:1ms,20ms,2%', 200_000)
  expect(new Set(values)).toEqual(new Set([1, 20]))
  expect(values.filter(value => value === 20).length / values.length).toBeCloseTo(0.02, 3)
  expect(new Set(draw('bimodal:1ms,20ms,0%', 1000))).toEqual(new Set([1]))
  expect(new Set(draw('bimodal:1ms,20ms,100%', 1000))).toEqual(new Set([20]))
})
