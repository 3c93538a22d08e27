import { expect, test } from 'vitest'
import { field, roleIndex } from '../../metrics/slab.ts'
import { acknowledgedWords, deliveredWords } from '../../protocols/bareText.ts'
import { encodeAcknowledgement, encodeDelivery } from '../../protocols/broadcast.ts'
import { frame } from '../../protocols/testing/webSocketFrames.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import { type Simulated, simulate, startMs } from './testing/simulate.ts'
import { webSocketServer } from './testing/webSocketServer.ts'

interface Behaviour {
  /** When the others receive a message, and when its sender receives the acknowledgement. */
  readonly deliveryMs?: number
  readonly replyMs?: number
  /** Whether delivery `index`, of all there are, is lost. */
  readonly loses?: (index: number) => boolean
}

/** Sends each message to all other connections; messages arrive whole in simulated time. */
function broadcastServer({ deliveryMs = 3, replyMs = 1, loses = () => false }: Behaviour = {}): MemoryServer {
  const connections = new Set<MemoryConnection>()
  let deliveries = 0
  return {
    accepted: connection => void connections.add(connection),
    closed: connection => void connections.delete(connection),
    received(connection, bytes) {
      for (const line of Buffer.from(bytes).toString().trimEnd().split('\n')) {
        connection.send(encodeAcknowledgement(`c${connection.link}`), replyMs)
        const delivery = encodeDelivery(`c${connection.link}`, JSON.parse(line).message)
        for (const other of connections) {
          if (other !== connection && !loses(deliveries++)) other.send(delivery, deliveryMs)
        }
      }
    },
  }
}

const settings: Partial<Scenario> = {
  protocol: { name: 'broadcast', maxFrame: 1024 },
  connections: 5,
  loop: [{ send: 'it is {{stamp}} now', think: 0 }],
}

/** A clock that does not begin at 0, so that sequence numbers are no possible times. */
const today = { epochOffsetMs: 1.8e12 }

function deliveriesOf({ collector }: Simulated) {
  return {
    count: collector.total(field.deliveries) + collector.total(field.deliveriesAfter),
    acknowledged: collector.total(field.completed) + collector.total(field.nonCompletingReplies),
    cut: collector.level(field.deliveriesCut),
  }
}

test('Client counts deliveries apart from replies, and times them by their stamps', async () => {
  const run = await simulate(broadcastServer(), settings)
  expect(run).toMatchObject({ sent: 5000, completed: 4995, inFlightAtEnd: 5, failures: {} })
  expect(run.meanMs).toBeCloseTo(1, 3)
  expect(deliveriesOf(run)).toEqual({ count: 5000 * 4, acknowledged: 5000, cut: 0 })
  // A bucket is a thousandth wide.
  expect(run.measured.delivery.histogram.totalCount).toBe(5000 * 4)
  expect(run.measured.delivery.histogram.getValueAtPercentile(1) / 10_000).toBeCloseTo(3, 2)
  expect(run.measured.delivery.histogram.maxValue / 10_000).toBeCloseTo(3, 2)
  const snapshot = run.collector.snapshot({ elapsedMs: 1000, phase: 'draining' })
  // Four for each message; the last second includes the wait after the end.
  expect(snapshot.deliveriesPerSecond! / snapshot.requestsPerSecond).toBeCloseTo(4, 1)
  expect(snapshot.requestsPerSecond).toBeGreaterThan(2000)
  // Five messages while nothing has come in on five links, then one each while nothing has on 4, 3, 2, 1 and 0 links.
  expect(run.collector.total(field.possiblyMissed)).toBe(25 + 10)
})

test('Client waits after the end until no more deliveries come', async () => {
  const late = await simulate(broadcastServer({ deliveryMs: 200 }), settings)
  expect(deliveriesOf(late)).toEqual({ count: 5000 * 4, acknowledged: 5000, cut: 0 })
  // The last reply comes a millisecond after the end, the last delivery 200 ms after it.
  expect(late.leftAtMs).toBeGreaterThan(startMs + 1200 + 200)
  expect(late.leftAtMs).toBeLessThan(startMs + 1000 + 750)
  const counted = await simulate(broadcastServer({ deliveryMs: 200 }), { ...settings, requests: 50 })
  expect(deliveriesOf(counted)).toEqual({ count: 50 * 4, acknowledged: 50, cut: 0 })
  expect(counted.endedAtMs).toBeLessThan(startMs + 20)
})

