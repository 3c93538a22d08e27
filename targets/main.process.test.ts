import { expect, test } from 'vitest'
import { bytesOf } from '../harness/protocols/testing/bytes.ts'
import { ServerChild } from './testing/child.ts'
import { until } from './testing/client.ts'
import { answersPendingRequests, cleanUpServers, connect, statsOf } from './testing/serverProcess.ts'

cleanUpServers()

test('a server process prints where it listens, then a line a second', async () => {
  const child = ServerChild.start(['tlv', '--listen', '127.0.0.1:0', '--reply', 'server'])
  const client = await connect(child)
  expect(child.stdout).toMatch(/^tlv listening on 127\.0\.0\.1:\d+ {3}1 process, frames up to 1 MiB\n$/)
  client.write(bytesOf({ u32: 11 }, { u32: 1 }, 'hello world'))
  expect(await client.take(14)).toEqual(bytesOf({ u32: 6 }, { u32: 1 }, 'server'))
  const line = /^\d\d:\d\d:\d\d {2}connections 1 +1 requests\/s {3}in \d+ B\/s {3}out \d+ B\/s$/m
  await until('a line', () => line.test(child.stdout))
  child.process.kill('SIGTERM')
  expect(await child.exited()).toBe(0)
  expect(child.stdout).toMatch(/^\d\d:\d\d:\d\d {2}stopped; 1 request in all, 19 bytes in, 14 bytes out\n$/m)
})

test('a server process answers pending requests on SIGTERM and exits 0', () => answersPendingRequests('SIGTERM'))

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
