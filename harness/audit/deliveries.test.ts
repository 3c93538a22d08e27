import { expect, test } from 'vitest'
import { auditDeliveries, type DeliveriesInputs } from './deliveries.ts'

/** Five connections and a hundred messages, all of them acknowledged. */
const whole: DeliveriesInputs = {
  count: 400,
  sent: 100,
  acknowledged: 100,
  others: 4,
  possiblyMissed: 0,
  serverSent: 400,
}

test('auditDeliveries() finds nothing when all deliveries arrived', () => {
  expect(auditDeliveries(whole)).toEqual([])
  expect(auditDeliveries({ ...whole, serverSent: undefined })).toEqual([])
  // A message without acknowledgement may have reached all, some or none of the others.
  expect(auditDeliveries({ ...whole, acknowledged: 99, serverSent: undefined })).toEqual([])
  expect(auditDeliveries({ ...whole, others: 0, count: 0, serverSent: 0 })).toEqual([])
})

test.each<[string, Partial<DeliveriesInputs>, string]>([
  ['fewer arrived than the server sent', { count: 399 }, 'suspect: 399 deliveries arrived, but the server counted 400'],
  ['more arrived than the server sent', { count: 401 }, 'suspect: 401 deliveries arrived, but the server counted 400'],
  [
    'a server loses some',
    { count: 396, serverSent: undefined },
    'suspect: 4 of 400 deliveries did not arrive: 100 messages were acknowledged, each due at 4 other connections',
  ],
  [
    'a reference server does not send to all',
    { count: 300, serverSent: 300 },
    'suspect: 100 of 400 deliveries did not arrive: 100 messages were acknowledged, each due at 4 other connections',
  ],
  [
    'a server may have accepted a connection late',
    { count: 396, serverSent: undefined, possiblyMissed: 4 },
    'note: 4 of 400 deliveries did not arrive: 100 messages were acknowledged, each due at 4 other connections',
  ],
  [
    'other clients send as well',
    { count: 401, serverSent: undefined },
    'suspect: 401 deliveries arrived, but 100 messages to 4 other connections each make at most 400',
  ],
  [
    'the expected number is not exact',
    { count: 300, inexact: 'connections opened or closed during the run' },
    'note: 300 deliveries arrived and about 400 were expected, but connections opened or closed during the run',
  ],
])('auditDeliveries() reports that %s', (_, changes, expected) => {
  const found = auditDeliveries({ ...whole, ...changes })
  expect(found.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([expected])
  expect(found[0]).toMatchObject({ code: 'deliveries', hint: expect.stringMatching(/./) })
})
