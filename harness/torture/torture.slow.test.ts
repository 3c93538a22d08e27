import { afterEach, describe, expect, test } from 'vitest'
import { cleanUp } from '../cli/testing/volley.ts'
import { detailOf, named } from './testing/tortured.ts'
import { torturedBroken } from './testing/torturedBroken.ts'

afterEach(cleanUp)

describe('torture() finds', () => {
  test.each(['negative-length', 'huge-length'])('a server that allocates the length that it reads: %s', async name => {
    const result = await torturedBroken('allocates', { only: `valid,split,glued,${name},half-a-frame,random-bytes` })
    expect(named(result, 'fail')).toEqual([name])
    expect(detailOf(result, name)).toMatch(/^[\d.]+ GiB of memory was allocated for a length that was only announced$/)
  })

  test('a server that takes a read for a message', async () => {
    const result = await torturedBroken('reads', {}, { timeout: '1s' })
    expect(named(result, 'fail')).toEqual(['split', 'byte-by-byte', 'glued', 'glued-and-cut'])
    expect(detailOf(result, 'split')).toMatch(/^cut after \d+ of 15 bytes: answered before the request was complete/)
    expect(detailOf(result, 'glued')).toBe('1 of 10 replies within 1s')
  })

  test('a server that waits for the rest of a frame and serves no other connection', async () => {
    const only = 'valid,split,glued,half-a-frame,reset-mid-frame,connect-and-close'
    const result = await torturedBroken('blocks', { only }, { timeout: '1s' })
    expect(named(result, 'fail')).toEqual(['half-a-frame'])
    expect(detailOf(result, 'half-a-frame')).toBe('another connection meanwhile: no reply within 1s')
  })

  test('a server that hoards replies that are not read', async () => {
    const result = await torturedBroken('hoards', { only: 'glued,slow-reader' }, { send: '{random: 4KiB}' })
    expect(named(result, 'fail')).toEqual(['slow-reader'])
    expect(detailOf(result, 'slow-reader')).toMatch(/memory rose by [\d.]+ [MG]iB, more than [\d.]+ MiB/)
  })
})
