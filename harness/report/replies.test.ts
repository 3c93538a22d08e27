import pc from 'picocolors'
import { expect, test } from 'vitest'
import { lineServer, simulate } from '../engine/client/testing/simulate.ts'
import { describeSample } from '../metrics/sampleText.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { Secrets } from '../shownBytes.ts'
import type { MemoryServer } from '../transports/memory.ts'
import { replyLines } from './formats/summary/counts.ts'
import { summaryStyle } from './formats/summary/layout.ts'
import { errorReplyCounts, shownSamples } from './replies.ts'
import { isSilent, silenceText } from './silence.ts'
import { sampleReport } from './testing/samples.ts'

const style = summaryStyle(pc.createColors(false), 80)

async function samplesOf(reply: string | MemoryServer, loop: Partial<Scenario>, secret = '') {
  const server = typeof reply === 'string' ? lineServer(1, () => reply) : reply
  const { collector, scenario } = await simulate(server, { requests: 6, ...loop })
  const stepNames = (scenario.loop ?? []).map((_, index) => `loop[${index}]`)
  const secrets = new Secrets([secret])
  return shownSamples(collector.replies(), { scenario, stepNames, secrets, startsAt: collector.startsAt() })
}

test('shownSamples() says what was expected, of which step, and when it came first', async () => {
  const loop = [
    { send: 'a', think: 0, expect: { matches: '^YES' } },
    { send: 'b', think: 0, expect: { contains: 'YES' } },
  ]
  const samples = await samplesOf('OK user:1', { loop })
  expect(samples).toEqual([
    { kind: 'unexpected', step: 'loop[0]', count: 3, second: 1, length: 9, text: 'OK user:1', expected: '^YES' },
    {
      kind: 'unexpected',
      step: 'loop[1]',
      count: 3,
      second: 1,
      length: 9,
      text: 'OK user:1',
      expected: 'a text with "YES"',
    },
  ])
  expect(describeSample(samples[0]!)).toBe('loop[0]: expected ^YES, got "OK user:1"')
})

test('shownSamples() says that it was the header of a reply that was not as expected', async () => {
  const echo: MemoryServer = { received: (connection, bytes) => connection.send(bytes.slice(), 1) }
  const protocol = { name: 'rpc', lengthPrefix: true, maxFrame: 1024 } as const
  const loop = [{ send: { body: 'hi' }, think: 0, expect: { type: 0, version: 3, extension: '7' } }]
  const samples = await samplesOf(echo, { protocol, loop })
  expect(samples).toMatchObject([{ text: 'hi', expected: 'type 0, version 3 and extension 7 in its header' }])
})

test('shownSamples() says which error was expected', async () => {
  const protocol = { name: 'resp', maxFrame: 1024 } as const
  const loop = [{ send: 'PING', think: 0, expect: { error: 'WRONGTYPE' } }]
  const pong: MemoryServer = { received: connection => connection.send(Buffer.from('+PONG\r\n'), 1) }
  const samples = await samplesOf(pong, { protocol, loop })
  expect(samples).toMatchObject([{ text: 'PONG', expected: 'an error WRONGTYPE' }])
})

test('shownSamples() shows no secret, neither in a reply nor in what was expected', async () => {
  const loop = [{ send: 'a', think: 0, expect: { equals: 'user opensesame' } }]
  const samples = await samplesOf('no, opensesame', { loop }, 'opensesame')
  expect(samples).toMatchObject([{ text: 'no, ***', expected: '"user ***"' }])
  expect(JSON.stringify(samples)).not.toContain('opensesame')
})

test('shownSamples() looks for secrets before it cuts what was expected, and in what a reason quotes', async () => {
  const loop = [{ send: 'a', think: 0, expect: { equals: `${'x'.repeat(70)} opensesame-and-more` } }]
  const [sample] = await samplesOf('no', { loop }, 'opensesame-and-more')
  expect(sample!.expected).toContain('***')
  expect(sample!.expected).not.toContain('opens')
  const explain = (bytes: Uint8Array) =>
    `no start line: ${JSON.stringify(`${Buffer.from(bytes).toString('latin1', 0, 12)}...`)}`
  const malformed = { kind: 'malformed', step: -1, key: 0, count: 1, at: 0, announced: 0 } as const
  const bytes = Buffer.from('key opensesame')
  const shown = { ...sampleReport, stepNames: [], secrets: new Secrets(['opensesame']), startsAt: 0, explain }
  const whole = { ...malformed, length: bytes.length, bytes }
  expect(shownSamples({ samples: [whole] }, shown)).toMatchObject([{ why: 'no start line: "key ***..."' }])
  const cut = { ...malformed, length: 900, bytes: bytes.subarray(0, 10) }
  const quoted = { ...shown, explain: (kept: Uint8Array) => `no start line: "${Buffer.from(kept).toString()}"` }
  expect(shownSamples({ samples: [cut] }, quoted)).toMatchObject([{ text: 'key ***', why: 'no start line: "key ***"' }])
})

const resp = { protocol: { name: 'resp', maxFrame: 2 ** 20 }, loop: [{ send: 'PING', think: 0 }] } as const

