import { afterEach, test, vi } from 'vitest'
import { expectExportsIgnored } from './testing/exportedKeys.ts'
import { cleanUp } from './testing/volley.ts'

afterEach(async () => {
  vi.unstubAllEnvs()
  await cleanUp()
})

test.each([
  ['echo', 'raw', 'hello'],
  ['rpc', 'rpc', '{ type: 1, body: hello }'],
])('volley run starts the %s server as the scenario says, whatever key or secret is exported', expectExportsIgnored)
