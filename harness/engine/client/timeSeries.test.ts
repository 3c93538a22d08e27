import { describe, expect, it } from 'vitest'
import type { MemoryServer } from '../../transports/memory.ts'
import { lineServer, simulate, startMs } from './testing/simulate.ts'

describe('the time series of a simulated run', () => {
  it("has the requests in flight that Little's law says, in a closed loop and in mode rate", async () => {
    const closed = await simulate(lineServer(2), { connections: 10 })
    expect(closed.measured.timeSeries!.inFlightMean).toBeCloseTo(10, 1)
    expect(closed.measured.timeSeries!.responseMeanMs).toBeCloseTo(2, 6)
    const plan = { mode: 'rate', pipeline: 1, arrivals: 'constant', rate: 1000 } as const
    const open = await simulate(lineServer(4.5), { connections: 10, load: plan })
    // 1 000/s times 4.5 ms.
    expect(open.measured.timeSeries!.inFlightMean).toBeCloseTo(4.5, 1)
  })

  it('measures the arrivals that the plan says', async () => {
    const load = { mode: 'rate', pipeline: 1, arrivals: 'poisson', rate: 5000 } as const
    const { measured } = await simulate(lineServer(0.1), { connections: 50, duration: 20_000, load })
    const { distance, dispersion, variation, spans } = measured.timeSeries!.arrivals!
    expect(spans).toBeGreaterThan(190)
    expect(distance).toBeLessThan(0.01)
    expect(Math.abs(dispersion - 1)).toBeLessThan(0.4)
    expect(variation).toBeCloseTo(1, 1)
    const constant = await simulate(lineServer(0.1), {
      connections: 50,
      load: { mode: 'rate', pipeline: 1, arrivals: 'constant', rate: 5000 },
    })
    expect(constant.measured.timeSeries!.arrivals!.variation).toBeLessThan(1e-6)
    expect(constant.measured.timeSeries!.arrivals!.dispersion).toBeLessThan(1e-3)
  })

  it('gives an interval for the mean, which is wide when sections differ', async () => {
    const settings = { connections: 4, duration: 10_000 }
    const even = (await simulate(lineServer(10), settings)).measured.timeSeries!
    expect(even.halfWidthsMs.mean).toBeCloseTo(0, 6)
    let requests = 0
    const slow = lineServer(10)
    const slower = lineServer(30)
    const changing: MemoryServer = {
      received: (connection, bytes, now) => (requests++ < 2000 ? slow : slower).received!(connection, bytes, now),
    }
    const { responseMeanMs, halfWidthsMs } = (await simulate(changing, settings)).measured.timeSeries!
    // Half of the time at 10 ms, and half at 30: 2 000 and 667 requests.
    expect(responseMeanMs).toBeCloseTo(15, 0)
    expect(halfWidthsMs.mean!).toBeGreaterThan(5)
  })

  it('gives no interval where a section has so few replies that its quantile is its slowest', async () => {
    const settings = { connections: 1, duration: 6000 }
    const even = (await simulate(lineServer(1), settings)).measured.timeSeries!
    expect(even.halfWidthsMs).toMatchObject({ p50: 0, p90: 0, p99: 0 })
    // The server stands still for a second, which is longer than a section.
    const stalling: MemoryServer = {
      received(connection, bytes, now) {
        connection.send(bytes, now >= 2000 && now < 3000 ? 3000 - now + 1 : 1)
      },
    }
    const stalled = (await simulate(stalling, { ...settings, timeout: 5000 })).measured.timeSeries!
    expect(stalled.halfWidthsMs.p90).toBeUndefined()
    expect(stalled.halfWidthsMs.p99).toBeUndefined()
  })

  it('measures how long requests took to fail', async () => {
    const late = await simulate(
      lineServer(1, line => (line === 'ping' ? null : line)),
      { timeout: 50 },
    )
    const failed = late.measured.timeToFailure.histogram
    expect(failed.totalCount).toBe(late.failed)
    expect(failed.totalCount).toBeGreaterThan(5)
    expect(failed.minNonZeroValue / 10_000).toBeGreaterThanOrEqual(49.9)
    const wrong = await simulate(
      lineServer(2, () => 'pong'),
      { loop: [{ send: 'ping', expect: 'echo', think: 0 }] },
    )
    expect(wrong.measured.timeToFailure.histogram.totalCount).toBe(wrong.failed)
    expect(wrong.measured.timeToFailure.histogram.maxValue / 10_000).toBeCloseTo(2, 2)
    expect((await simulate(lineServer(1))).measured.timeToFailure.histogram.totalCount).toBe(0)
  })

  it('measures how evenly connections are served', async () => {
    const alike = await simulate(lineServer(1), { connections: 8 })
    expect(alike.measured.timeSeries!.balance).toBeCloseTo(1, 4)
    const [fast, slow] = [lineServer(1), lineServer(20)]
    const partial: MemoryServer = {
      received: (connection, bytes, now) => (connection.link < 2 ? fast : slow).received!(connection, bytes, now),
    }
    const uneven = await simulate(partial, { connections: 8 })
    // Two of 1 000 and six of 50: (2300)^2 / (8 * 2 015 000).
    expect(uneven.measured.timeSeries!.balance).toBeCloseTo(0.328, 2)
  })
})

describe('an extended run', () => {
  const auto = { duration: 5000, warmup: 'auto', connections: 2 } as const
  it('goes on in a closed loop', async () => {
    const plain = await simulate(lineServer(10), auto)
    const extended = await simulate(lineServer(10), auto, { extensionMs: 6000 })
    expect(plain.endedAtMs).toBe(startMs + 6000)
    expect(extended.endedAtMs).toBe(startMs + 12_000)
    expect(extended.completed).toBeGreaterThan(1.9 * plain.completed)
    expect(extended.measured.windowMs).toBe(11_000)
  })
  it('goes on in mode rate, with planned requests for that long and no longer', async () => {
    const planned = { ...auto, load: { mode: 'rate', rate: 100, arrivals: 'constant', pipeline: 1 } } as const
    const { sent, endedAtMs, measured } = await simulate(lineServer(1), planned, { extensionMs: 6000 })
    expect(endedAtMs).toBe(startMs + 12_000)
    expect(sent).toBe(1200)
    // The request at the very end of the warm-up is in that reading or in the next.
    expect(measured.planned).toBeGreaterThanOrEqual(1099)
    expect(measured.sent).toBe(measured.planned)
  })
})
