import { afterEach, expect, test } from 'vitest'
import { bytesOf, textOf } from '../harness/protocols/testing/bytes.ts'
import type { ServerMessage } from './process/lifecycle.ts'
import { killServers, ServerChild } from './testing/child.ts'
import { Client, until } from './testing/client.ts'

const clients: Client[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy()
  await killServers()
})

async function connect(child: ServerChild, halfOpen = false): Promise<Client> {
  const client = await Client.connect(await child.address(), halfOpen)
  clients.push(client)
  return client
}

function statsOf(messages: readonly ServerMessage[]) {
  return messages.filter(message => message.type === 'stats')
}

const request = bytesOf({ u32: 24 }, { u32: 1 }, { u8: 1 }, { i16: 1 }, { i64: 1n }, { i32: 5 }, 'hello')

test('a server process prints where it listens, then a line a second', async () => {
  const child = ServerChild.start(['tlv', '--listen', '127.0.0.1:0', '--reply', 'server'])
  const client = await connect(child)
  expect(child.stdout).toMatch(/^tlv listening on 127\.0\.0\.1:\d+ {3}1 process, frames up to 1 MiB\n$/)
  client.write(bytesOf({ u32: 11 }, { u32: 1 }, 'hello world'))
  expect(await client.take(14)).toEqual(bytesOf({ u32: 6 }, { u32: 1 }, 'server'))
  const line = /^\d\d:\d\d:\d\d {2}connections 1 +1 requests\/s {3}in \d+ B\/s {3}out \d+ B\/s$/m
  await until('a line', () => line.test(child.stdout))
})

test('a server process takes a protocol in JSON and a limit', async () => {
  const frame = JSON.stringify({ frame: { lengthBytes: 2 } })
  const child = ServerChild.start(['echo', '--listen', '0', '--protocol', frame, '--max-frame', '64KiB', '--quiet'])
  const client = await connect(child)
  expect(child.stdout).toContain('frames up to 64 KiB')
  client.write(bytesOf({ u16: 5 }, 'hello'))
  expect(textOf(await client.take(7))).toBe('\0\x05hello')
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  'a server process answers pending requests on %s and exits 0',
  async signal => {
    const child = ServerChild.start(
      ['rpc', '--listen', '0', '--shuffle', '1000', '--quiet', '--max-send-buffer', '64MiB'],
      { ipc: true },
    )
    const client = await connect(child)
    client.socket.pause()
    const requests = 400_000
    client.write(Buffer.concat(Array.from({ length: requests }, () => request)))
    // The replies are more than the kernel holds: the rest waits in the server.
    await until('the requests to be taken', () => statsOf(child.messages).at(-1)?.requests === requests)
    child.process.kill(signal)
    client.socket.resume()
    expect(await client.takeAll()).toHaveLength(requests * request.length)
    expect(await child.exited()).toBe(0)
    expect(statsOf(child.messages).at(-1)).toMatchObject({ requests, final: true, connections: 0 })
    expect(child.stderr).toBe('')
  },
)

test('a server process finishes the jobs of its pool on SIGTERM', async () => {
  const pool = ['--pool-size', '2', '--service-time', 'exponential:1ms', '--stall', '5ms/50ms', '--busy-wait']
  const flags = ['rpc', '--listen', '0', '--quiet', '--reply', 'server', '--seed', '7', ...pool]
  const child = ServerChild.start(flags, { ipc: true })
  const client = await connect(child)
  const requests = 300
  client.write(Buffer.concat(Array.from({ length: requests }, () => request)))
  await until('some replies', () => client.available > 0)
  await until('the requests', () => statsOf(child.messages).at(-1)?.bytesIn === requests * request.length)
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

test('a server process sends its address and its counters over IPC', async () => {
  const child = ServerChild.start(['echo', '--listen', '0', '--quiet'], { ipc: true })
  const address = await child.address()
  await until('the address', () => child.messages.length > 0)
  expect(child.messages[0]).toEqual({
    type: 'listening',
    address: `tcp://127.0.0.1:${'port' in address && address.port}`,
  })
  const client = await connect(child)
  client.write('hello')
  await client.take(5)
  await until('its counters', () => statsOf(child.messages).at(-1)?.requests === 1)
  const stats = statsOf(child.messages).at(-1)!
  expect(stats).toMatchObject({ connections: 1, bytesIn: 5, bytesOut: 5, rejected: 0 })
  expect(stats.cpuMicros).toBeGreaterThan(1000)
})

test('a server process exits when the process that started it has exited', async () => {
  const child = ServerChild.start(['echo', '--listen', '0'], { ipc: true })
  await connect(child)
  child.process.disconnect()
  expect(await child.exited()).toBe(0)
})

test('a server process exits 2 with one line when the port is in use', async () => {
  const first = ServerChild.start(['echo', '--listen', '0'])
  const address = await first.address()
  const listen = `127.0.0.1:${'port' in address && address.port}`
  const second = ServerChild.start(['echo', '--listen', listen])
  expect(await second.exited()).toBe(2)
  expect(second.stderr).toBe(`cannot listen on tcp://${listen}: the port is in use\n`)
})

test('a server process exits 2 and says what is wrong with its flags', async () => {
  const child = ServerChild.start(['echo', '--key', 'secret', '--pid-file', 'x', '--max-send-buffer', '0'])
  expect(await child.exited()).toBe(2)
  expect(child.stdout).toBe('')
  expect(child.stderr).toBe(`--max-send-buffer expected a size from 1 B to 1 GiB, got "0"
--key is for tlv, not for echo
--pid-file goes with --detach
`)
})
