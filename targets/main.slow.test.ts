import { expect, test } from 'vitest'
import { bytesOf, textOf } from '../harness/protocols/testing/bytes.ts'
import { ServerChild } from './testing/child.ts'
import { until } from './testing/client.ts'
import { answersPendingRequests, cleanUpServers, connect, rpcRequest, statsOf } from './testing/serverProcess.ts'

cleanUpServers()

test('a server process takes a protocol in JSON and a limit', async () => {
  const frame = JSON.stringify({ frame: { lengthBytes: 2 } })
  const child = ServerChild.start(['echo', '--listen', '0', '--protocol', frame, '--max-frame', '64KiB', '--quiet'])
  const client = await connect(child)
  expect(child.stdout).toContain('frames up to 64 KiB')
  client.write(bytesOf({ u16: 5 }, 'hello'))
  expect(textOf(await client.take(7))).toBe('\0\x05hello')
})

test('a server process answers pending requests on SIGINT and exits 0', () => answersPendingRequests('SIGINT'))

test('a server process finishes the jobs of its pool on SIGTERM', async () => {
  const pool = ['--pool-size', '2', '--service-time', 'exponential:1ms', '--stall', '5ms/50ms', '--busy-wait']
  const flags = ['rpc', '--listen', '0', '--quiet', '--reply', 'server', '--seed', '7', ...pool]
  const child = ServerChild.start(flags, { ipc: true })
  const client = await connect(child)
  const requests = 300
  client.write(Buffer.concat(Array.from({ length: requests }, () => rpcRequest)))
  await until('some replies', () => client.available > 0)
  await until('the requests', () => statsOf(child.messages).at(-1)?.bytesIn === requests * rpcRequest.length)
  child.process.kill('SIGTERM')
  expect(textOf(await client.takeAll()).match(/server/g)).toHaveLength(requests)
  expect(await child.exited()).toBe(0)
  expect(statsOf(child.messages).at(-1)).toMatchObject({ requests, final: true })
  expect(child.stderr).toBe('')
})

test('a server process does not wait forever for a client that keeps its side open', async () => {
  const child = ServerChild.start(['echo', '--listen', '0'])
  const client = await connect(child, true)
  client.write('hello')
  await client.take(5)
  child.process.kill('SIGTERM')
  expect(await child.exited()).toBe(0)
})

test('a server process exits at once on a second signal', async () => {
  const child = ServerChild.start(['echo', '--listen', '0', '--max-send-buffer', '64MiB'], { ipc: true })
  const client = await connect(child, true)
  client.socket.pause()
  client.write(new Uint8Array(32 * 1024 * 1024))
  await until('replies that wait', () => (statsOf(child.messages).at(-1)?.bytesOut ?? 0) > 16 * 1024 * 1024)
  child.process.kill('SIGTERM')
  await child.refuses()
  child.process.kill('SIGTERM')
  expect(await child.exited()).toBe(1)
})

test('workers print what they log, and their first process what they have counted in all', async () => {
  const child = ServerChild.start(['rpc', '--listen', '0', '--workers', '2', '--quiet', '--log', 'connections'])
  const [one, two] = [await connect(child), await connect(child)]
  for (const client of [one, two]) {
    client.write(rpcRequest)
    await client.take(rpcRequest.length)
  }
  one.socket.end()
  await until('an end', () => child.stdout.includes('closed after'))
  child.process.kill('SIGTERM')
  expect(await child.exited()).toBe(0)
  const bytes = rpcRequest.length
  const address = '127\\.0\\.0\\.1:\\d+'
  const time = '\\d\\d:\\d\\d:\\d\\d\\.\\d{3}'
  const opened = new RegExp(`^${time}  ${address}  opened, 1 connection open$`, 'gm')
  const closed = new RegExp(
    `^${time}  ${address}  closed after [\\d.]+ [a-z]+; in 1 message, ${bytes} bytes; out 1 message, ${bytes} bytes; 0 connections open$`,
    'gm',
  )
  expect(child.stdout.match(opened)).toHaveLength(2)
  expect(child.stdout.match(closed)).toHaveLength(2)
  expect(child.stdout.endsWith(`  stopped; 2 requests in all, ${2 * bytes} bytes in, ${2 * bytes} bytes out\n`)).toBe(
    true,
  )
})
