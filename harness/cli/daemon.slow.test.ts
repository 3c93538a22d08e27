import { afterEach, test } from 'vitest'
import { expectNothingLost } from './testing/daemon.ts'
import { cleanUp } from './testing/volley.ts'

afterEach(cleanUp)

test('no request is lost over two reloads under load, with connections that stay open', () =>
  expectNothingLost('{ when: failure }'))
