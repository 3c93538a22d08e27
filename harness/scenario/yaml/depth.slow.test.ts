import { expect, test } from 'vitest'
import { limits } from '../scenario.ts'
import { faultsIn } from '../testing/faults.ts'

test('parseScenario() refuses a MiB of brackets quickly', () => {
  const tooMany = 's.yaml:1:1 expected a scenario of at most 100000 words and brackets, got more'
  for (const bracket of ['[', '{', '- ', '? ', ']']) {
    expect(faultsIn(bracket.repeat(limits.scenarioBytesMax / bracket.length))).toEqual([tooMany])
  }
})
