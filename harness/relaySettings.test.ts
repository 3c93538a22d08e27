import { expect, test } from 'vitest'
import type { CLibrary } from './cLibrary.ts'
import { describeRelay, tooShort } from './relaySettings.ts'

const missing = () => 'darwin is not Linux'

test.each([
  [{}, []],
  [{ rtt: 0, jitter: 0 }, []],
  [{ rtt: 2, jitter: 1 }, []],
  [{ rtt: 1.999 }, ['rtt']],
  [{ rtt: 75, jitter: 0.3 }, ['jitter']],
  [{ rtt: 0.3, jitter: 0.000001 }, ['rtt', 'jitter']],
])('tooShort(%j) names %j where timers count milliseconds', (settings, names) => {
  expect(tooShort(settings, missing).map(({ name }) => name)).toEqual(names)
  expect(tooShort(settings, () => ({}) as CLibrary)).toEqual([])
})

test('tooShort() says what would do, and why less does not', () => {
  expect(tooShort({ rtt: 0.3 }, missing)).toEqual([
    {
      name: 'rtt',
      expected: '0 or at least 2ms, as less needs Linux and koffi (here darwin is not Linux)',
      got: '300us',
    },
  ])
})

test('tooShort() looks for a finer timer only where one is needed', () => {
  const load = () => expect.unreachable()
  expect(tooShort({ rtt: 75, jitter: 3 }, load)).toEqual([])
})

test('describeRelay() shows durations below a millisecond', () => {
  expect(describeRelay({ rtt: 0.3, jitter: 0.05, rate: 1e9 })).toEqual(['rtt 300 us', 'jitter 50 us', '1 Gbit/s'])
})
