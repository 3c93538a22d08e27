import { expect, test } from 'vitest'
import { createProtocol } from '../../protocols/catalog.ts'
import { layeredProtocol } from '../../protocols/layers/layered.ts'
import type { LayerSettings } from '../../protocols/layers/settings.ts'
import { PartialFrames } from '../../protocols/partialFrames.ts'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryServer } from '../../transports/memory.ts'
import { simulate } from './testing/simulate.ts'

const key = 'secret'
const tlv = { name: 'tlv', maxFrame: 4096 } as const
const rpc = { name: 'rpc', lengthPrefix: true, maxFrame: 4096 } as const

/** Answers every whole frame with the frame that `answer` makes of it; adds the bodies to `seen`. */
function echoServer(
  spec: ProtocolSpec,
  settings: LayerSettings | undefined,
  { seen = [] as string[], answer = (frame: Uint8Array) => frame } = {},
): MemoryServer {
  const protocol = layeredProtocol(createProtocol(spec), settings)
  const partialFrames = new PartialFrames()
  return {
    received(connection, input) {
      partialFrames.join(connection.link, input, 0, input.length)
      const { bytes, to } = partialFrames
      let at = partialFrames.from
      while (at < to) {
        const end = protocol.frameEnd(bytes, at, to, 0)
        if (end < 0) return connection.close()
        if (end === 0) break
        const message = protocol.decode(bytes, at, end)
        seen.push(Buffer.from(message.body).toString())
        connection.send(answer(protocol.encode(message)), 1)
        at = end
      }
      partialFrames.keep(connection.link, bytes, at, to)
    },
    closed: connection => partialFrames.drop(connection.link),
  }
}

const names = ['gzip', 'hmac-sha256:before', 'aes-256-gcm'] as const
const layers = { layers: names, layerKey: key }
const overTlv = (settings: Partial<Scenario>): Partial<Scenario> => ({ protocol: tlv, ...layers, ...settings })

test.each([
  ['tlv', { protocol: tlv, duration: 300 }],
  ['rpc', { protocol: rpc, duration: 300 }],
  ['tlv with a pipeline', { protocol: tlv, duration: 50, load: { mode: 'loop', pipeline: 8 } }],
  ['rpc with a pipeline', { protocol: rpc, duration: 50, load: { mode: 'loop', pipeline: 8 } }],
] as const)(
  'Client wraps bodies of %s in layers, also those that differ each time, and unwraps replies to check them',
  async (_, settings) => {
    const seen: string[] = []
    const run = await simulate(echoServer(settings.protocol, { names, key }, { seen }), {
      ...layers,
      ...settings,
      connections: 2,
      connect: [{ send: 'login', expect: { equals: 'login' }, think: 0 }],
      loop: [
        { send: 'static', expect: 'echo', think: 0 },
        { send: 'of {{connection}}: {{seq}}', expect: 'echo', think: 0 },
        { send: 'and {{random 50}}', expect: { matches: '^and .{50}$' }, think: 0 },
      ],
    })
    expect(run.failures).toEqual({})
    expect(run).toMatchObject({ handshakes: 2 })
    expect(run.completed).toBeGreaterThan(500)
    expect(seen).toHaveLength(run.completed + run.inFlightAtEnd + 2)
    expect(seen).toContain('login')
    expect(seen.find(body => body.startsWith('of'))).toMatch(/^of 00000\d: \d{10}$/)
    expect(new Set(seen.filter(body => body.startsWith('of'))).size).toBe(
      seen.filter(body => body.startsWith('of')).length,
    )
  },
)

test('Client wraps requests that are all the same once, and sends the same bytes each time', async () => {
  const wire = new Set<string>()
  const server = echoServer(tlv, { names, key })
  const run = await simulate(
    {
      ...server,
      received(connection, bytes, now) {
        wire.add(Buffer.from(bytes).toString('hex'))
        server.received!(connection, bytes, now)
      },
    },
    overTlv({ duration: 550, loop: [{ send: 'static', think: 0 }] }),
  )
  expect(run.completed).toBeGreaterThan(500)
  expect(wire.size).toBe(1)
})

