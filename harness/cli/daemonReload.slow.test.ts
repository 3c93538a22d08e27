import { afterEach, test } from 'vitest'
import { expectNothingLost } from './testing/daemon.ts'
import { cleanUp } from './testing/volley.ts'

afterEach(cleanUp)

test('no request is lost over two reloads under load, with new connections all the time', () =>
  expectNothingLost('{ when: every-request }'))
