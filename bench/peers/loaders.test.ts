import { describe, expect, it, test } from 'vitest'
import { parseAutocannon, parseHey, parsePgbench, parseRedisBenchmark, parseSockperf, parseWrk } from './loaders.ts'
import {
  autocannonText,
  heyText,
  pgbenchText,
  redisBenchmarkText,
  sockperfText,
  wrkErrorText,
  wrkText,
} from './testing/samples.ts'

describe('parseWrk()', () => {
  it('reads requests a second', () => {
    expect(parseWrk(wrkText)).toBe(38027.28)
  })
  it('refuses a run with errors', () => {
    expect(() => parseWrk(wrkErrorText)).toThrow('wrk: Socket errors: connect 0, read 12')
    expect(() => parseWrk(`${wrkText}  Non-2xx or 3xx responses: 7\n`)).toThrow('wrk: Non-2xx or 3xx responses: 7')
  })
})

describe('parseHey()', () => {
  it('reads requests a second', () => {
    expect(parseHey(heyText)).toBe(23658.668)
  })
  it('refuses a run with errors', () => {
    const text = `${heyText}Error distribution:\n  [3]\tGet "http://127.0.0.1/": EOF\n`
    expect(() => parseHey(text)).toThrow('hey: errors')
  })
})

describe('parseAutocannon()', () => {
  it('takes all requests over the whole duration', () => {
    expect(parseAutocannon(autocannonText)).toBeCloseTo(25167 / 1.03, 6)
  })
  it('refuses a run with errors', () => {
    expect(() => parseAutocannon(autocannonText.replace('"non2xx":0', '"non2xx":4'))).toThrow('4 replies')
    expect(() => parseAutocannon(autocannonText.replace('"errors":0', '"errors":4'))).toThrow('4 errors')
  })
})

describe('parseRedisBenchmark()', () => {
  it('reads the line of the test that is asked for', () => {
    expect(parseRedisBenchmark(redisBenchmarkText, 'PING_MBULK')).toBe(410509)
    expect(parseRedisBenchmark(redisBenchmarkText, 'PING_INLINE')).toBe(566893.38)
  })
})

describe('parsePgbench()', () => {
  it('reads transactions a second', () => {
    expect(parsePgbench(pgbenchText)).toBe(30512.338214)
  })
  it('refuses a run in which some have failed', () => {
    const text = pgbenchText.replace('transactions: 0 (0.000%)', 'transactions: 3 (0.010%)')
    expect(() => parsePgbench(text)).toThrow('pgbench: 3 (0.010%) transactions failed')
  })
})

describe('parseSockperf()', () => {
  it('reads p50 and p99 of the whole round trip', () => {
    expect(parseSockperf(sockperfText)).toEqual({ p50Micros: 43.874, p99Micros: 1445.582 })
  })
})

test.each([
  ['wrk', parseWrk],
  ['hey', parseHey],
  ['autocannon', parseAutocannon],
  ['redis-benchmark', (text: string) => parseRedisBenchmark(text, 'PING_MBULK')],
  ['sockperf', parseSockperf],
  ['pgbench', parsePgbench],
])('the parser of %s throws on a text that is cut or another one', (_name, parse) => {
  for (const text of ['', 'unable to connect', 'Requests/sec:\n', '{}']) expect(() => parse(text)).toThrow()
})
