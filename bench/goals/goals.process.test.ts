import { expect, test } from 'vitest'
import { runBench } from '../bench.ts'
import { Processes } from '../processes.ts'

test('a goal that fails as a whole is noted and does not end the bench', async () => {
  const broken = { id: 'P0', title: 'broken', measure: () => Promise.reject(new Error('no such luck')) }
  const settings = { rounds: 1, seconds: 0.2 }
  const { signal } = new AbortController()
  const results = await runBench({ goals: [broken], settings, processes: new Processes(), signal, log: () => {} })
  expect(results.goals[0]!.notes).toEqual(['not measured: no such luck'])
})
