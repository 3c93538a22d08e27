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
  }
  expect(silenceText(inputs)).toMatch(
    /^0 bytes came to 12 sent \("Hello \*\*\*!"\): is protocol raw right\? a server of lines wants --protocol line/,
  )
  expect(silenceText({ ...inputs, bytesReceived: 8 })).toContain(
    '8 bytes came to 12 sent ("Hello ***!"), but no whole message',
  )
})

test('silenceText() says why deliveries alone may come', () => {
  const inputs = { protocol: 'broadcast', bytesSent: 12, bytesReceived: 90, samples: [], firstRequest: undefined }
  expect(silenceText({ ...inputs, deliveries: 1, secrets: new Secrets() })).toMatch(
    /^1 delivery came and no acknowledgement: does the server know this client by another address than client_ip says/,
  )
})

test.each([
  ['tlv', 'HTTP/1.1 400 Bad Request\r\n', 'a web server answered: use an http:// URL'],
  ['line', 'SSH-2.0-OpenSSH_9.2p1', 'an SSH server answered'],
  ['http', '\u0015\u0003\u0001\u0000\u0002\u0002F', 'the server speaks TLS'],
  ['tlv', "-ERR unknown command '\u0000'", 'Redis answered: use a redis:// URL'],
  ['tlv', 'what?\r\n', 'lines of text came: use --protocol line'],
  ['http', 'HTTP/1.1 banana\r\n', 'is protocol http right?'],
])('silenceText() of %s names what the server speaks: %j', (protocol, came, says) => {
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
  expect(silenceText({ ...inputs, samples })).toContain(says)
})

test('a run whose replies fail is not silent', async () => {
  const { collector } = await simulate(
    lineServer(1, () => 'no'),
    { loop: [{ send: 'a', think: 0, expect: 'echo' }], requests: 2 },
  )
  expect(isSilent(collector.replies(), 0)).toBe(false)
})
