import type { Figures } from '../figures.ts'

/** Requests a second from the output of wrk; throws if it reports errors. */
export function parseWrk(text: string): number {
  const errors = /^\s*(Socket errors:.*|Non-2xx.*)$/m.exec(text)
  if (errors !== null) throw new Error(`wrk: ${errors[1]}`)
  return rate('wrk', /^Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1])
}

/** Requests a second from the output of hey; throws if it reports errors. */
export function parseHey(text: string): number {
  if (text.includes('Error distribution:')) throw new Error('hey: errors')
  return rate('hey', /^\s*Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1])
}

/** Requests a second from autocannon's JSON, over its whole duration: its own mean covers whole seconds only. */
export function parseAutocannon(text: string): number {
  const { requests, duration, errors, non2xx } = parseObject('autocannon', text) as {
    requests?: { total?: number }
    duration?: number
    errors?: number
    non2xx?: number
  }
  if (errors !== 0 || non2xx !== 0) throw new Error(`autocannon: ${errors} errors, ${non2xx} replies that are not 2xx`)
  return rate('autocannon', String((requests?.total ?? Number.NaN) / (duration ?? Number.NaN)))
}

/** Requests a second from the line of a test in the output of `redis-benchmark --csv`. */
export function parseRedisBenchmark(text: string, test: string): number {
  return rate('redis-benchmark', new RegExp(`^"${test}","([\\d.]+)"`, 'm').exec(text)?.[1])
}

/** Transactions a second from the output of pgbench, without the time in which its connections open; throws if any failed. */
export function parsePgbench(text: string): number {
  const failed = /^number of failed transactions: ([1-9].*)$/m.exec(text)
  if (failed !== null) throw new Error(`pgbench: ${failed[1]} transactions failed`)
  return rate('pgbench', /^tps = ([\d.]+) \(without initial connection time\)$/m.exec(text)?.[1])
}

/** Quantiles of the round trip from the output of `sockperf ping-pong --full-rtt`. */
export function parseSockperf(text: string): Figures {
  const quantile = (name: string) =>
    rate('sockperf', new RegExp(`percentile ${name.replace('.', '\\.')} =\\s+([\\d.]+)`).exec(text)?.[1])
  return { p50Micros: quantile('50.000'), p99Micros: quantile('99.000') }
}

function rate(program: string, text: string | undefined): number {
  const value = Number(text)
  if (text === undefined || !(value > 0)) throw new Error(`${program} printed no readable figure`)
  return value
}

function parseObject(program: string, text: string): unknown {
  try {
    // Other lines may come before it.
    return JSON.parse(text.slice(text.indexOf('{')))
  } catch {
    throw new Error(`${program} printed no JSON`)
  }
}
