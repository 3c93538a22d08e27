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

test('main says where it listens, serves, and prints a line a second', async () => {
  const child = ServerChild.start(['tlv', '--listen', '127.0.0.1:0', '--reply', 'server'])
  const client = await connect(child)
  expect(child.stdout).toMatch(/^tlv listening on 127\.0\.0\.1:\d+ {3}1 process, frames up to 1 MiB\n$/)
  client.write(bytesOf({ u32: 11 }, { u32: 1 }, 'hello world'))
  expect(await client.take(14)).toEqual(bytesOf({ u32: 6 }, { u32: 1 }, 'server'))
  const line = /^\d\d:\d\d:\d\d {2}connections 1 +1 requests\/s {3}in \d+ B\/s {3}out \d+ B\/s$/m
  await until('a line', () => line.test(child.stdout))
})

test('main takes a protocol in JSON, a bound and a text', async () => {
  const frame = JSON.stringify({ frame: { lengthBytes: 2 } })
  const child = ServerChild.start(['echo', '--listen', '0', '--protocol', frame, '--max-frame', '64KiB', '--quiet'])
  const client = await connect(child)
  expect(child.stdout).toContain('frames up to 64 KiB')
  client.write(bytesOf({ u16: 5 }, 'hello'))
  expect(textOf(await client.take(7))).toBe('\0\x05hello')
})

test('main serves http with a text of its own, with another, and with what it was sent', async () => {
  const cases = [
    [[], 'Hello World!\n'],
    [['--reply', 'server'], 'server'],
    [['--reply', 'echo'], 'sent'],
  ] as const
  for (const [flags, body] of cases) {
    const client = await connect(ServerChild.start(['http', '--listen', '0', '--quiet', ...flags]))
    client.write('POST / HTTP/1.1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nsent')
    expect(textOf(await client.takeAll()).split('\r\n\r\n')[1]).toBe(body)
  }
})

test.each(['SIGTERM', 'SIGINT'] as const)('main answers what is in hand on %s and exits 0', async signal => {
  const child = ServerChild.start(
    ['rpc', '--listen', '0', '--shuffle', '1000', '--quiet', '--max-send-buffer', '64MiB'],
    { ipc: true },
  )
  const client = await connect(child)
  client.socket.pause()
  const requests = 400_000
  client.write(Buffer.concat(Array.from({ length: requests }, () => request)))
  // More than the kernel holds: the rest of the replies waits in the server.
  await until('the requests to be taken', () => statsOf(child.messages).at(-1)?.requests === requests)
  child.process.kill(signal)
  client.socket.resume()
  expect(await client.takeAll()).toHaveLength(requests * request.length)
  expect(await child.exited()).toBe(0)
  expect(statsOf(child.messages).at(-1)).toMatchObject({ requests, final: true, connections: 0 })
  expect(child.stderr).toBe('')
})

test('main serves from a pool of jobs, and finishes those in hand on SIGTERM', async () => {
  for (const name of ['echo', 'tlv', 'rpc', 'http']) {
    const flags = [
      '--pool-size',
      '2',
      '--service-time',
      'exponential:1ms',
      '--stall',
      '5ms/50ms',
      '--busy-wait',
      '--seed',
      '7',
    ]
    const child = ServerChild.start([name, '--listen', '0', '--quiet', '--reply', 'server', ...flags], { ipc: true })
    const client = await connect(child)
    const requests = 300
    const one = {
      echo: 'hello',
      tlv: bytesOf({ u32: 5 }, { u32: 1 }, 'hello'),
      rpc: request,
      http: 'GET / HTTP/1.1\r\n\r\n',
    }[name]!
    // What echo takes for one request over raw is what comes in at once.
    for (let index = 0; index < requests; index++) {
      client.write(one)
      if (name === 'echo') await new Promise(resolve => setTimeout(resolve, 1))
    }
    await until('some replies', () => client.available > 0)
    await until('the requests', () => statsOf(child.messages).at(-1)?.bytesIn === requests * one.length)
    child.process.kill('SIGTERM')
    const replies = textOf(await client.takeAll()).match(/server/g)!.length
    expect(await child.exited()).toBe(0)
    expect(statsOf(child.messages).at(-1)).toMatchObject({ requests: replies, final: true })
    if (name !== 'echo') expect(replies).toBe(requests)
    expect(child.stderr).toBe('')
  }
})

test('main does not wait for ever for a client that keeps its side open', async () => {
  const child = ServerChild.start(['echo', '--listen', '0'])
  const client = await connect(child, true)
  client.write('hello')
  await client.take(5)
  child.process.kill('SIGTERM')
  expect(await child.exited()).toBe(0)
})

