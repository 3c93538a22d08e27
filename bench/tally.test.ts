import { expect, test } from 'vitest'
import { tallyOf } from './tally.ts'

test('tallyOf() counts runs by kind, verdict and finding', () => {
  const runs = [
    { kind: 'echo', verdict: 'trusted', codes: [] },
    { kind: 'echo', verdict: 'suspect', codes: ['quantile-ci', 'balance'] },
    { kind: 'delay line', verdict: 'invalid', codes: ['quantile-ci'] },
    { kind: 'delay line', verdict: 'trusted', codes: [] },
  ]
  expect(`\n${tallyOf(runs)}`).toBe(`
                    echo  delay line           all
runs                   2           2   4 (100.0 %)
trusted                1           1    2 (50.0 %)
unproven               0           0     0 (0.0 %)
suspect                1           0    1 (25.0 %)
invalid                0           1    1 (25.0 %)
balance                1           0    1 (25.0 %)
quantile-ci            1           1    2 (50.0 %)`)
})
