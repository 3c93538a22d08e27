import type { Figures } from '../figures.ts'

/** Requests a second out of what wrk prints; throws where it says of errors. */
export function parseWrk(text: string): number {
  const errors = /^\s*(Socket errors:.*|Non-2xx.*)$/m.exec(text)
  if (errors !== null) throw new Error(`wrk: ${errors[1]}`)
  return rate('wrk', /^Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1])
}

/** Requests a second out of what hey prints. */
export function parseHey(text: string): number {
  if (text.includes('Error distribution:')) throw new Error('hey: errors')
  return rate('hey', /^\s*Requests\/sec:\s+([\d.]+)/m.exec(text)?.[1])
}

/** Requests a second out of autocannon's JSON; over its whole duration, for its own mean is of whole seconds only. */
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

/** Requests a second out of a test's line of `redis-benchmark --csv`. */
export function parseRedisBenchmark(text: string, test: string): number {
  return rate('redis-benchmark', new RegExp(`^"${test}","([\\d.]+)"`, 'm').exec(text)?.[1])
}

/** The round trip's quantiles out of what `sockperf ping-pong --full-rtt` prints. */
export function parseSockperf(text: string): Figures {
  const quantile = (name: string) =>
    rate('sockperf', new RegExp(`percentile ${name.replace('.', '\\.')} =\\s+([\\d.]+)`).exec(text)?.[1])
  return { p50Micros: quantile('50.000'), p99Micros: quantile('99.000') }
}

function rate(program: string, text: string | undefined): number {
  const value = Number(text)
  if (text === undefined || !(value > 0)) throw new Error(`${program} printed no figure that can be read`)
  return value
}

function parseObject(program: string, text: string): unknown {
  try {
    // It may say something before.
    return JSON.parse(text.slice(text.indexOf('{')))
  } catch {
    throw new Error(`${program} printed no JSON`)
  }
}
