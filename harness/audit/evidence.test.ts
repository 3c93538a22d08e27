import { expect, test } from 'vitest'
import { auditEvidence, type EvidenceInputs } from './evidence.ts'
import { enoughEvidence } from './testing/healthy.ts'

const said = (change: Partial<EvidenceInputs>) =>
  auditEvidence({ ...enoughEvidence, ...change }).map(
    ({ severity, message, hint }) => `${severity}: ${message}: ${hint}`,
  )

test('auditEvidence() finds nothing in five seconds with a thousand requests, or a reading less', () => {
  expect(said({})).toEqual([])
  expect(said({ measuredMs: 5000, completed: 1000 })).toEqual([])
  expect(said({ measuredMs: 4750, completed: 1000 })).toEqual([])
  expect(said({ interrupted: true })).toEqual([])
})

test('auditEvidence() asks no verdict of a pass over the steps', () => {
  expect(said({ measuredMs: 5, completed: 2, mode: 'once' })).toEqual([])
  expect(said({ measuredMs: 5, completed: 2, mode: 'once', interrupted: true })).toEqual([])
})

test.each<[string, Partial<EvidenceInputs>, string]>([
  ['a short run', { measuredMs: 2000, durationMs: 2000 }, '2.0 s measured: a verdict needs 5 s (-d 7s)'],
  [
    'a short run with a warm-up of its own',
    { measuredMs: 2000, durationMs: 2000, isWarmupAutomatic: false },
    '2.0 s measured: a verdict needs 5 s (-d 5s)',
  ],
  [
    'a long run with few requests',
    { measuredMs: 8000, completed: 40, durationMs: 8000, isWarmupAutomatic: false },
    '40 requests in 8.0 s measured: a verdict needs 1,000 requests (-d 200s)',
  ],
  [
    'a few requests a minute',
    { measuredMs: 8000, completed: 4, durationMs: 8000 },
    '4 requests in 8.0 s measured: a verdict needs 1,000 requests (-d 2002s)',
  ],
  [
    'three requests',
    { measuredMs: 11.7, completed: 3, isCounted: true, isWarmupAutomatic: false },
    '3 requests in 11.7 ms measured: a verdict needs 5 s and 1,000 requests (-d 5s in place of -n)',
  ],
  [
    'a short run in stages, beside which there is no -d',
    { measuredMs: 2000, durationMs: 2000, hasStages: true },
    '2.0 s measured: a verdict needs 5 s (load.stages of 7s in all)',
  ],
  [
    'an interrupted run',
    { measuredMs: 1400, interrupted: true },
    'interrupted: 1.4 s measured: a verdict needs 5 s (let it run to its end)',
  ],
  [
    'a run that was interrupted before its first reply',
    { measuredMs: 0, completed: 0, interrupted: true },
    'interrupted: 0 requests in 0.0 s measured: a verdict needs 5 s and 1,000 requests (let it run to its end)',
  ],
  [
    'a short run that was interrupted',
    { measuredMs: 1000, durationMs: 3000, interrupted: true },
    'interrupted: 1.0 s measured: a verdict needs 5 s (-d 7s)',
  ],
])('auditEvidence() says what %s lacks', (_, change, text) => {
  expect(said(change)).toEqual([`unproven: ${text}`])
})
