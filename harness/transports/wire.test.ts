import fc from 'fast-check'
import { expect, test } from 'vitest'
import { propertyRuns } from '../testing/propertyRuns.ts'
import { createMemoryTransport } from './memory.ts'
import { finished, type Transport, writeQueueBytesMax, written } from './transport.ts'
import { coalesceDelayMs, type WireSettings, wireTransport } from './wire.ts'

const links = 3
/** When a simulation ends, in simulated time. */
const endMs = 1e6

interface Write {
  readonly link: number
  readonly at: number
  readonly bytes: Uint8Array
  readonly requests: number
}

interface Piece {
  readonly bytes: Uint8Array
  readonly at: number
}

/** What a server receives, by link: each write of the transport is one piece. */
async function drive(settings: WireSettings | undefined, writes: readonly Write[], endAt = endMs): Promise<Piece[][]> {
  const pieces: Piece[][] = Array.from({ length: links }, () => [])
  const memory = createMemoryTransport({
    received: ({ link }, bytes, at) => void pieces[link]!.push({ bytes, at }),
  })
  const transport = wireTransport(memory, settings, 7)
  for (const { link, at, bytes, requests } of writes) {
    memory.at(at, () => {
      const own = Uint8Array.from([0, ...bytes, 0])
      expect(transport.write(link, own, 1, own.length - 1, requests)).toBe(written.taken)
      // Taken bytes may be changed at once.
      own.fill(0xee)
    })
  }
  await runUntil(transport, endAt)
  return pieces
}

async function runUntil(transport: Transport, endAt: number): Promise<void> {
  let isConnected = false
  await transport.run({
    opened() {},
    received() {},
    closed() {},
    wake(now) {
      for (let link = 0; link < links && !isConnected; link++) transport.connect(link)
      isConnected = true
      return now >= endAt ? finished : endAt
    },
  })
}

