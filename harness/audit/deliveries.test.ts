import { expect, test } from 'vitest'
import { auditDeliveries, type DeliveriesInputs } from './deliveries.ts'

/** Five connections, a hundred messages, all of them answered. */
const whole: DeliveriesInputs = {
  count: 400,
  sent: 100,
  acknowledged: 100,
  others: 4,
  possiblyMissed: 0,
  serverSent: 400,
}

test('auditDeliveries() finds nothing where all came', () => {
  expect(auditDeliveries(whole)).toEqual([])
  expect(auditDeliveries({ ...whole, serverSent: undefined })).toEqual([])
  // What was not answered may have gone to the others, or to some of them.
  expect(auditDeliveries({ ...whole, acknowledged: 99, serverSent: undefined })).toEqual([])
  expect(auditDeliveries({ ...whole, others: 0, count: 0, serverSent: 0 })).toEqual([])
})

test.each<[string, Partial<DeliveriesInputs>, string]>([
  ['less came than the server sent', { count: 399 }, 'suspect: 399 deliveries came, and the server counted 400'],
  ['more came than the server sent', { count: 401 }, 'suspect: 401 deliveries came, and the server counted 400'],
  [
    'a server loses some',
    { count: 396, serverSent: undefined },
    'suspect: 4 of 400 deliveries did not come: 100 messages were acknowledged, with 4 others each',
  ],
  [
    'a server of ours does not send to all',
    { count: 300, serverSent: 300 },
    'suspect: 100 of 400 deliveries did not come: 100 messages were acknowledged, with 4 others each',
  ],
  [
    'a server may have taken a connection late',
    { count: 396, serverSent: undefined, possiblyMissed: 4 },
    'note: 4 of 400 deliveries did not come: 100 messages were acknowledged, with 4 others each',
  ],
  [
    'others send as well',
    { count: 401, serverSent: undefined },
    'suspect: 401 deliveries came of 100 messages to 4 others each',
  ],
  [
    'it is not known how many were to come',
    { count: 300, inexact: 'connections came or went meanwhile' },
    'note: 300 deliveries came, about 400 were expected, but connections came or went meanwhile',
  ],
])('auditDeliveries() tells when %s', (_, changes, expected) => {
  const found = auditDeliveries({ ...whole, ...changes })
  expect(found.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([expected])
  expect(found[0]).toMatchObject({ code: 'deliveries', hint: expect.stringMatching(/./) })
})
