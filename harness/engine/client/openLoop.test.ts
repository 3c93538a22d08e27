import { describe, expect, it } from 'vitest'
import type { Measured } from '../../metrics/measured.ts'
import type { Load, Scenario } from '../../scenario/scenario.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { lineServer, type Simulated, simulate, startMs } from './testing/simulate.ts'

function load(rate: number, more: Partial<Load> = {}): Pick<Scenario, 'load'> {
  return { load: { mode: 'rate', pipeline: 1, arrivals: 'constant', rate, ...more } }
}

/** A server that answers one line at a time, and takes `serviceMs` for each. */
function queueServer(serviceMs: number): MemoryServer {
  let freeAt = 0
  return {
    received(connection, bytes, now) {
      for (const line of Buffer.from(bytes).toString().split('\n').slice(0, -1)) {
        freeAt = Math.max(freeAt, now) + serviceMs
        connection.send(Buffer.from(`${line}\n`), freeAt - now)
      }
    },
  }
}

/** The bounds around a value, by the resolution of the histogram. */
function near(milliseconds: number) {
  return { min: milliseconds * (1 - 1 / 1024) - 1e-4, max: milliseconds * (1 + 1 / 1024) + 1e-4 }
}

function expectNear(actual: number | undefined, milliseconds: number): void {
  const { min, max } = near(milliseconds)
  expect(actual).toBeGreaterThanOrEqual(min)
  expect(actual).toBeLessThanOrEqual(max)
}

function quantile({ histogram }: Measured['response'], q: number): number {
  return histogram.getValueAtPercentile(q * 100) / 10_000
}

describe('Client in mode rate', () => {
  it('sends each request at its intended time, whatever the server does', async () => {
    const { sent, completed, measured } = await simulate(lineServer(3), { connections: 10, ...load(1000) })
    expect(sent).toBe(1000)
    expect(measured.planned).toBe(1000)
    // The last three were answered after the end, before the connections were closed.
    expect(completed).toBe(997)
    expectNear(quantile(measured.response, 0.5), 3)
    expectNear(quantile(measured.service, 0.999), 3)
    expect(measured.clientLag.histogram.maxValue).toBe(0)
    expect(measured.admissionWait.histogram.maxValue).toBe(0)
    expect(measured.response.quantiles.censored).toBeUndefined()
  })

  it('uses the connections in turn', async () => {
    const uses = new Map<number, number>()
    const server = lineServer(0.1)
    const counting: MemoryServer = {
      received(connection, bytes, now) {
        uses.set(connection.link, (uses.get(connection.link) ?? 0) + 1)
        server.received!(connection, bytes, now)
      },
    }
    await simulate(counting, { connections: 4, ...load(1000) })
    expect([...uses.values()]).toEqual([250, 250, 250, 250])
  })

  it('counts response times from the intended time, and the wait for a connection apart from the service', async () => {
    // 1 000/s for a second, one connection and 2 ms each: the k-th of 500 waits k ms.
    const { sent, measured } = await simulate(lineServer(2), { connections: 1, timeout: 5000, ...load(1000) })
    expect(measured.planned).toBe(1000)
    expect(sent).toBe(500)
    expectNear(quantile(measured.service, 0.99), 2)
    expectNear(measured.admissionWait.histogram.maxValue / 10_000, 499)
    expect(measured.clientLag.histogram.maxValue).toBe(0)
    // Half of the requests have no reply. Their ages at the end are lower bounds, and so are the quantiles above the
    // median.
    expect(measured.response.quantiles).toMatchObject({
      censored: 500,
      lowerBounds: ['p75', 'p90', 'p95', 'p99', 'max'],
    })
  })

  it('fills the pipeline of every connection before a request waits', async () => {
    const { sent, measured } = await simulate(lineServer(4), { connections: 2, ...load(1000, { pipeline: 2 }) })
    expect(sent).toBe(1000)
    expect(measured.admissionWait.histogram.maxValue).toBe(0)
  })

  it('drops and counts requests that find neither a connection nor room to wait', async () => {
    const silent: MemoryServer = {}
    const settings = { connections: 1, timeout: 2000, ...load(300_000) }
    const { sent, failures, measured } = await simulate(silent, settings)
    expect(sent).toBe(1)
    expect(measured.planned).toBe(300_000)
    expect(failures).toEqual({ dropped: 300_000 - 1 - 100_000 })
  })

  it('sends over the other connections when one breaks', async () => {
    const server = lineServer(0.5)
    let isWhole = true
    const breaking: MemoryServer = {
      received(connection, bytes, now) {
        if (isWhole && now > startMs + 100) {
          isWhole = false
          connection.reset()
        } else server.received!(connection, bytes, now)
      },
    }
    const { sent, completed, failed, measured } = await simulate(breaking, { connections: 4, ...load(1000) })
    expect([sent, failed]).toEqual([1000, 1])
    expect(completed).toBe(999)
    expect(measured.response.quantiles.censored).toBe(1)
  })

  it('ends with the last reply when the number of requests is given', async () => {
    const ended: Simulated = await simulate(lineServer(1), { connections: 2, requests: 50, ...load(1000) })
    expect([ended.sent, ended.completed, ended.inFlightAtEnd]).toEqual([50, 50, 0])
    expectNear(ended.endedAtMs - startMs, 50)
  })

  it('follows stages without opening connections again', async () => {
    const stages = [
      { duration: 500, to: 200 },
      { duration: 500, to: 0 },
    ]
    const settings = { connections: 5, ...load(0, { stages }) }
    const { sent, connects, measured } = await simulate(lineServer(1), settings)
    expect(sent).toBe(100)
    expect(connects).toBe(5)
    expect(measured.planned).toBe(100)
  })

  it('draws the same plan for the same seed', async () => {
    const poisson = load(2000, { arrivals: 'poisson' })
    const [first, again] = [await simulate(queueServer(0.3), poisson), await simulate(queueServer(0.3), poisson)]
    expect(first.measured.response.histogram.mean).toBe(again.measured.response.histogram.mean)
    expect(first.sent).toBe(again.sent)
    expect(Math.abs(first.sent - 2000)).toBeLessThan(200)
  })
})

