import { afterEach, describe, test } from 'vitest'
import { testEndings } from './testing/httpConnections.ts'
import { cleanUp } from './testing/volley.ts'

afterEach(cleanUp)

describe.each(['node', 'epoll'] as const)('volley run over the transport %s', transport => testEndings(test, transport))