const writeSets = fc.array(
  fc.record({
    link: fc.nat(links - 1),
    at: fc.integer({ min: 1, max: 20 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    requests: fc.integer({ min: 1, max: 4 }),
  }),
  { maxLength: 30 },
)
const wires: fc.Arbitrary<WireSettings> = fc.oneof(
  fc.record(
    { split: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant('random' as const)), delay: fc.nat(5) },
    { requiredKeys: ['split'] },
  ),
  fc.record({ coalesce: fc.integer({ min: 2, max: 12 }), delay: fc.nat(30) }, { requiredKeys: ['coalesce'] }),
)

const inOrder = (writes: readonly Write[], link: number) =>
  writes.filter(write => write.link === link).sort((a, b) => a.at - b.at)
const joined = (parts: readonly { bytes: Uint8Array }[]) =>
  Buffer.concat(parts.map(({ bytes }) => bytes)).toString('hex')

test('wireTransport() writes the same bytes in the same order, however it splits and coalesces them', async () => {
  await fc.assert(
    fc.asyncProperty(wires, writeSets, async (settings, writes) => {
      const pieces = await drive(settings, writes)
      for (let link = 0; link < links; link++) {
        const sent = inOrder(writes, link)
        expect(joined(pieces[link]!)).toBe(joined(sent))
        if (typeof settings.split === 'number') {
          const most = pieces[link]!.map(({ bytes }) => bytes.length)
          expect(Math.max(0, ...most)).toBeLessThanOrEqual(settings.split)
        }
      }
    }),
    { numRuns: propertyRuns },
  )
})

test('wireTransport() splits each write into pieces of the given length, a delay apart', async () => {
  const bytes = Uint8Array.from({ length: 8 }, (_, index) => index)
  const [pieces] = await drive({ split: 3, delay: 5 }, [{ link: 0, at: 1, bytes, requests: 1 }])
  expect(pieces!.map(({ bytes, at }) => [bytes.length, at])).toEqual([
    [3, 1],
    [3, 6],
    [2, 11],
  ])
})

test('wireTransport() without a delay writes each piece in a turn of its own', async () => {
  const [pieces] = await drive({ split: 1 }, [{ link: 0, at: 1, bytes: new Uint8Array(5), requests: 1 }])
  expect(pieces!.map(({ bytes }) => bytes.length)).toEqual([1, 1, 1, 1, 1])
})

test('wireTransport() splits at random places, the same for the same seed', async () => {
  const write = { link: 0, at: 1, bytes: new Uint8Array(1000), requests: 1 }
  const [first] = await drive({ split: 'random' }, [write])
  const [second] = await drive({ split: 'random' }, [write])
  const lengths = first!.map(({ bytes }) => bytes.length)
  expect(second!.map(({ bytes }) => bytes.length)).toEqual(lengths)
  expect(lengths.length).toBeGreaterThan(1)
  expect(new Set(lengths).size).toBeGreaterThan(1)
})

test('wireTransport() holds requests until there are enough, or the delay is over', async () => {
  const write = (at: number, requests: number, byte: number) => {
    return { link: 0, at, bytes: Uint8Array.of(byte), requests }
  }
  const writes = [write(1, 2, 1), write(2, 2, 2), write(3, 1, 3), write(30, 1, 4), write(31, 9, 5)]
  const [pieces] = await drive({ coalesce: 4 }, writes)
  expect(pieces!.map(({ bytes, at }) => [[...bytes], at])).toEqual([
    [[1, 2], 2],
    [[3], 3 + coalesceDelayMs],
    [[4, 5], 31],
  ])
  const [late] = await drive({ coalesce: 4, delay: 20 }, [write(1, 1, 1)])
  expect(late!.map(({ at }) => at)).toEqual([21])
})

test('wireTransport() writes held bytes before it closes, and drops them when the connection breaks', async () => {
  const got: string[] = []
  const memory = createMemoryTransport({
    accepted: connection => connection.link === 1 && connection.close(5),
    received: ({ link }, bytes) => void got.push(`${link} ${Buffer.from(bytes)}`),
  })
  const transport = wireTransport(memory, { split: 2, delay: 100 }, 1)
  for (const link of [0, 1]) memory.at(1, () => void transport.write(link, Buffer.from('hello'), 0, 5))
  memory.at(2, () => transport.close(0))
  await runUntil(transport, 1000)
  expect(got).toEqual(['0 he', '1 he', '0 llo'])
})

test('wireTransport() refuses more than a write queue holds, and writes without a connection', async () => {
  const memory = createMemoryTransport({})
  const transport = wireTransport(memory, { split: 1, delay: 10 }, 1)
  const results: number[] = []
  memory.at(1, () => {
    results.push(transport.write(0, Buffer.from('ab'), 0, 2))
    results.push(transport.write(0, new Uint8Array(writeQueueBytesMax), 0, writeQueueBytesMax))
    transport.close(0)
    results.push(transport.write(0, Buffer.from('ab'), 0, 2))
  })
  await runUntil(transport, 100)
  expect(results).toEqual([written.taken, written.refused, written.refused])
})

test('wireTransport() returns the transport itself without settings', () => {
  const memory = createMemoryTransport({})
  expect(wireTransport(memory, undefined, 1)).toBe(memory)
})

/** A memory transport that refuses writes before `untilMs`, and the bytes written from then on. */
function refusing(untilMs: number) {
  const memory = createMemoryTransport({ received() {} })
  const given: number[] = []
  const write: Transport['write'] = (_link, bytes, from, to) => {
    if (memory.now() < untilMs) return written.refused
    given.push(...bytes.subarray(from, to))
    return written.taken
  }
  const transport = new Proxy(memory, {
    get: (target, key) => {
      if (key === 'write') return write
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { memory, transport, given }
}

test('wireTransport() keeps bytes that its transport refuses, and writes them when it has room', async () => {
  const { memory, transport, given } = refusing(50)
  const wire = wireTransport(transport, { coalesce: 10, delay: 5 }, 1)
  memory.at(1, () => expect(wire.write(0, Uint8Array.of(1, 2, 3), 0, 3, 1)).toBe(written.taken))
  memory.at(20, () => expect(wire.write(0, Uint8Array.of(4), 0, 1, 1)).toBe(written.taken))
  await runUntil(wire, 100)
  expect(given).toEqual([1, 2, 3, 4])
})

test('wireTransport() writes held bytes when the loop is finished', async () => {
  const { memory, transport, given } = refusing(0)
  const wire = wireTransport(transport, { coalesce: 10, delay: 60_000 }, 1)
  memory.at(1, () => expect(wire.write(0, Uint8Array.of(1, 2, 3), 0, 3, 1)).toBe(written.taken))
  await runUntil(wire, 100)
  expect(given).toEqual([1, 2, 3])
})
