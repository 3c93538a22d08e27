import { afterEach, expect, test } from 'vitest'
import type { UserError } from '../../harness/errors.ts'
import { layerKeyLengthMax } from '../../harness/protocols/layers/settings.ts'
import { broadcastFramings, frameBytesMax } from '../../harness/protocols/spec.ts'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { type OptionTexts, serverOptions } from '../../harness/serverOptions.ts'
import { until } from '../testing/client.ts'
import { connect, endServices, startService } from '../testing/services.ts'
import { serverSettings } from './settings.ts'
import { withVariables } from './variables.ts'

afterEach(endServices)

function faultsOf(name: string, options: OptionTexts): readonly string[] {
  try {
    serverSettings(name, options)
  } catch (error) {
    return (error as UserError).faults.map(({ place, message }) => `${place} ${message}`)
  }
  return []
}

test('serverSettings() makes a job pool of each of its options alone', () => {
  const pools: OptionTexts[] = [{ poolSize: '4' }, { poolSize: 'unlimited' }, { serviceTime: 'fixed:1ms' }]
  for (const options of [...pools, { stall: '1s/10s' }]) {
    expect(serverSettings('tlv', options).service.pending).toBeDefined()
  }
  expect(serverSettings('tlv', {}).service.pending).toBeUndefined()
})

test('serverSettings() says how an IPv6 address is written', () => {
  expect(faultsOf('tlv', { listen: '::1:9721' })).toEqual([
    '--listen expected an IPv6 address in brackets: [::1]:9721, got "::1:9721"',
  ])
  expect(faultsOf('tlv', { listen: 'udp://::1:9721' })[0]).toContain('brackets: udp://[::1]:9721, got')
  expect(faultsOf('tlv', { listen: 'http://::1:9721' })[0]).not.toContain('brackets')
})

test('serverSettings() reads durations, sizes and numbers, and fills in what is not given', () => {
  const address = { host: '127.0.0.1', port: 8080 }
  expect(serverSettings('tlv', {})).toMatchObject({
    listen: address,
    overUdp: false,
    workers: 1,
    reloadTimeoutMs: 30_000,
  })
  const options = {
    listen: 'udp://127.0.0.1:9',
    maxFrame: '1KiB',
    maxConnections: '7',
    idleTimeout: '15s',
  }
  expect(serverSettings('tlv', options)).toMatchObject({
    listen: { host: '127.0.0.1', port: 9 },
    overUdp: true,
    maxFrame: 1024,
    connectionsMax: 7,
    idleTimeoutMs: 15_000,
  })
  const reloading = { reloadEvery: '2s', reloadTimeout: '1m', maxSendBuffer: '1MiB', workers: '3' }
  expect(serverSettings('tlv', reloading)).toMatchObject({
    reloadEveryMs: 2000,
    reloadTimeoutMs: 60_000,
    maxSendBufferBytes: 1024 * 1024,
    workers: 3,
  })
})

test('serverSettings() reads what is logged, and options of sockets', () => {
  const settings = serverSettings('tlv', { log: 'messages, connections', noDelay: 'off', replyType: '4294967295' })
  expect(settings.logging).toMatchObject({ events: ['connections', 'messages'], isStream: true })
  expect(settings.socket).toEqual({ noDelay: false })
  expect(serverSettings('tlv', {}).logging).toBeUndefined()
  const overUdp = { listen: 'udp://127.0.0.1:0', log: 'messages', receiveBuffer: '64KiB', sendBuffer: '32KiB' }
  expect(serverSettings('tlv', overUdp)).toMatchObject({
    logging: { isStream: false },
    socket: { receiveBuffer: 65_536, sendBuffer: 32_768 },
  })
})

test.each<[OptionTexts, string]>([
  [{}, 'Hello World!\n'],
  [{ reply: 'server' }, 'server'],
  [{ reply: 'echo' }, 'sent'],
])('an http server with %j replies with %j', async (options, body) => {
  const client = await connect(await startService(serverSettings('http', options).service))
  client.write('POST / HTTP/1.1\r\nContent-Length: 4\r\nConnection: close\r\n\r\nsent')
  expect(textOf(await client.takeAll()).split('\r\n\r\n')[1]).toBe(body)
})

const requests = {
  echo: 'hello',
  tlv: bytesOf({ u32: 5 }, { u32: 1 }, 'hello'),
  rpc: bytesOf({ u32: 24 }, { u32: 1 }, { u8: 1 }, { i16: 1 }, { i64: 1n }, { i32: 5 }, 'hello'),
  http: 'GET / HTTP/1.1\r\n\r\n',
}

test.each(Object.entries(requests))(
  'a server of %s finishes the jobs of its pool when it stops',
  async (name, request) => {
    const pool = { poolSize: '2', serviceTime: 'exponential:1ms', stall: '5ms/50ms', seed: '7' }
    const server = await startService(serverSettings(name, { ...pool, reply: 'server' }).service)
    const client = await connect(server)
    const count = 100
    // Over raw all bytes of one read are one request.
    for (let index = 0; index < count; index++) {
      client.write(request)
      if (name === 'echo') await new Promise(resolve => setTimeout(resolve, 1))
    }
    await until('some replies', () => client.available > 0)
    await until('the requests', () => server.counters().bytesIn === count * request.length)
    await server.stop()
    const replies = textOf(await client.takeAll()).match(/server/g)!.length
    expect(server.counters()).toMatchObject({ requests: replies, connections: 0 })
    if (name !== 'echo') expect(replies).toBe(count)
  },
)

