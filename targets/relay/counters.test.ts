import { expect, test } from 'vitest'
import { type RelayCounters, relayLine, relayTexts } from './counters.ts'

const none: RelayCounters = {
  connections: 0,
  rejected: 0,
  resets: 0,
  bytesUp: 0,
  bytesDown: 0,
  datagramsIn: 0,
  datagramsUp: 0,
  datagramsDown: 0,
  lost: 0,
  arrivals: 0,
  lateMs: 0,
}

test('relayLine() shows what a relay did in a second', () => {
  const time = new Date(2026, 10, 21, 9, 30, 13)
  const after = { ...none, connections: 10, bytesUp: 5_200_000, bytesDown: 400 }
  expect(relayLine(none, after, 2, time)).toBe('09:30:13  connections 10   up 2.48 MiB/s   down 200 B/s')
  const passed = { arrivals: 40, lateMs: 0.48 }
  const later = { ...after, ...passed, datagramsUp: 30, datagramsDown: 20, lost: 3, resets: 2, rejected: 1 }
  expect(relayLine(after, later, 1, time)).toBe(
    '09:30:13  connections 10   up 0 B/s   down 0 B/s   50 datagrams/s   late 12 us   lost 3   resets 2   rejected 1',
  )
})

test('relayTexts count what came after the last whole second, and all of it', () => {
  const time = new Date(2026, 10, 21, 9, 30, 13)
  const after = { ...none, bytesUp: 5_200_000, bytesDown: 400, resets: 1 }
  expect(relayTexts.lastLine(none, after, 0.25, time)).toBe(
    '09:30:13  connections 0   in the last 0.3 s   up 4.96 MiB   down 400 B   resets 1',
  )
  expect(relayTexts.total(after)).toBe('5,200,000 bytes up, 400 bytes down in all')
  expect(relayTexts.total({ ...after, datagramsUp: 30, datagramsDown: 20, lost: 3 })).toBe(
    '5,200,000 bytes up, 400 bytes down in all, 50 datagrams passed on, 3 lost',
  )
})
