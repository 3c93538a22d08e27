import { expect, test } from 'vitest'
import { settingsOf } from './settings.ts'

test('settingsOf() makes a job pool of --pool-size alone', () => {
  const given = { listen: '127.0.0.1:0', seed: '1', workers: '1' }
  expect(settingsOf('tlv', { ...given, poolSize: '4' }).service.pending).toBeDefined()
  expect(settingsOf('tlv', given).service.pending).toBeUndefined()
})