test('Client reports that deliveries are cut when they still come after the longest wait', async () => {
  const server = broadcastServer()
  const received = server.received!
  const chatter: MemoryServer = {
    ...server,
    received(connection, bytes, now) {
      received(connection, bytes, now)
      // Once at the start: messages of another client, for longer than the run lasts.
      if (now > startMs + 0.5) return
      for (let ms = 0; ms < 2500; ms += 100) connection.send(encodeDelivery('other', 'hello'), ms)
    },
  }
  const run = await simulate(chatter, { ...settings, timeout: 5000, requests: 50 })
  expect(run.completed).toBe(50)
  expect(deliveriesOf(run).cut).toBe(1)
})

test('Client does not count deliveries that the server loses', async () => {
  const run = await simulate(broadcastServer({ loses: index => index % 100 === 99 }), settings)
  expect(deliveriesOf(run)).toEqual({ count: 5000 * 4 * 0.99, acknowledged: 5000, cut: 0 })
})

test('Client counts deliveries without a time when no number in them can be a stamp', async () => {
  const loop = [{ send: '{{seq 16}} and {{stamp}}{{seq}}', think: 0 }]
  const run = await simulate(broadcastServer(), { ...settings, loop, requests: 100 }, today)
  expect(deliveriesOf(run).count).toBe(400)
  expect(run.measured.delivery.histogram.totalCount).toBe(0)
})

test('Client finds a stamp after other numbers', async () => {
  const loop = [{ send: '{{seq 16}} {{connection}} "{{stamp}}"', think: 0 }]
  const run = await simulate(broadcastServer(), { ...settings, loop, requests: 100 }, today)
  expect(run.measured.delivery.histogram.totalCount).toBe(400)
})

test('Client counts a line that is neither a delivery nor an acknowledgement as an unexpected reply', async () => {
  const server: MemoryServer = {
    received: connection => connection.send(Buffer.from('{"client_ip":"","message":"no"}\n'), 1),
  }
  const run = await simulate(server, { ...settings, requests: 10 })
  expect(run).toMatchObject({ completed: 0, failed: 10, failures: { unexpected: 10 } })
})

test('Client also counts an acknowledgement that is not as expected', async () => {
  const loop = [{ send: 'hello', expect: { contains: 'zzz' }, think: 0 }]
  const run = await simulate(broadcastServer(), { ...settings, loop })
  expect(run).toMatchObject({ completed: 0, failed: run.sent - 5 })
  expect(deliveriesOf(run)).toMatchObject({ count: run.sent * 4, acknowledged: run.sent })
})

interface BareBehaviour {
  /** Where a text is cut in two, counted from its beginning; whole by default. */
  readonly cutAt?: (text: Uint8Array, index: number) => number
  /** What the server takes for the address of a client. */
  readonly addressOf?: (connection: MemoryConnection) => string
}

/** Answers JSON objects with bare texts: the client that names itself is the sender, and all others get the message. */
function bareServer({ cutAt, addressOf = ({ remoteAddress }) => remoteAddress }: BareBehaviour = {}): MemoryServer {
  const connections = new Set<MemoryConnection>()
  let texts = 0
  const send = (connection: MemoryConnection, text: Uint8Array, delayMs: number) => {
    const cut = cutAt?.(text, texts++) ?? text.length
    connection.send(text.slice(0, cut), delayMs)
    if (cut < text.length) connection.send(text.slice(cut), delayMs)
  }
  return {
    accepted: connection => void connections.add(connection),
    closed: connection => void connections.delete(connection),
    received(_connection, bytes) {
      const { client_ip: sender, message } = JSON.parse(Buffer.from(bytes).toString())
      for (const connection of connections) {
        const address = addressOf(connection)
        if (address === sender) send(connection, encodeAcknowledgement(address, 'text'), 1)
        else send(connection, encodeDelivery(address, message, 'text'), 1)
      }
    },
  }
}

const bare: Partial<Scenario> = {
  ...settings,
  protocol: { name: 'broadcast', framing: 'text', maxFrame: 1024 },
  loop: [{ send: 'it is {{stamp}}', think: 0 }],
  requests: 500,
}

