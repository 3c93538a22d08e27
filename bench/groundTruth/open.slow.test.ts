import { test } from 'vitest'
import { expectExponentialQueue, expectFixedQueue } from './testing/openLoop.ts'

// At half of the capacity it is in open.test.ts.
test.each([0.7, 0.8, 0.9])('G1: one FIFO with a fixed service of 1 ms at %f of its capacity', async utilisation => {
  // At a higher load response times correlate for longer, so their mean needs more requests.
  await expectFixedQueue(utilisation, utilisation > 0.8 ? 2_000_000 : 400_000)
})

test.each([0.5, 0.8])('G3: one FIFO with an exponential service at %f of its capacity', async utilisation => {
  await expectExponentialQueue(utilisation, 1_000_000)
})
