import { availableParallelism } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { CoreDistanceMeter } from './coreDistance.ts'

let meter: CoreDistanceMeter | undefined
afterEach(() => meter?.stop())

test('CoreDistanceMeter measures a round trip between two cores, and gives up soon where it cannot', async () => {
  meter = CoreDistanceMeter.start()
  if (availableParallelism() === 1) {
    expect(meter).toBeUndefined()
    return
  }
  // Beside other work the threads may be on one core for a while.
  const found: number[] = []
  for (let tried = 0; tried < 2000 && found.length < 5; tried++) {
    const nanoseconds = meter!.measure()
    if (nanoseconds !== undefined) found.push(nanoseconds)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  expect(found).toHaveLength(5)
  expect(Math.min(...found)).toBeGreaterThan(1)
  expect(Math.max(...found)).toBeLessThan(5000)
})

test('a meter whose other thread does not start has no distance', () => {
  meter = CoreDistanceMeter.start('/nonexistent/worker.js')
  expect(meter?.measure()).toBeUndefined()
  // The next ones are left out.
  expect(meter?.measure()).toBeUndefined()
})
