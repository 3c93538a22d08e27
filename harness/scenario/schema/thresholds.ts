import { InvalidValue, list, show } from '../../invalidValue.ts'
import { parseDuration, parseRate } from '../../units.ts'
import type { Threshold } from '../scenario.ts'

const quantiles = ['p50', 'p75', 'p90', 'p95', 'p99', 'p99.9', 'p99.99'] as const
const metrics: readonly Threshold['metric'][] = ['throughput', 'errors', 'availability', 'mean', ...quantiles, 'max']
const operators: readonly Threshold['operator'][] = ['<', '<=', '>', '>=']
const lengthMax = 100
const example = 'p99 < 5ms, throughput > 50k/s or errors < 0.1%'
const ratioExample = 'throughput < 0.95 or p99 > 1.2'

/** Reads `p99 < 5ms`, `throughput > 50k/s` or `errors < 0.1%`; throws an InvalidValue for other texts. */
export function parseThreshold(text: string): Threshold {
  const { limit, ...condition } = parseCondition(text, example)
  return { ...condition, limit: parseLimit(condition.metric, limit) }
}

/** Reads `throughput < 0.95`, a condition on the ratio of two runs; throws an InvalidValue for other texts. */
export function parseRatioCondition(text: string): Threshold {
  const { limit, ...condition } = parseCondition(text, ratioExample)
  const [, number, percent] = /^(\d{1,9}(?:\.\d{1,9})?)(%?)$/.exec(limit) ?? []
  if (number === undefined) {
    throw new InvalidValue(`a ratio such as 0.95 or 95% as the limit of ${condition.metric}`, show(limit))
  }
  return { ...condition, limit: Number(number) / (percent === '%' ? 100 : 1) }
}

function parseCondition(
  text: string,
  example: string,
): Pick<Threshold, 'expression' | 'metric' | 'operator'> & { readonly limit: string } {
  const parts = text.length > lengthMax ? null : /^([a-z][\w.]*)\s*([<>=!]+)\s*(\S+)$/.exec(text.trim())
  if (!parts) throw new InvalidValue(`a condition such as ${example}`)
  const [, name, sign, limit] = parts
  const metric = metrics.find(metric => metric === name)
  if (metric === undefined) throw new InvalidValue(`one of ${list(metrics, 'or')}`, show(name))
  const operator = operators.find(operator => operator === sign)
  if (operator === undefined) throw new InvalidValue(`one of ${list(operators, 'or')}`, show(sign))
  return { expression: text.trim(), metric, operator, limit: limit! }
}

function parseLimit(metric: Threshold['metric'], text: string): number {
  if (metric === 'throughput') {
    const rate = parseRate(text)
    if (rate === undefined) throw new InvalidValue('a rate such as 50k/s as the limit of throughput', show(text))
    return rate
  }
  if (metric === 'errors' || metric === 'availability') {
    const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1] ?? (text === '0' ? '0' : undefined)
    if (percent === undefined || Number(percent) > 100) {
      const sample = metric === 'errors' ? '0.1%' : '99.9%'
      throw new InvalidValue(`a percentage such as ${sample} as the limit of ${metric}`, show(text))
    }
    // As a decimal: a division would make 0.9990000000000001 of 99.9 %.
    return Number(`${percent}e-2`)
  }
  const duration = parseDuration(text)
  if (duration === undefined) throw new InvalidValue(`a duration such as 5ms as the limit of ${metric}`, show(text))
  return duration
}
