import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { protocolSpec } from '../../harness/protocols/spec.ts'
import type { SocketSettings } from '../../harness/socketOptions.ts'
import { openSockets, whyNoSockets } from '../../harness/testing/openSockets.ts'
import { createEcho } from '../services/echo.ts'
import { until } from '../testing/client.ts'
import { connect, endServices, startService } from '../testing/services.ts'

afterEach(endServices)

async function servedWith(socket?: SocketSettings) {
  const server = await startService(createEcho(protocolSpec('line')), socket && { socket })
  const client = await connect(server)
  client.write('a\n')
  await client.take(2)
  await until('one connection', () => server.counters().connections === 1)
  const [found] = openSockets('local', (server.address as AddressInfo & { host: string }).port)
  return found!
}

test('startServer() sets the buffers and the delay of its connections, and leaves them alone otherwise', async () => {
  if (whyNoSockets !== undefined) return console.warn(`skipped: options of sockets: ${whyNoSockets}`)
  const plain = await servedWith()
  expect(plain.noDelay).toBe(true)
  const asked = { receiveBuffer: 32_768, sendBuffer: 16_384, noDelay: false }
  expect(await servedWith(asked)).toEqual(asked)
  expect(plain).not.toMatchObject({ sendBuffer: asked.sendBuffer })
  expect(await servedWith({ receiveBuffer: 8192 })).toMatchObject({ receiveBuffer: 8192, noDelay: true })
})