test('Client names itself by its own address and counts bare texts, which come together and have no end', async () => {
  const run = await simulate(bareServer(), bare, today)
  expect(run).toMatchObject({ sent: 500, completed: 500, failures: {} })
  expect(deliveriesOf(run)).toEqual({ count: 500 * 4, acknowledged: 500, cut: 0 })
  expect(run.collector.total(field.deliveryPieces)).toBe(0)
  expect(run.measured.delivery.histogram.totalCount).toBe(500 * 4)
  expect(run.measured.delivery.histogram.maxValue / 10_000).toBeCloseTo(1, 1)
})

test('Client counts bare texts once, wherever they are cut', async () => {
  const cutAt = (text: Uint8Array, index: number) => 1 + (index % text.length)
  const run = await simulate(bareServer({ cutAt }), bare, today)
  expect(run).toMatchObject({ sent: 500, completed: 500, failures: {} })
  expect(deliveriesOf(run)).toEqual({ count: 500 * 4, acknowledged: 500, cut: 0 })
  expect(run.collector.total(field.deliveryPieces)).toBeGreaterThan(100)
  // Those whose stamp was not cut: a text has 60 bytes or so, and the stamp 16 of them.
  expect(run.measured.delivery.histogram.totalCount).toBeGreaterThan(500)
  expect(run.measured.delivery.histogram.totalCount).toBeLessThan(500 * 4)
  expect(run.measured.delivery.histogram.maxValue / 10_000).toBeCloseTo(1, 1)
})

test('Client never takes its message for acknowledged by a server that knows it by another address', async () => {
  const addressOf = ({ link }: MemoryConnection) => `10.0.0.${link}:7`
  const run = await simulate(bareServer({ addressOf }), { ...bare, requests: 10 }, today)
  expect(run).toMatchObject({ completed: 0, failures: { timeout: 10 } })
})

test('Client finds bytes unexpected that are no text where no delivery came before', async () => {
  const server: MemoryServer = {
    received: connection => connection.send(encodeAcknowledgement(connection.remoteAddress, 'json'), 1),
  }
  const run = await simulate(server, { ...bare, requests: 10 })
  expect(run.completed).toBe(0)
  expect(run.failures['unexpected']).toBeGreaterThan(0)
})

test('Client counts deliveries over WebSocket, also in fragments, and answers pings; none can be missed', async () => {
  const clients = new Set<MemoryConnection>()
  const objectOf = (text: string) => JSON.stringify({ client_ip: 'c', message: `c${text}` })
  const cut = (text: string) => {
    const bytes = Buffer.from(objectOf(text))
    // Within the words that tell what it is.
    const at = bytes.indexOf(0xe5) + 4
    return [frame(0x01, bytes.subarray(0, at)), frame(0x89, 'ping'), frame(0x80, bytes.subarray(at))]
  }
  let messages = 0
  let pongs = 0
  const server = webSocketServer((connection, { type, body }) => {
    if (type === 0x8a) {
      pongs++
      return
    }
    const { message } = JSON.parse(body.toString())
    const isCut = ++messages % 10 === 0
    const acknowledgement = `: ${acknowledgedWords}`
    const delivery = ` ${deliveredWords}${message}`
    const framesOf = (text: string) => (isCut ? cut(text) : [frame(0x81, objectOf(text))])
    for (const bytes of framesOf(acknowledgement)) connection.send(bytes, 1)
    for (const other of clients) {
      if (other !== connection) for (const bytes of framesOf(delivery)) other.send(bytes, 3)
    }
  })
  const room: MemoryServer = {
    ...server,
    received(connection, bytes, now) {
      clients.add(connection)
      server.received!(connection, bytes, now)
    },
    closed: connection => void clients.delete(connection),
  }
  const overWebSocket = { ...settings, protocol: { name: 'broadcast', framing: 'websocket', maxFrame: 1024 } } as const
  const run = await simulate(room, { ...overWebSocket, requests: 500 }, today)
  expect(run).toMatchObject({ sent: 500, completed: 500, failures: {}, handshakes: 5 })
  expect(deliveriesOf(run)).toEqual({ count: 500 * 4, acknowledged: 500, cut: 0 })
  expect(run.collector.total(field.possiblyMissed)).toBe(0)
  expect(run.measured.delivery.histogram.totalCount).toBe(500 * 4)
  // Those that come after the end are not answered.
  expect(run.collector.total(field.sent + roleIndex.answer)).toBe(pongs)
  expect(pongs).toBeGreaterThan(40 * 5)
})
