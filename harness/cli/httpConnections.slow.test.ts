import { afterEach, describe, test } from 'vitest'
import { testEndings } from './testing/httpConnections.ts'
import { cleanUp } from './testing/volley.ts'

afterEach(cleanUp)

describe('volley run over the transport node', () => testEndings(test, 'node'))
