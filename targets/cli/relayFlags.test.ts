import { expect, test } from 'vitest'
import type { CLibrary } from '../../harness/cLibrary.ts'
import { relayOptions } from './relayFlags.ts'

const to = '127.0.0.1:9000'
const missing = () => 'koffi does not load'

test.each([
  ['300us', '50us', { rtt: 0.3, jitter: 0.05 }],
  ['300µs', '0us', { rtt: 0.3, jitter: 0 }],
  ['0.3ms', '100ns', { rtt: 0.3, jitter: 0.0001 }],
  ['1ms70us', '0.07ms', { rtt: 1.07, jitter: 0.07 }],
])('relayOptions() reads --rtt %s --jitter %s', (rtt, jitter, settings) => {
  const read = relayOptions({ to, listen: '127.0.0.1:0', rtt, jitter, seed: '1' }, () => ({}) as CLibrary)
  expect(read.options.settings.rtt).toBeCloseTo(settings.rtt, 9)
  expect(read.options.settings.jitter).toBeCloseTo(settings.jitter, 9)
})

test('relayOptions() refuses durations that are too short for timers of Node, together with other faults', () => {
  expect(() => relayOptions({ to, rtt: '300us', jitter: '400us', rate: 'fast' }, missing)).toThrow(
    [
      '--rate expected a bit rate such as 50mbit, from 1kbit to 100gbit, got "fast"',
      '--rtt expected 0 or at least 2ms, as less needs Linux and koffi (here koffi does not load), got "300us"',
      '--jitter expected 0 or at least 1ms, as less needs Linux and koffi (here koffi does not load), got "400us"',
      '--jitter expected no more than --rtt, got "400us"',
    ].join('\n'),
  )
  expect(relayOptions({ to, rtt: '2ms', jitter: '1ms' }, missing).options.settings).toEqual({ rtt: 2, jitter: 1 })
})
