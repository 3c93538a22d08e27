import { expect, test } from 'vitest'
import { auditPairing } from './pairing.ts'

const sample = { count: 3, second: 2, text: 'NOTICE' }

test('auditPairing() says when the first unasked message came, and shows it', () => {
  const [finding] = auditPairing({ isOrdered: true, samples: [{ kind: 'stray', ...sample }] })
  expect(finding).toMatchObject({ code: 'unpaired', severity: 'suspect', value: 3 })
  expect(finding!.message).toMatch(/^3 messages came for which no request waited, from second 2 on, such as "NOTICE"/)
})

test('auditPairing() finds the pairs wrong where a message too many came after the last reply', () => {
  const [finding] = auditPairing({ isOrdered: true, samples: [{ kind: 'surplus', ...sample, count: 1 }] })
  expect(finding).toMatchObject({ code: 'unpaired', severity: 'invalid' })
  expect(finding!.message).toMatch(/^after the last reply 1 message came more than was asked for, "NOTICE"/)
})

test('auditPairing() notes a greeting', () => {
  const [finding] = auditPairing({ isOrdered: true, samples: [{ kind: 'greeting', ...sample }] })
  expect(finding).toMatchObject({ severity: 'note', message: 'the server speaks first: "NOTICE"' })
})

test('auditPairing() finds nothing where replies carry ids, and nothing in other samples', () => {
  expect(auditPairing({ isOrdered: false, samples: [{ kind: 'stray', ...sample }] })).toEqual([])
  expect(auditPairing({ isOrdered: true, samples: [{ kind: 'unexpected', ...sample }] })).toEqual([])
})
