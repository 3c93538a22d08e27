import { expect, test } from 'vitest'
import { auditTimeSeries } from '../../harness/audit/timeSeries.ts'
import { startMs } from '../../harness/engine/client/testing/simulate.ts'
import { answers, stall } from './answers.ts'
import { createDelayLine, createFifoServer } from './servers.ts'
import { expectWithin, resolution } from './testing/expectations.ts'
import { expectFixedQueue, measure, quantiles } from './testing/openLoop.ts'

test('G1: one FIFO with a fixed service of 1 ms at half of its capacity', () => expectFixedQueue(0.5, 400_000))

test('G2: the same server under a constant rate has no queue at 90 % of its capacity', async () => {
  const load = { server: createFifoServer(() => 1), rate: 900, duration: 20_000, arrivals: 'constant' } as const
  const { shown } = await measure(load)
  expectWithin(resolution, shown.meanMs, 1)
  for (const q of [...quantiles, 1]) expectWithin(resolution, shown.quantileMs(q), 1)
})

test('G4: a delay line of 1 ms that stalls for 1 s every 10 s', async () => {
  const server = createDelayLine(() => 1, { stall: { ...stall, originMs: startMs } })
  // Ends just after the last stall, so that every request that waited in it is answered.
  const load = { server, rate: 500, duration: 60_002, arrivals: 'constant', connections: 600 } as const
  const { shown } = await measure(load)
  const truth = answers.G4(1)
  expectWithin(0.002, shown.meanMs, truth.meanMs)
  expectWithin(resolution, shown.quantileMs(0.5), 1)
  // The requests are 2 ms apart, of 1,000 ms that the stall lasts.
  for (const q of [0.95, 0.99, 0.999]) expectWithin(0.004, shown.quantileMs(q), truth.quantileMs(q))
})

test('G11: a FIFO of 1 000/s at 1 200/s is reported as overloaded', async () => {
  const rate = 1200
  const { measured } = await measure({ server: createFifoServer(() => 1), rate, duration: 10_000 })
  const throughput = measured.completed / 10
  expectWithin(resolution, throughput, 1000)
  const findings = auditTimeSeries({
    timeSeries: measured.timeSeries!,
    completed: measured.completed,
    throughput,
    response: measured.response.quantiles,
    slots: 64,
    connections: 64,
    isLoop: false,
    isSaturated: false,
    hasConstantLoad: true,
    plan: { perSecond: rate, arrivals: 'poisson' },
  })
  expect(findings.map(({ code }) => code)).toContain('overloaded')
})
