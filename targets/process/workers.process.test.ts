import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { killServers, ServerChild } from '../testing/child.ts'
import { Client, until } from '../testing/client.ts'

const clients: Client[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy()
  await killServers()
})

const serve = (...args: string[]) => ServerChild.start([...args, '--listen', '0', '--workers', '2'], { ipc: true })

/** Clients that have been answered once, so that a worker serves each of them. */
async function connect(child: ServerChild, count: number): Promise<Client[]> {
  const address = await child.address()
  const some = await Promise.all(Array.from({ length: count }, () => Client.connect(address)))
  clients.push(...some)
  for (const client of some) {
    client.write(request)
    expect(await client.take(request.length)).toEqual(request)
  }
  return some
}

/** The processes of the workers. */
function workersOf(child: ServerChild): number[] {
  return execFileSync('pgrep', ['-P', String(child.process.pid)], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number)
}

const request = bytesOf({ u32: 24 }, { u32: 1 }, { u8: 1 }, { i16: 1 }, { i64: 1n }, { i32: 5 }, 'hello')
const requests = 10_000
const manyRequests = Buffer.concat(Array.from({ length: requests }, () => request))

const lastStats = (child: ServerChild) => child.messages.findLast(message => message.type === 'stats')

test.each([
  ['SIGTERM to the first process', 'SIGTERM', false],
  ['SIGINT to all, as a terminal sends it', 'SIGINT', true],
] as const)('workers answer pending requests and count them exactly on %s', async (_, signal, toAll) => {
  const child = serve('rpc', '--shuffle', '1000')
  const four = await connect(child, 4)
  expect(child.stdout).toMatch(/^rpc listening on 127\.0\.0\.1:\d+ {3}2 workers, frames up to 2 MiB\n/)
  for (const client of four) client.write(manyRequests)
  await until('the requests to be sent', () => four.every(client => client.socket.writableLength === 0))
  for (const pid of [...(toAll ? workersOf(child) : []), child.process.pid!]) process.kill(pid, signal)
  for (const client of four) expect(await client.takeAll()).toHaveLength(requests * request.length)
  expect(await child.exited()).toBe(0)
  const bytes = 4 * (requests + 1) * request.length
  expect(lastStats(child)).toMatchObject({
    final: true,
    requests: 4 * (requests + 1),
    bytesIn: bytes,
    bytesOut: bytes,
    connections: 0,
    rejected: 0,
  })
  expect(child.stderr).toBe('')
})

test('workers share the connections evenly, and their counters are added up', async () => {
  const child = serve('rpc')
  for (let connection = 0; connection < 4; connection++) await connect(child, 1)
  await until('all requests', () => lastStats(child)?.requests === 4)
  expect(lastStats(child)).toMatchObject({ connections: 4, bytesIn: 4 * request.length, bytesOut: 4 * request.length })
  await until('a line', () => /connections 4 +\d requests\/s/.test(child.stdout))
  // While one worker is suspended, the connections of the other are served.
  const [suspended] = workersOf(child)
  process.kill(suspended!, 'SIGSTOP')
  try {
    for (const client of clients) client.write(request)
    const silent = () => clients.filter(client => client.available === 0)
    await until('two replies', () => silent().length === 2)
    const served = clients.find(client => client.available > 0)!
    await served.take(request.length)
    for (let turn = 0; turn < 100; turn++) {
      served.write(request)
      await served.take(request.length)
    }
    expect(silent().filter(client => client !== served)).toHaveLength(2)
  } finally {
    process.kill(suspended!, 'SIGCONT')
  }
  await until('all requests', () => lastStats(child)?.requests === 108)
})

test('a worker that dies ends the server with exit 1', async () => {
  const child = serve('rpc')
  await connect(child, 2)
  process.kill(workersOf(child)[1]!, 'SIGKILL')
  expect(await child.exited()).toBe(1)
  expect(child.stderr).toBe('the server stops: a worker was killed by SIGKILL\n')
})

test('workers exit when the first process exits, however it does', async () => {
  // `exited` waits for the streams, which the workers have too.
  const [orphaned, killed] = [serve('rpc', '--quiet'), serve('rpc', '--quiet')]
  await Promise.all([connect(orphaned, 2), connect(killed, 2)])
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

test('workers that cannot listen exit 2 with one line', async () => {
  const first = ServerChild.start(['echo', '--listen', '0'])
  const address = await first.address()
  const listen = `127.0.0.1:${'port' in address && address.port}`
  const second = ServerChild.start(['http', '--listen', listen, '--workers', '3'])
  expect(await second.exited()).toBe(2)
  expect(second.stderr).toBe(`cannot listen on tcp://${listen}: the port is in use\n`)
})
