import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { textOf } from '../../harness/protocols/testing/bytes.ts'
import { ServerChild } from '../testing/child.ts'
import { Client, until } from '../testing/client.ts'
import { cleanUpServers, clients, rpcRequest } from '../testing/serverProcess.ts'
import { answersAndCounts, connectAll, lastStats, serve, workersOf } from '../testing/workers.ts'

cleanUpServers()

test('workers answer pending requests and count them exactly on SIGINT to all, as a terminal sends it', () =>
  answersAndCounts('SIGINT', true))

test('workers share the connections evenly, and their counters are added up', async () => {
  const child = serve('rpc')
  for (let connection = 0; connection < 4; connection++) await connectAll(child, 1)
  await until('all requests', () => lastStats(child)?.requests === 4)
  expect(lastStats(child)).toMatchObject({
    connections: 4,
    bytesIn: 4 * rpcRequest.length,
    bytesOut: 4 * rpcRequest.length,
  })
  await until('a line', () => /connections 4 +\d requests\/s/.test(child.stdout))
  // While one worker is suspended, the connections of the other are served.
  const [suspended] = workersOf(child)
  process.kill(suspended!, 'SIGSTOP')
  try {
    for (const client of clients) client.write(rpcRequest)
    const silent = () => clients.filter(client => client.available === 0)
    await until('two replies', () => silent().length === 2)
    const served = clients.find(client => client.available > 0)!
    await served.take(rpcRequest.length)
    for (let turn = 0; turn < 100; turn++) {
      served.write(rpcRequest)
      await served.take(rpcRequest.length)
    }
    expect(silent().filter(client => client !== served)).toHaveLength(2)
  } finally {
    process.kill(suspended!, 'SIGCONT')
  }
  await until('all requests', () => lastStats(child)?.requests === 108)
})

test('a worker that dies ends the server with exit 1', async () => {
  const child = serve('rpc')
  await connectAll(child, 2)
  process.kill(workersOf(child)[1]!, 'SIGKILL')
  expect(await child.exited()).toBe(1)
  expect(child.stderr).toBe('the server stops: a worker was killed by SIGKILL\n')
})

test('workers exit when the first process exits, however it does', async () => {
  // `exited` waits for the streams, which the workers have too.
  const [orphaned, killed] = [serve('rpc', '--quiet'), serve('rpc', '--quiet')]
  await Promise.all([connectAll(orphaned, 2), connectAll(killed, 2)])
  orphaned.process.disconnect()
  killed.process.kill('SIGKILL')
  expect(await orphaned.exited()).toBe(0)
  expect(await killed.exited()).toBe(-1)
})

test('a second signal ends all workers at once', async () => {
  const child = serve('echo', '--quiet', '--max-send-buffer', '64MiB')
  const address = await child.address()
  const client = await Client.connect(address, true)
  clients.push(client)
  client.socket.pause()
  client.write(new Uint8Array(32 * 1024 * 1024))
  await until('replies that wait', () => (lastStats(child)?.bytesOut ?? 0) > 16 * 1024 * 1024)
  child.process.kill('SIGTERM')
  await child.refuses()
  child.process.kill('SIGTERM')
  expect(await child.exited()).toBe(1)
})

test('workers serve a unix path', async () => {
  const path = join(tmpdir(), `volley-workers-${process.pid}.sock`)
  const child = ServerChild.start(['http', '--listen', `unix:${path}`, '--workers', '2', '--quiet'], { ipc: true })
  await until('the address', () => child.messages.length > 0)
  expect(child.messages[0]).toEqual({ type: 'listening', address: `unix:${path}` })
  const client = await Client.connect({ path })
  clients.push(client)
  client.write('GET / HTTP/1.1\r\n\r\n')
  expect(textOf(await client.take(15))).toBe('HTTP/1.1 200 OK')
  child.process.kill('SIGTERM')
  expect(await child.exited()).toBe(0)
  expect(existsSync(path)).toBe(false)
})
