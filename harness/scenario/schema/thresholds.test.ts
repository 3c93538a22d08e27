import { expect, test } from 'vitest'
import { InvalidValue } from '../../invalidValue.ts'
import { parseThreshold } from './thresholds.ts'

test.each([
  ['throughput > 50k/s', 'throughput', '>', 50_000],
  ['throughput>=300/m', 'throughput', '>=', 5],
  ['p99 < 5ms', 'p99', '<', 5],
  ['p99.9 <= 5ms', 'p99.9', '<=', 5],
  ['p99.99 < 1.5s', 'p99.99', '<', 1500],
  ['mean < 250us', 'mean', '<', 0.25],
  [' max < 1s ', 'max', '<', 1000],
  ['errors < 0.1%', 'errors', '<', 0.001],
  ['errors <= 0', 'errors', '<=', 0],
  ['availability > 99.9%', 'availability', '>', 0.999],
])('parseThreshold() reads "%s"', (text, metric, operator, limit) => {
  expect(parseThreshold(text)).toEqual({ expression: text.trim(), metric, operator, limit })
})

const metrics = 'one of throughput, errors, availability, mean, p50, p75, p90, p95, p99, p99.9, p99.99 or max'

test.each([
  ['fast', 'a condition such as p99 < 5ms, throughput > 50k/s or errors < 0.1%'],
  ['p99 < 5ms 6ms', 'a condition such as p99 < 5ms, throughput > 50k/s or errors < 0.1%'],
  ['p99 < '.padEnd(200, '9'), 'a condition such as p99 < 5ms, throughput > 50k/s or errors < 0.1%'],
  ['p98 < 5ms', `${metrics}, got "p98"`],
  ['p99 == 5ms', 'one of <, <=, > or >=, got "=="'],
  ['p99 < 5', 'a duration such as 5ms as the limit of p99, got "5"'],
  ['throughput > fast', 'a rate such as 50k/s as the limit of throughput, got "fast"'],
  ['errors < 3', 'a percentage such as 0.1% as the limit of errors, got "3"'],
  ['availability > 1', 'a percentage such as 99.9% as the limit of availability, got "1"'],
  ['errors < 101%', 'a percentage such as 0.1% as the limit of errors, got "101%"'],
])('parseThreshold() refuses "%s"', (text, message) => {
  expect(() => parseThreshold(text)).toThrow(new InvalidValue(message))
})