test('main exits at once on a second signal', async () => {
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

test('main takes no notice of variables that are exported for other servers', async () => {
  const variables = { VOLLEY_SERVE_KEY: 'key', VOLLEY_SERVE_LAYER_KEY: 'key', VOLLEY_SERVE_SECRET: 'secret' }
  const names = ['echo', 'rpc', 'broadcast', 'http']
  Object.assign(process.env, variables)
  const children = names.map(name => ServerChild.start([name, '--listen', '0', '--quiet']))
  for (const variable of Object.keys(variables)) delete process.env[variable]
  for (const child of children) await child.address()
  expect(children.map(({ stderr }) => stderr)).toEqual(names.map(() => ''))
})

test('main tells its address and its counters over IPC', async () => {
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

test('main ends when the process that started it is gone', async () => {
  const child = ServerChild.start(['echo', '--listen', '0'], { ipc: true })
  await connect(child)
  child.process.disconnect()
  expect(await child.exited()).toBe(0)
})

test('main exits 2 with one line when the port is in use', async () => {
  const first = ServerChild.start(['echo', '--listen', '0'])
  const address = await first.address()
  const listen = `127.0.0.1:${'port' in address && address.port}`
  const second = ServerChild.start(['echo', '--listen', listen])
  expect(await second.exited()).toBe(2)
  expect(second.stderr).toBe(`cannot listen on tcp://${listen}: the port is in use\n`)
})

test('main exits 2 and says what is wrong with its flags', async () => {
  const cases: [string[], string][] = [
    [['nope'], 'unknown server "nope"; there are echo, tlv, rpc, broadcast, http and relay\n'],
    [['echo', '--listen', 'x'], '--listen expected an address such as 127.0.0.1:8080, got "x"\n'],
    [['tlv', '--protocol', 'line'], '--protocol expected tlv, got "line"\n'],
    [['echo', '--protocol', 'tlv'], '--protocol expected raw, line or frame, got "tlv"\n'],
    [['http', '--protocol', 'resp'], '--protocol expected http, got "resp"\n'],
    [['http', '--workers', '65'], '--workers expected a whole number from 1 to 64, got "65"\n'],
    [['http', '--workers', '2', '--max-connections', '9'], '--max-connections is for a single worker\n'],
    [
      ['tlv', '--pool-size', '2', '--stall', '1s/10s', '--workers', '2'],
      '--pool-size is for a single worker\n--stall is for a single worker\n',
    ],
    [['echo', '--busy-wait'], '--busy-wait is for a server with a job pool\n'],
    [['rpc', '--service-time', 'fixed:1ms', '--shuffle', '2'], '--shuffle is not for a server with a job pool\n'],
    [['rpc', '--pool-size', '4', '--shuffle', '2'], '--shuffle is not for a server with a job pool\n'],
    [
      ['tlv', '--pool-size', '4', '--stall', '1s/10s', '--reload-every', '2s'],
      '--pool-size is for one pool: without --reload-every\n--stall is for one pool: without --reload-every\n',
    ],
    [
      ['tlv', '--pool-size', '0', '--service-time', 'fixed', '--stall', '2s/1s', '--seed', '-1'],
      `--seed expected a whole number from 0 to 9007199254740991, got "-1"
--pool-size expected a whole number from 1 to 1000000, or unlimited, got "0"
--service-time expected fixed:2ms, exponential:1ms, bimodal:1ms,20ms,2% or fixed:5ms@2s,fixed:1ms, got "fixed"
--stall expected 1s/10s (a stall shorter than its period) or forever@54s, got "2s/1s"
`,
    ],
    [
      ['echo', '--key', 'secret', '--max-send-buffer', '0', '--pid-file', 'x', '--reload-timeout', '1s'],
      `--max-send-buffer expected a size from 1B to 1GiB, got "0"
--reload-timeout goes with --detach or --reload-every
--pid-file goes with --detach
--key is for tlv, not for echo
`,
    ],
    [['tlv', '--key', 'secret', '--max-frame', '20'], '--key needs a --max-frame of at least 64B\n'],
    [
      ['broadcast', '--workers', '2', '--reload-every', '2s', '--reply', 'x', '--pool-size', '2'],
      `--workers is not for broadcast, whose clients are all in one process
--reload-every is not for broadcast, whose clients are all in one process
--reply is not for broadcast, whose answer is set
--pool-size is not for broadcast
--pool-size is for a single worker
--pool-size is for one pool: without --reload-every
`,
    ],
    [['tlv', '--group', 'a', '--secret', 's'], '--group is for rpc, not for tlv\n'],
    [
      ['rpc', '--group', 'a:b', '--max-frame', '20'],
      `--group goes with --secret
--group expected 1 to 256 characters without ":", the first of them no "{", got "a:b"
`,
    ],
    [['rpc', '--secret', 'not-to-be-shown'], '--secret goes with --group\n'],
    [['rpc', '--group', 'a', '--secret', 's', '--max-frame', '63'], '--group needs a --max-frame of at least 64B\n'],
    [['tlv', '--reload-every', '1'], '--reload-every expected a duration such as 2s, from 10ms to 24h, got "1"\n'],
    [['stop', '--listen', '8080'], '--listen is not for stop\n'],
    [['tlv', 'more'], 'unexpected "more": tlv takes options only\n'],
    [['echo', '--colour'], "unknown option '--colour'\n"],
    [['echo', '--protocol', 'line', '--reply', 'a\nb'], '--reply a line must not contain its delimiter "\\n"\n'],
    [
      ['echo', '--shuffle', '0', '--max-frame', 'big', '--idle-timeout', '1', '--max-connections', '-1'],
      `--idle-timeout expected a duration such as 30s, from 10ms to 24h, got "1"
--max-connections expected a whole number from 1 to 1000000, got "-1"
--shuffle expected a whole number from 1 to 65536, got "0"
--shuffle is for rpc, not for echo
--max-frame expected a size from 1B to 64MiB, got "big"
--max-frame is not for raw, which has no frames
`,
    ],
  ]
  for (const [args, message] of cases) {
    const child = ServerChild.start(args)
    expect(await child.exited()).toBe(2)
    expect(child.stderr).toBe(message)
  }
})