test.each([
  ['fails the check of its layer, without an expectation', 'crc32', undefined],
  ['fails the check of its layer, with an expectation', 'hmac-sha1', { type: 0 }],
  ['cannot be decompressed, with an expectation of its body', 'gzip', { contains: 'static' }],
] as const)('Client counts a reply as malformed when it %s: %s', async (_, name, expectation) => {
  const answer = (frame: Uint8Array) => frame.with(frame.length - 1, frame.at(-1)! ^ 1)
  const loop = [{ send: 'static', ...(expectation && { expect: expectation }), think: 0 }]
  const settings = { names: [name], key }
  const run = await simulate(echoServer(tlv, settings, { answer }), { ...overTlv({ loop }), layers: [name] })
  expect(Object.keys(run.failures)).toEqual(['malformed'])
  expect(run.completed).toBe(0)
  expect(run.failed).toBeGreaterThan(5)
})

test('Client does not decompress a reply when nothing is expected of its body', async () => {
  const answer = (frame: Uint8Array) => frame.with(frame.length - 1, frame.at(-1)! ^ 1)
  const loop = [{ send: { type: 3, body: 'static' }, expect: { type: 3 }, think: 0 }]
  const run = await simulate(echoServer(tlv, { names: ['gzip'] }, { answer }), {
    protocol: tlv,
    layers: ['gzip'],
    duration: 550,
    loop,
  })
  expect(run.failures).toEqual({})
  expect(run.completed).toBeGreaterThan(500)
})

test('Client counts a reply whose body is another text without its layers as unexpected', async () => {
  const run = await simulate(
    echoServer(tlv, { names, key }),
    overTlv({ duration: 200, loop: [{ send: 'a', expect: { equals: 'b' }, think: 0 }] }),
  )
  expect(Object.keys(run.failures)).toEqual(['unexpected'])
})

test('encodeRequests() says which request could become too long with its layers', async () => {
  const loop = [
    { send: 'x'.repeat(60), think: 0 },
    { send: '{{random 60}}', think: 0 },
  ]
  const protocol = { name: 'tlv', maxFrame: 60 } as const
  await expect(simulate({}, { protocol, layers: ['gzip'], loop })).rejects.toThrow(
    'loop[1].send: a TLV value has at most 60 bytes, not 124',
  )
  await expect(simulate({}, { protocol, layers: ['crc32'], loop })).rejects.toThrow(
    'loop[0].send: a TLV value has at most 60 bytes, not 64',
  )
})

const wires: readonly NonNullable<Scenario['wire']>[] = [
  { split: 1 },
  { split: 3, delay: 2 },
  { split: 'random' },
  { coalesce: 4 },
  { coalesce: 3, delay: 1 },
]
test.each(wires)('Client counts exactly when its writes are split or coalesced: %j', async wire => {
  for (const protocol of [tlv, rpc]) {
    for (const pipeline of [4, 7]) {
      const seen: string[] = []
      const run = await simulate(echoServer(protocol, undefined, { seen }), {
        protocol,
        wire,
        connections: 3,
        load: { mode: 'loop', pipeline },
        requests: 200,
        duration: 60_000,
        timeout: 5000,
        loop: [{ send: 'hello {{seq}}', expect: 'echo', think: 0 }],
      })
      expect(run.failures).toEqual({})
      expect(run).toMatchObject({ sent: 200, completed: 200, inFlightAtEnd: 0 })
      expect(seen.toSorted()).toEqual(
        Array.from({ length: 200 }, (_, index) => `hello ${String(index + 1).padStart(10, '0')}`),
      )
    }
  }
})

test('Client wraps a request with a captured value in its layers once', async () => {
  const seen: string[] = []
  const settings = { names: ['gzip', 'crc32'] } as const
  const run = await simulate(echoServer(rpc, settings, { seen }), {
    protocol: rpc,
    layers: settings.names,
    requests: 5,
    connect: [{ send: 'login', capture: { name: 'body' }, think: 0 }],
    loop: [{ send: '<{{name}} {{seq 2}}>', expect: 'echo', think: 0 }],
  })
  expect(run).toMatchObject({ completed: 5, failures: {} })
  expect(seen).toEqual(['login', '<login 01>', '<login 02>', '<login 03>', '<login 04>', '<login 05>'])
})
