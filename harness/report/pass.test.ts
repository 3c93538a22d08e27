import { expect, test } from 'vitest'
import { exitCode } from '../errors.ts'
import { exitCodeOf } from '../run/run.ts'
import { passOutcome } from './pass.ts'
import type { Report } from './record.ts'
import { sampleReport } from './testing/samples.ts'

const step = { send: 'a', think: 0 } as const

/** A pass over two steps on each of three connections. */
function pass(totals: Partial<Report['totals']>, scenario: Partial<Report['scenario']> = {}): Report {
  return {
    ...sampleReport,
    scenario: {
      ...sampleReport.scenario,
      ...{ connections: 3, load: { mode: 'once', pipeline: 1 }, loop: [step, step], thresholds: [], ...scenario },
    },
    totals: { ...sampleReport.totals, sent: 6, completed: 6, inFlightAtEnd: 0, failures: {}, ...totals },
    thresholds: [],
  }
}

test('passOutcome() counts the steps of all connections', () => {
  expect(passOutcome(pass({}))).toEqual({ answered: 6, steps: 6, isAsExpected: true })
  expect(passOutcome(pass({ completed: 5, failures: { unexpected: 1 } }))).toMatchObject({ isAsExpected: false })
  // A connection that was lost leaves the rest of its pass unsent.
  expect(passOutcome(pass({ sent: 5, completed: 5 }))).toEqual({ answered: 5, steps: 6, isAsExpected: false })
  expect(passOutcome(pass({ completed: 5, inFlightAtEnd: 1 }))?.isAsExpected).toBe(false)
  expect(passOutcome(sampleReport)).toBeUndefined()
})

test('passOutcome() expects one request of a mix, and does without a number that is not in the report', () => {
  const { loop: _, ...mixed } = pass({ sent: 3, completed: 3 }).scenario
  const mix = [
    { ...step, weight: 1 },
    { ...step, weight: 2 },
  ]
  expect(passOutcome({ ...pass({ sent: 3, completed: 3 }), scenario: { ...mixed, mix } })?.isAsExpected).toBe(true)
  const hidden = pass({}, { connections: '***' as unknown as number })
  expect(passOutcome(hidden)).toEqual({ answered: 6, steps: 6, isAsExpected: true })
})

test('passOutcome() counts the passes of connections that send, and none of those that only listen', () => {
  const { loop: _, ...scenario } = pass({}).scenario
  const clients = [
    { connections: 9, connect: [step] },
    { connections: 2, connect: [], loop: [step, step] },
    { connections: 3, connect: [], mix: [{ ...step, weight: 1 }] },
  ]
  const groups = { ...pass({ sent: 7, completed: 7 }), scenario: { ...scenario, connections: 14, clients } }
  expect(passOutcome(groups)).toEqual({ answered: 7, steps: 7, isAsExpected: true })
})

test('exitCodeOf() fails a pass with a wrong reply, unless a threshold says how many there may be', () => {
  const wrong = { completed: 5, failed: 1, failures: { unexpected: 1 } }
  expect(exitCodeOf(pass({}), true)).toBe(exitCode.pass)
  expect(exitCodeOf(pass(wrong), false)).toBe(exitCode.failed)
  expect(exitCodeOf({ ...pass(wrong), interrupted: true }, false)).toBe(exitCode.interrupted)
  const thresholds = [{ expression: 'errors < 50%', metric: 'errors', operator: '<', limit: 0.5 }] as const
  const judged = {
    ...pass(wrong, { thresholds }),
    thresholds: [{ expression: 'errors < 50%', actual: 0.17, ok: true }],
  }
  expect(exitCodeOf(judged, false)).toBe(exitCode.pass)
})
