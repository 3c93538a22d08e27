import pc from 'picocolors'
import { expect, test } from 'vitest'
import { lineServer, simulate } from '../engine/client/testing/simulate.ts'
import { describeSample } from '../metrics/sampleText.ts'
import { Secrets } from '../shownBytes.ts'
import { replyLines } from './formats/summary/counts.ts'
import { summaryStyle } from './formats/summary/layout.ts'
import { shownSamples } from './replies.ts'
import { isSilent, silenceText } from './silence.ts'
import { sampleReport } from './testing/samples.ts'

const style = summaryStyle(pc.createColors(false), 80)

async function samplesOf(reply: string, loop: Parameters<typeof simulate>[1] & object, secret = '') {
  const { collector, scenario } = await simulate(
    lineServer(1, () => reply),
    { requests: 6, ...loop },
  )
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

test.each<[string, object, string]>([
  ['an error of Redis', { error: 'WRONGTYPE' }, 'an error WRONGTYPE'],
  ['a status', { status: 201, contains: 'ok' }, 'status 201 and a text with "ok"'],
  ['what is not known here', { trailer: 'x' }, 'trailer "x"'],
])('shownSamples() names %s that was expected', async (_, expectation, text) => {
  const protocol = { name: 'resp', maxFrame: 1024 } as const
  const { collector, scenario } = await simulate(
    lineServer(1, () => '+OK\r'),
    { requests: 1, connections: 1, protocol, loop: [{ send: 'GET a', think: 0, expect: { error: 'WRONGTYPE' } }] },
  )
  const loop = [{ send: 'GET a', think: 0, expect: expectation }]
  const secrets = new Secrets()
  const shown = { scenario: { ...scenario, loop }, stepNames: ['loop[0]'], secrets, startsAt: collector.startsAt() }
  expect(shownSamples(collector.replies(), shown)).toContainEqual(
    expect.objectContaining({ kind: 'unexpected', expected: text }),
  )
})

test('shownSamples() shows no secret, neither in a reply nor in what was expected', async () => {
  const loop = [{ send: 'a', think: 0, expect: { equals: 'user opensesame' } }]
  const samples = await samplesOf('no, opensesame', { loop }, 'opensesame')
  expect(samples).toMatchObject([{ text: 'no, ***', expected: '"user ***"' }])
  expect(JSON.stringify(samples)).not.toContain('opensesame')
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
