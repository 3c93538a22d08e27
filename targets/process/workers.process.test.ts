import { expect, test } from 'vitest'
import { ServerChild } from '../testing/child.ts'
import { cleanUpServers } from '../testing/serverProcess.ts'
import { answersAndCounts } from '../testing/workers.ts'

cleanUpServers()

test('workers answer pending requests and count them exactly on SIGTERM to the first process', () =>
  answersAndCounts('SIGTERM', false))

test('workers that cannot listen exit 2 with one line', async () => {
  const first = ServerChild.start(['echo', '--listen', '0'])
  const address = await first.address()
  const listen = `127.0.0.1:${'port' in address && address.port}`
  const second = ServerChild.start(['http', '--listen', listen, '--workers', '3'])
  expect(await second.exited()).toBe(2)
  expect(second.stderr).toBe(`cannot listen on tcp://${listen}: the port is in use\n`)
})