test.each([
  ['ERR no such key', 'ERR'],
  [`${'k'.repeat(20)}:opensesame-and-more`, `${'k'.repeat(20)}:***`],
  ['open sesame and more', '***'],
  [`${'k'.repeat(60)} rest`, 'k'.repeat(32)],
  [`${'k'.repeat(252)} opensesame`, 'k'.repeat(32)],
  [`opensesame-and-more${'k'.repeat(60)}`, `***${'k'.repeat(32)}`],
])('errorReplyCounts() cuts %j to its first word only after its secrets are hidden', async (line, word) => {
  const server: MemoryServer = { received: connection => connection.send(Buffer.from(`-${line}\r\n`), 1) }
  const { collector } = await simulate(server, { ...resp, requests: 3 })
  const secrets = new Secrets(['opensesame-and-more', 'open sesame and more'])
  expect(errorReplyCounts(collector.replies(), secrets)).toEqual({ [word]: 3 })
})

test('the summary has statuses, errors, failures by step and the first of each kind', () => {
  const steps = [
    { name: 'loop[0]', response: sampleReport.latencyMs.response, failed: 0 },
    { name: 'loop[1]', response: sampleReport.latencyMs.response, failed: 12 },
  ]
  const samples = [{ kind: 'unexpected', status: 503, count: 32_455, second: 1, length: 4, text: 'busy' } as const]
  const lines = replyLines({ ...sampleReport, statusCodes: { 200: 45_698, 503: 32_455 }, steps, samples }, style)
  expect(lines).toEqual([
    '  status     200 45,698   503 32,455',
    '  failed at  loop[1] 12',
    '  came back  unexpected 32,455: HTTP 503, e.g. "busy"',
  ])
  expect(replyLines({ ...sampleReport, statusCodes: { 200: 45_698 } }, style)).toEqual([])
  expect(replyLines({ ...sampleReport, errorReplies: { ERR: 3 } }, style)).toEqual(['  errors     ERR 3'])
})

test('silenceText() says what was sent, how much came, and what to try', async () => {
  const { collector } = await simulate({}, { timeout: 5000 })
  expect(isSilent(collector.replies(), 0)).toBe(true)
  const firstRequest = Buffer.from('Hello World!')
  const inputs = {
    protocol: 'raw',
    bytesSent: 12,
    bytesReceived: 0,
    samples: [],
    firstRequest,
    secrets: new Secrets(['World']),
    isFromFile: false,
  }
  expect(silenceText(inputs)).toMatch(
    /^0 bytes came to 12 sent \("Hello \*\*\*!"\): is protocol raw right\? a server of lines wants --protocol line/,
  )
  expect(silenceText({ ...inputs, bytesReceived: 8 })).toContain(
    '8 bytes came to 12 sent ("Hello ***!"), but no whole message',
  )
  // What is advised has to work where it is followed: an address in a file has no http://.
  expect(silenceText({ ...inputs, isFromFile: true })).toContain(
    'a server of lines wants protocol: line, a web server wants protocol: http, binary messages',
  )
  expect(silenceText({ ...inputs, protocol: 'http' })).toContain('a server behind TLS wants https:// or tls://')
  expect(silenceText({ ...inputs, protocol: 'http', isFromFile: true })).toContain('wants a tls:// address, a server')
})

test('silenceText() says why deliveries alone may come', () => {
  const inputs = { protocol: 'broadcast', bytesSent: 12, bytesReceived: 90, samples: [], firstRequest: undefined }
  expect(silenceText({ ...inputs, deliveries: 1, secrets: new Secrets(), isFromFile: false })).toMatch(
    /^1 delivery came and no acknowledgement: does the server know this client by another address than client_ip says/,
  )
})

test.each<[string, string, string, string?]>([
  ['tlv', 'HTTP/1.1 400 Bad Request\r\n', 'a web server answered: use an http:// URL', 'use protocol: http'],
  ['line', 'SSH-2.0-OpenSSH_9.2p1', 'an SSH server answered'],
  ['http', '\u0015\u0003\u0001\u0000\u0002\u0002F', 'the server speaks TLS: use https://', 'use a tls:// address'],
  ['tlv', "-ERR unknown command '\u0000'", 'Redis answered: use a redis:// URL', 'use protocol: resp'],
  ['tlv', 'what?\r\n', 'lines of text came: use --protocol line', 'use protocol: line'],
  ['http', 'HTTP/1.1 banana\r\n', 'is protocol http right?'],
])('silenceText() of %s names what the server speaks: %j', (protocol, came, says, saysInFile = says) => {
  const samples = [
    {
      kind: 'malformed',
      step: -1,
      key: 0,
      count: 1,
      at: 0,
      length: came.length,
      announced: 0,
      bytes: Buffer.from(came),
    },
  ] as const
  const inputs = { protocol, bytesSent: 9, bytesReceived: came.length, firstRequest: undefined, secrets: new Secrets() }
  expect(silenceText({ ...inputs, samples, isFromFile: false })).toContain(says)
  expect(silenceText({ ...inputs, samples, isFromFile: true })).toContain(saysInFile)
})

test('a run whose replies fail is not silent', async () => {
  const { collector } = await simulate(
    lineServer(1, () => 'no'),
    { loop: [{ send: 'a', think: 0, expect: 'echo' }], requests: 2 },
  )
  expect(isSilent(collector.replies(), 0)).toBe(false)
})
