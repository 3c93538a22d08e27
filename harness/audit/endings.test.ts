import { expect, test } from 'vitest'
import type { FailureCounts } from '../failures.ts'
import { type AuditInputs, audit } from './audit.ts'
import type { EndingInputs } from './endings.ts'
import { enoughEvidence, oneWorker } from './testing/healthy.ts'

const connected: EndingInputs = { hasConnected: true, completed: 1000 }
const never: EndingInputs = { hasConnected: false, completed: 0 }
const refused = { 'connect-refused': 40, reset: 10 }

function inputs(ending: EndingInputs, failures: FailureCounts): AuditInputs {
  const down = { second: 1, completed: 0, availability: 0, failures }
  const response = { count: 1000, mean: 1, p50: 1, max: 1 }
  return {
    accounts: [],
    evidence: enoughEvidence,
    workers: oneWorker,
    completed: ending.completed,
    completedInWindow: ending.completed,
    errorShare: 0,
    interrupted: false,
    clockDriftMs: 0,
    cores: 2,
    response,
    failures,
    ending,
    target: {
      seconds: [down],
      connections: 10,
      wantedAtEnd: 10,
      downAtEnd: 10,
      activity: [],
      completed: ending.completed,
      answered: [],
      response,
    },
  }
}

function told(ending: EndingInputs, failures: FailureCounts = refused): string[] {
  return audit(inputs(ending, failures)).map(({ code, severity, explainedBy = '' }) =>
    `${code} ${severity} ${explainedBy}`.trim(),
  )
}

const allGivenUp = { count: 10, of: 10, attempts: 4 }

test('auditEnding() says that no connection was ever ready, and not that a server is gone which never was there', () => {
  const cutShort = { reason: 'unconnected', forMs: 15_000 } as const
  const [finding, ...others] = audit(inputs({ ...never, cutShort }, refused))
  expect(others).toEqual([])
  expect(finding).toMatchObject({
    code: 'stuck',
    severity: 'invalid',
    message: 'no connection was ever ready for a request: for 15s every attempt failed (connect-refused 40, reset 10)',
    hint: 'the run was ended: see whether the server still listens at this address, and what its log says',
  })
})

test.each([
  ['the handshake', { unexpected: 5 }, /^the run was ended: the handshake fails: "volley talk FILE" shows/],
  ['the handshake', { 'handshake-closed': 5, 'connect-refused': 3 }, /the handshake fails/],
  ['the server', { 'handshake-closed': 5, unreachable: 7 }, /see whether the server still listens/],
  ['ports', { 'no-free-port': 5, 'connect-refused': 9 }, /ran out of local ports/],
  ['descriptors', { 'no-descriptor': 5 }, /ran out of file descriptors/],
])('auditEnding() says what to do where the reason is %s', (_, failures, hint) => {
  const cutShort = { reason: 'unconnected', forMs: 3000 } as const
  expect(audit(inputs({ ...never, cutShort }, failures))[0]!.hint).toMatch(hint)
})

test('auditEnding() takes a refusal for that of the handshake where the server has had its messages', () => {
  const cutShort = { reason: 'unconnected', forMs: 3000 } as const
  const wrongKey = { ...never, cutShort, handshakes: 12 }
  expect(audit(inputs(wrongKey, { 'connect-refused': 6 }))[0]!.hint).toMatch(/the handshake fails: .*; check the key/)
  const later = { ...connected, givenUp: allGivenUp, handshakes: 12 }
  const found = audit(inputs(later, { 'connect-refused': 6 })).find(({ code }) => code === 'given-up')
  expect(found!.hint).toMatch(/see whether the server still listens/)
})

test('a server that has refused every login is no server that is gone', () => {
  const hintOf = (ending: EndingInputs) =>
    audit(inputs(ending, refused)).find(({ code }) => code === 'target-gone')?.hint
  expect(hintOf({ ...never, handshakes: 12 })).toMatch(/^the handshake fails/)
  expect(hintOf({ ...connected, handshakes: 12 })).toMatch(/^look in its log/)
})

test('auditEnding() says that all connections were given up, which ends the run', () => {
  expect(told({ ...never, givenUp: allGivenUp })).toEqual(['given-up invalid'])
  const [finding] = audit(inputs({ ...never, givenUp: allGivenUp }, refused))
  expect(finding!.message).toBe(
    'all 10 connections were given up, after 4 failed attempts in a row (connect-refused 40, reset 10)',
  )
  expect(finding!.hint).toMatch(/^the run was ended: see whether the server .*; reconnect\.attempts says how often/)
  const [single] = audit(inputs({ ...never, givenUp: { count: 1, of: 1, attempts: 1 } }, {}))
  expect(single!.message).toBe('1 connection was given up, after 1 failed attempt in a row')
})

test('auditEnding() follows from a server that was there and is gone', () => {
  expect(told({ ...connected, givenUp: allGivenUp })).toEqual(['target-gone invalid', 'given-up invalid target-gone'])
})

test('auditEnding() doubts a run that went on with fewer connections, and refuses one that sent too few requests', () => {
  const givenUp = { count: 1, of: 10, attempts: 4 }
  const some = audit(inputs({ ...connected, givenUp }, refused)).find(({ code }) => code === 'given-up')
  expect(some).toMatchObject({
    severity: 'suspect',
    message: '1 of 10 connections was given up, after 4 failed attempts in a row (connect-refused 40, reset 10)',
    hint: expect.stringMatching(/^the run went on without them: /),
  })
  const whole = { ...connected, givenUp, counted: { sent: 1000, wanted: 1000 } }
  expect(told(whole)).toContain('given-up suspect target-gone')
  const cut = audit(inputs({ ...whole, counted: { sent: 500, wanted: 1000 } }, refused))
  expect(cut.find(({ code }) => code === 'given-up')).toMatchObject({
    severity: 'invalid',
    message: expect.stringMatching(/; 500 of 1,000 requests were sent$/),
  })
})

test('auditEnding() is silent where no connection was given up', () => {
  expect(told({ ...connected, givenUp: { ...allGivenUp, count: 0 } }, {})).toEqual([])
})
