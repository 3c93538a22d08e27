import { expect, test } from 'vitest'
import { volley } from './testing/volley.ts'

const secret = 'not-to-be-shown'

test.each([
  [['tlv', '--layers', 'zip'], '--layers expected names out of deflate, gzip, crc32'],
  [['tlv', '--layers', 'hmac-sha1'], '--layers need --layer-key for hmac-sha1'],
  [['echo', '--layers', 'gzip'], '--layers go with protocol frame, tlv or rpc, not with raw'],
  [['http', '--layers', 'gzip'], '--layers go with protocol frame, tlv or rpc, not with http'],
  [['tlv', '--naive', '15'], '--naive is for echo, not for tlv'],
  [['echo', '--naive', '0'], '--naive expected a size from 1 B to 64 KiB, got "0"'],
  [['echo', '--reply-type', '1'], '--reply-type is for tlv, not for echo'],
  [
    ['echo', '--protocol', 'frame', '--naive', '15', '--max-frame', '1KiB'],
    '--naive does not go with --layers or --max-frame',
  ],
])('volley serve %j reports what is wrong', async (args, message) => {
  const { code, stderr } = await volley('serve', ...args)
  expect(code).toBe(2)
  expect(stderr).toContain(message)
  expect(stderr).not.toContain(secret)
})