describe('Client with a ramp of connections', () => {
  it('lets as many connections send as the stages say, and opens each once', async () => {
    const stages = [
      { duration: 1000, connections: 4 },
      { duration: 1000, connections: 4 },
      { duration: 1000, connections: 0 },
      { duration: 1000, connections: 4 },
    ]
    const load: Load = { mode: 'loop', pipeline: 1, stages }
    const { sent, completed, connects, measured } = await simulate(lineServer(1), {
      connections: 4,
      duration: 4000,
      load,
    })
    expect(connects).toBe(4)
    // One request a millisecond and connection: the area is 2 + 4 + 2 + 2 seconds of one connection.
    expect(Math.abs(completed / 10_000 - 1)).toBeLessThan(0.05)
    expect(sent - completed).toBeLessThanOrEqual(4)
    const { inFlights } = measured.timeSeries!
    expect(inFlights.slice(12, 18).every(inFlight => Math.abs(inFlight - 4) < 0.1)).toBe(true)
    expect(Math.min(...inFlights.slice(28, 32))).toBeLessThan(0.6)
  })
})

describe('Client with constant gaps, against a server that keeps up', () => {
  const warmups = [1000, 'auto'] as const
  const rates = [1, 2, 3, 5, 10, 200].flatMap(rate =>
    [4000, 7000].flatMap(duration => warmups.map(warmup => ({ rate, duration, warmup }))),
  )
  it.each(rates)(
    'sends all that was planned, and shows its rate: $rate/s for $duration ms, warm-up $warmup',
    async run => {
      const { rate, duration, warmup } = run
      // Without a fraction in common with the gaps, so that no reply comes at the moment of a reading.
      const result = await simulate(lineServer(0.3), { connections: 10, duration, warmup, ...load(rate) })
      const { measured, sent, completed, inFlightAtEnd } = result
      expect({ sent, inFlightAtEnd }).toEqual({ sent: completed, inFlightAtEnd: 0 })
      expect(sent).toBe(Math.ceil((rate * (duration + 1000)) / 1000))
      expect(measured.planned).toBe(measured.sent)
      expect(measured.completed / (measured.windowMs / 1000)).toBeCloseTo(rate, 9)
      // The request due at the end of a warm-up belongs to the measured part.
      if (warmup !== 'auto' || duration < 5000) expect(measured.planned).toBe(Math.ceil((rate * duration) / 1000))
    },
  )

  it('takes no time from a plan with random gaps', async () => {
    const { measured } = await simulate(lineServer(0.3), {
      duration: 4000,
      warmup: 1000,
      ...load(5, { arrivals: 'poisson' }),
    })
    expect(measured.windowMs).toBe(4000)
  })
})
