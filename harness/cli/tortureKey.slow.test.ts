import { afterEach, expect, test } from 'vitest'
import { cleanUp } from './testing/volley.ts'
import { volleyTorture } from './testing/volleyTorture.ts'

afterEach(cleanUp)

test('the tlv server with a key passes volley torture', async () => {
  const result = await volleyTorture('scenarios/tlv-key.yaml')
  expect(result.trials.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
  expect(result.code).toBe(0)
  expect(result.trials).toHaveLength(16)
  expect(result.trials.every(({ memoryRoseBytes }) => memoryRoseBytes !== undefined)).toBe(true)
})
