import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPrng } from '../../harness/prng.ts'
import { drawServiceMs, parseServiceTime } from '../../harness/serviceTime.ts'
import { parseStall } from '../../harness/stall.ts'
import { Schedule } from './schedule.ts'

interface Settings {
  readonly poolSize?: number
  readonly service?: string
  readonly stall?: string
  readonly seed?: number
}

const unlimited = Number.POSITIVE_INFINITY
const never = Number.POSITIVE_INFINITY
const originMs = 123_456.789

function schedule({ poolSize = 1, service, stall, seed = 1 }: Settings): Schedule {
  return new Schedule({
    poolSize,
    seed,
    ...(service !== undefined && { serviceTime: parseServiceTime(service)! }),
    ...(stall !== undefined && { stall: parseStall(stall)! }),
  })
}

/** When each job is done, relative to the first arrival like the arrivals. */
function departures(settings: Settings, arrivals: readonly number[]): number[] {
  const pool = schedule(settings)
  return arrivals.map(arrival => pool.admit(originMs + arrival) - originMs)
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length)
  for (const [index, value] of expected.entries()) expect(actual[index]).toBeCloseTo(value, 6)
}

const services = fc.constantFrom('fixed:2ms', 'exponential:3ms', 'bimodal:1ms,20ms,10%')
const arrivalLists = fc
  .array(fc.double({ min: 0, max: 8, noNaN: true }), { minLength: 1, maxLength: 200 })
  .map(gaps => {
    let arrival = -gaps[0]!
    return gaps.map(gap => {
      arrival += gap
      return arrival
    })
  })

test("a schedule of one server follows Lindley's recursion", () => {
  fc.assert(
    fc.property(arrivalLists, services, fc.nat(), (arrivals, service, seed) => {
      const prng = createPrng(seed)
      let waitMs = 0
      const expected = arrivals.map((arrival, index) => {
        const serviceMs = drawServiceMs(parseServiceTime(service)!, 0, prng)
        const departure = arrival + waitMs + serviceMs
        waitMs = Math.max(0, waitMs + serviceMs - ((arrivals[index + 1] ?? 0) - arrival))
        return departure
      })
      expectClose(departures({ service, seed }, arrivals), expected)
    }),
  )
})

test('a schedule of n servers gives each job to the server that is free first', () => {
  fc.assert(
    fc.property(arrivalLists, services, fc.integer({ min: 1, max: 9 }), (arrivals, service, poolSize) => {
      const prng = createPrng(1)
      const free = new Array<number>(poolSize).fill(0)
      const expected = arrivals.map(arrival => {
        const first = free.indexOf(Math.min(...free))
        free[first] = Math.max(arrival, free[first]!) + drawServiceMs(parseServiceTime(service)!, 0, prng)
        return free[first]
      })
      expectClose(departures({ poolSize, service }, arrivals), expected)
    }),
  )
})

test('a schedule does not drift', () => {
  const pool = schedule({ service: 'fixed:2ms' })
  for (let job = 1; job <= 1_000_000; job++) {
    if (pool.admit(originMs) !== originMs + 2 * job) throw new Error(`job ${job} drifted`)
  }
})

/** The mean time from arrival to departure with Poisson arrivals at `ratePerMs`. */
function meanMs(settings: Settings, ratePerMs: number, jobs: number): number {
  const pool = schedule(settings)
  const prng = createPrng(99)
  let arrival = originMs
  let sum = 0
  for (let job = 0; job < jobs; job++) {
    arrival -= Math.log((prng.next32() + 0.5) / 2 ** 32) / ratePerMs
    sum += pool.admit(arrival) - arrival
  }
  return sum / jobs
}

test.each([0.5, 0.7, 0.8])('the wait in an M/D/1 queue agrees with theory at a load of %d', load => {
  const waitMs = meanMs({ service: 'fixed:1ms' }, load, 1_000_000) - 1
  expect(Math.abs(waitMs / (load / (2 * (1 - load))) - 1)).toBeLessThan(0.02)
})

test('the response time of an M/M/1 queue agrees with theory', () => {
  expect(Math.abs(meanMs({ service: 'exponential:1ms' }, 0.5, 1_000_000) / 2 - 1)).toBeLessThan(0.02)
})

test('each job in a delay line takes its own time', () => {
  fc.assert(
    fc.property(arrivalLists, arrivals => {
      const expected = arrivals.map(arrival => arrival + 10)
      expectClose(departures({ poolSize: unlimited, service: 'fixed:10ms' }, arrivals), expected)
    }),
  )
})

test('a delay line does not work in a stall', () => {
  const settings = { poolSize: unlimited, service: 'fixed:10ms', stall: '1s/10s' }
  const arrivals = [0, 8980, 8990, 8995, 9000, 9500, 9999, 10_000, 18_995]
  expectClose(departures(settings, arrivals), [10, 8990, 9000, 10_005, 10_010, 10_010, 10_010, 10_010, 20_005])
})

test('one server does not work in a stall, and works off its queue after it', () => {
  const settings = { service: 'fixed:10ms', stall: '1s/10s' }
  expectClose(departures(settings, [0, 8985, 8986, 8987, 9500]), [10, 8995, 10_005, 10_015, 10_025])
})

test('a job without a service time is done when it arrives, or at the end of a stall', () => {
  const arrivals = [0, 1.1, 8999.9, 9001, 9999, 10_000.3]
  const pool = schedule({ stall: '1s/10s' })
  const done = arrivals.map(arrival => pool.admit(originMs + arrival))
  expect(done.map((departure, index) => departure === originMs + arrivals[index]!)).toEqual([
    true,
    true,
    true,
    false,
    false,
    true,
  ])
  expectClose(
    done.slice(3, 5).map(departure => departure - originMs),
    [10_000, 10_000],
  )
})

test('a job that is not done when a stall without end begins is never done', () => {
  for (const poolSize of [1, 3, unlimited]) {
    const settings = { poolSize, service: 'fixed:10ms', stall: 'forever@54s' }
    expect(departures(settings, [0, 53_980, 53_995, 54_000, 60_000]).slice(2)).toEqual([never, never, never])
    expectClose(departures(settings, [0, 53_980]), [10, 53_990])
  }
})

test('a service time changes for the jobs that begin after the change', () => {
  const settings = { service: 'fixed:5ms@20ms,fixed:1ms' }
  expectClose(departures(settings, [0, 0, 0, 0, 0, 0]), [5, 10, 15, 20, 21, 22])
})

test('the same seed gives the same departures', () => {
  const arrivals = Array.from({ length: 50 }, (_, index) => index)
  const [one, same, other] = [5, 5, 6].map(seed => departures({ service: 'exponential:1ms', seed }, arrivals))
  expect(same).toEqual(one)
  expect(other).not.toEqual(one)
})
