import { afterEach, expect, test } from 'vitest'
import { cleanUp, volley } from './testing/volley.ts'
import { volleyTorture } from './testing/volleyTorture.ts'

afterEach(cleanUp)

test.each(['tlv-key', 'tlv-signed'])('the tlv server of %s.yaml passes volley torture', async name => {
  const result = await volleyTorture(`scenarios/${name}.yaml`)
  expect(result.trials.filter(({ verdict }) => verdict !== 'pass')).toEqual([])
  expect(result.code).toBe(0)
  expect(result.trials).toHaveLength(16)
  expect(result.trials.every(({ memoryRoseBytes }) => memoryRoseBytes !== undefined)).toBe(true)
})

test('volley torture names the layers of a scenario', async () => {
  const { code, stdout } = await volley('torture', 'scenarios/tlv-signed.yaml', '--only', 'valid')
  expect(code).toBe(0)
  expect(stdout).toContain('tlv + hmac-sha1:before')
})