test('variables that are exported for other servers do not make a server fail', () => {
  const environment = { VOLLEY_SERVE_KEY: 'key', VOLLEY_SERVE_LAYER_KEY: 'key', VOLLEY_SERVE_SECRET: 'secret' }
  for (const name of ['echo', 'rpc', 'broadcast', 'http']) {
    expect(faultsOf(name, withVariables(name, {}, environment))).toEqual([])
  }
})

test.each<[string, OptionTexts, string[]]>([
  [
    'echo',
    { listen: 'udp://127.0.0.1' },
    ['--listen expected an address such as 127.0.0.1:8080, udp://127.0.0.1:8080 or unix:/path, got "udp://127.0.0.1"'],
  ],
  [
    'echo',
    { listen: 'udp://unix:/x' },
    ['--listen expected an address such as 127.0.0.1:8080, udp://127.0.0.1:8080 or unix:/path, got "udp://unix:/x"'],
  ],
  ['http', {}, ['--listen http does not serve over UDP']],
  ['tlv', { reply: 'x'.repeat(65_500) }, ['--reply a datagram has at most 65507 bytes, not 65508']],
  [
    'tlv',
    { workers: '2', key: 'k', maxSendBuffer: '1000', reloadEvery: '2s', detach: true },
    ['--max-send-buffer', '--key', '--workers', '--detach', '--reload-every'].map(
      flag => `${flag} is for TCP, not for UDP`,
    ),
  ],
  ['echo', { naive: '15' }, ['--naive is for TCP, not for UDP']],
  ['rpc', { group: 'a', secret: 's' }, ['--group is for TCP, not for UDP']],
])('serverSettings() refuses what is not possible over UDP: %s %o', (name, options, expected) => {
  expect(faultsOf(name, { listen: 'udp://127.0.0.1:0', ...options })).toEqual(expected)
})

test.each<[string, OptionTexts, string[]]>([
  ['tlv', { naive: '15' }, ['--naive is for echo, not for tlv']],
  ['echo', { naive: '65KiB' }, ['--naive expected a size from 1 B to 64 KiB, got "65KiB"']],
  [
    'echo',
    { naive: '15', protocol: 'frame', maxFrame: '20', layers: 'gzip' },
    ['--naive does not go with --layers or --max-frame: it knows no messages'],
  ],
  ['echo', { naive: '15', reply: 'echo' }, []],
  ['tlv', { replyType: '4294967296' }, ['--reply-type expected a whole number from 0 to 4294967295, got "4294967296"']],
  ['rpc', { replyType: '1' }, ['--reply-type is for tlv, not for rpc']],
  ['echo', { noDelay: 'maybe' }, ['--no-delay expected on or off, got "maybe"']],
  ['echo', { noDelay: 'off', listen: 'unix:/x' }, ['--no-delay is for TCP, not for a unix socket']],
  ['echo', { noDelay: 'off', listen: 'udp://127.0.0.1:0' }, ['--no-delay is for TCP, not for UDP']],
  [
    'echo',
    { receiveBuffer: '2GiB', sendBuffer: '0' },
    [
      '--receive-buffer expected a size from 1 B to 1 GiB, got "2GiB"',
      '--send-buffer expected a size from 1 B to 1 GiB, got "0"',
    ],
  ],
  ['echo', { log: 'all' }, ['--log expected connections, messages, or connections,messages, got "all"']],
  ['echo', { naive: '15', reply: 'ok' }, []],
  ['tlv', { layers: 'zip' }, [expect.stringContaining('--layers expected names out of deflate')]],
  ['tlv', { layers: 'hmac-sha1' }, ['--layers need --layer-key for hmac-sha1']],
  ['tlv', { layers: 'hmac-sha1', layerKey: '' }, ['--layer-key expected 1 to 1024 characters']],
  ['tlv', { key: 'k', layers: 'gzip', maxFrame: '1000' }, ['--key needs a --max-frame of at least 1024B']],
  [
    'tlv',
    { busyWait: true, poolSize: '2', workers: '2' },
    ['--pool-size is for a single worker', '--busy-wait is for a single worker'],
  ],
  ['tlv', { framing: 'line' }, ['--framing is for broadcast, not for tlv']],
  ['broadcast', { framing: 'lines' }, ['--framing expected line, json, text or websocket, got "lines"']],
  ['broadcast', { framing: 'json', listen: 'unix:/tmp/x.sock' }, []],
  ...[{ framing: 'text' }, { protocol: '{"broadcast":{"framing":"text"}}' }].map(
    (options): [string, OptionTexts, string[]] => [
      'broadcast',
      { ...options, listen: 'unix:/tmp/x.sock' },
      ['--framing text needs TCP: bare texts begin with the address of a client, and over a unix socket it has none'],
    ],
  ),
  ['echo', { protocol: '{"frame":' }, ['--protocol expected a protocol\'s name or JSON, got {"frame":']],
  ['echo', { protocol: '{"frame":{"lengthBytes":5}}' }, [expect.stringContaining('--protocol frame.lengthBytes')]],
])('serverSettings() refuses what does not go together: %s %o', (name, options, expected) => {
  expect(faultsOf(name, options)).toEqual(expected)
})

test('limits in the table of options equal the limits of protocols and layers', () => {
  expect(serverOptions.maxFrame.value.max).toBe(frameBytesMax)
  const { parse } = serverOptions.framing.value
  expect(broadcastFramings.map(framing => parse(framing))).toEqual(broadcastFramings)
  expect(serverOptions.layerKey.value.lengthMax).toBe(layerKeyLengthMax)
})
