import { afterEach, describe, test } from 'vitest'
import { expectRoundTrips } from './testing/relay.ts'
import { cleanUp } from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-n', '40', '--warmup', '0s', '-c', '4']

describe('volley run through a relay', () => {
  test('takes at least the round trip, and the server counts what was sent', async () => {
    await expectRoundTrips(...quick)
  })
})
