import { expect, test } from 'vitest'
import { simulate } from './testing/simulate.ts'

const rpc = { name: 'rpc', lengthPrefix: true, maxFrame: 2 ** 21 } as const

test('Client times out tens of thousands of requests in flight in one scan', async () => {
  const run = await simulate({}, { protocol: rpc, load: { mode: 'loop', pipeline: 65_536 }, connections: 4 })
  expect(run.failed).toBeGreaterThanOrEqual(9 * 4 * 65_536)
})
