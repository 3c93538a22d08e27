import { expect, test } from 'vitest'
import { auditRelay } from './relay.ts'

test('a relay that is late makes a run suspect, and says by how much of what it simulates', () => {
  const [finding, ...others] = auditRelay({ arrivals: 1000, lateMs: 150, rttMs: 0.6 })
  expect(others).toEqual([])
  expect(finding).toMatchObject({ code: 'relay-late', severity: 'suspect', value: 0.3 })
  expect(finding!.message).toBe(
    'the relay added 300 us to each round trip on average, 50 % of the round-trip time of 600 us (limit 100 us)',
  )
  expect(auditRelay({ arrivals: 1000, lateMs: 150 })[0]!.message).toBe(
    'the relay added 300 us to each round trip on average (limit 100 us)',
  )
})

test('a relay may be late by a twentieth of the round-trip time, or by 0.1 ms', () => {
  expect(auditRelay({ arrivals: 0, lateMs: 0, rttMs: 1 })).toEqual([])
  expect(auditRelay({ arrivals: 1000, lateMs: 50, rttMs: 0.3 })).toEqual([])
  expect(auditRelay({ arrivals: 1000, lateMs: 490, rttMs: 20 })).toEqual([])
  expect(auditRelay({ arrivals: 1000, lateMs: 510, rttMs: 20 })).toHaveLength(1)
})
