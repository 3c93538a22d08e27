import { afterEach, describe, expect, test } from 'vitest'
import { countsOf, startPython } from './testing/python.ts'
import { balances, cleanUp, type RunEnded, run, scenarioFile, startRun } from './testing/volley.ts'

afterEach(cleanUp)

type Skip = (why: string) => void

/** A run of a line a pause against a server in Python that records when requests come, and what that server has counted. */
async function paused(skip: Skip, think: string, ...settings: readonly string[]) {
  const { server, address } = await startPython(skip, 'arrivals.py')
  const file = scenarioFile(
    ['name: paused', `target: { address: "${address}" }`, 'protocol: line', 'warmup: 0s', ...settings]
      .concat(`loop: [{ send: "{{seq}}", expect: echo, think: ${think} }]`)
      .join('\n'),
  )
  const { code, report } = await run(file)
  const counts = await countsOf(server)
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
  expect(balances(report)).toBe(true)
  expect(counts['requests']).toBe(report.totals.sent)
  expect(counts['connections']).toBe(report.totals.connects)
  return { report, counts }
}

describe('a server in Python sees requests with pauses', () => {
  test('spread over the pause, and not in step', async ({ skip }) => {
    const { counts } = await paused(skip, '4s', 'connections: 200', 'duration: 8s')
    // An even share of 800 bins is half a request. In step each of the 200 comes in the same few bins, twice; a machine that
    // stands still for a second makes a bin of 50.
    expect(counts['bins']).toBeGreaterThan(600)
    expect(counts['usedBins']).toBeGreaterThan(130)
    expect(counts['largestBin']).toBeLessThan(100)
    expect(counts['requests']).toBeGreaterThan(300)
  }, 40_000)

  test('all at once where none of them sends a second one', async ({ skip }) => {
    const { counts } = await paused(skip, '1h', 'connections: 200', 'requests: 200')
    expect(counts).toMatchObject({ requests: 200, pauses: 0 })
    // On a busy machine that takes the server some bins, and of a pause of an hour there are 360,000.
    expect(counts['bins']).toBeLessThan(2000)
  }, 40_000)

  test('with pauses of the distribution that was asked for', async ({ skip }) => {
    const load = ['connections: 60', 'duration: 4s']
    const constant = await paused(skip, '200ms', ...load)
    expect(constant.counts['shorterThanHalf']).toBeLessThan(0.05)
    const uniform = await paused(skip, '{ mean: 200ms, spread: uniform }', ...load)
    // A quarter are shorter than half of their mean, and none is longer than twice.
    expect(uniform.counts['shorterThanHalf']).toBeGreaterThan(0.15)
    expect(uniform.counts['shorterThanHalf']).toBeLessThan(0.32)
    expect(uniform.counts['longerThanTwice']).toBeLessThan(0.05)
    const exponential = await paused(skip, '{ mean: 200ms, spread: exponential }', ...load)
    // 1 - exp(-1/2) are shorter than half of their mean, and exp(-2) longer than twice.
    expect(exponential.counts['shorterThanHalf']).toBeGreaterThan(0.32)
    expect(exponential.counts['shorterThanHalf']).toBeLessThan(0.47)
    expect(exponential.counts['longerThanTwice']).toBeGreaterThan(0.07)
  }, 60_000)
})

/** A run of a minute against a server in Python that refuses its clients, and what that server has counted. */
async function refused(skip: Skip, how: readonly string[], ...settings: readonly string[]) {
  const { server, address } = await startPython(skip, 'unwilling.py', ...how)
  const isPaced = settings.some(setting => setting.startsWith('load: { rate'))
  const file = scenarioFile(`
name: refused
target: { address: "${address}" }
protocol: line
connections: 3
connect: [{ send: key, expect: { equals: welcome } }]
warmup: 0s
${settings.join('\n')}
loop: [{ send: "{{seq}}", expect: echo${isPaced ? '' : ', think: 1ms'} }]
`)
  const ended = await startRun([file]).ended()
  return { ...ended, counts: await countsOf(server) }
}

/** The findings that no other explains: their messages by code. */
function leading({ report }: RunEnded): Record<string, string> {
  const leaders = report.findings.filter(({ explainedBy }) => explainedBy === undefined)
  return Object.fromEntries(leaders.map(({ code, message }) => [code, message]))
}

const minute = 'duration: 60s'
const quickly = 'reconnect: { backoff: 10ms..40ms, attempts: 5 }'

describe('a run against a server in Python that refuses every handshake', () => {
  test.for([
    ['by time', 'refuse', 'unexpected', [minute, 'timeout: 500ms', 'reconnect: { backoff: 10ms..50ms }']],
    ['at a rate', 'close', 'handshake-closed', [minute, 'timeout: 500ms', 'load: { rate: 5/s }']],
    ['by count', 'refuse', 'unexpected', ['requests: 20', 'timeout: 500ms']],
  ] as const)(
    'ends after three timeouts, and says why: %s',
    { timeout: 40_000 },
    async ([, how, kind, settings], { skip }) => {
      const ended = await refused(skip, [how], ...settings)
      const { code, report, counts } = ended
      expect(code).toBe(4)
      expect(leading(ended)['stuck']).toMatch(
        /^no connection was ever ready for a request: for 1500ms every attempt failed/,
      )
      const { totals } = report
      expect(totals).toMatchObject({ sent: 0, completed: 0 })
      expect(Object.keys(totals.failures)).toEqual([kind])
      expect(counts).toMatchObject({ requests: 0, welcomed: 0, handshakes: totals.handshakes.sent })
      expect(report.window.elapsedSeconds).toBeLessThan(30)
    },
  )

  test('gives each connection up after its attempts, and then ends', async ({ skip }) => {
    const ended = await refused(skip, ['close'], minute, quickly)
    const { code, report, counts } = ended
    expect(code).toBe(4)
    expect(leading(ended)['given-up']).toBe(
      'all 3 connections were given up, after 5 failed attempts in a row (handshake-closed 15)',
    )
    expect(report.totals).toMatchObject({ sent: 0, givenUp: 3, failures: { 'handshake-closed': 15 } })
    expect(report.totals.handshakes.sent).toBe(15)
    expect(counts).toMatchObject({ handshakes: 15, requests: 0 })
    expect(report.window.elapsedSeconds).toBeLessThan(30)
  }, 40_000)
})

describe('a run against a server in Python that takes its clients after a while', () => {
  test('goes on with all connections, each of which was refused less often than it may be', async ({ skip }) => {
    // Four refusals are fewer than any of the connections may have.
    const { code, report, counts } = await refused(skip, ['after', '4'], 'requests: 300', quickly)
    expect(code).toBe(0)
    const { totals } = report
    expect(totals).toMatchObject({ completed: 300, failed: 0, failures: { unexpected: 4 } })
    expect(totals.givenUp).toBeUndefined()
    expect(totals.handshakes).toEqual({ sent: 7, completed: 3 })
    expect(counts).toMatchObject({ handshakes: 7, welcomed: 3, requests: 300 })
  }, 40_000)

  test('finds one again that was away for longer than three timeouts', async ({ skip }) => {
    const settings = ['duration: 6s', 'timeout: 300ms', 'reconnect: { backoff: 10ms..100ms }']
    const ended = await refused(skip, ['restart', '300'], ...settings)
    const { report, counts } = ended
    const { totals } = report
    expect(leading(ended)).not.toHaveProperty('stuck')
    expect(counts['requestsAfterRestart']).toBeGreaterThan(0)
    expect(totals.completed).toBeGreaterThan(300)
    expect(counts['requests']).toBeGreaterThanOrEqual(totals.completed)
    expect(counts['requests']).toBeLessThanOrEqual(totals.sent)
    expect(counts['welcomed']).toBe(totals.handshakes.completed)
    expect(report.window.elapsedSeconds).toBeGreaterThan(5.9)
  }, 40_000)

  test('does not wait for it where its attempts are used up before', async ({ skip }) => {
    const ended = await refused(skip, ['restart', '300'], minute, 'timeout: 5s', quickly)
    const { code, report, counts } = ended
    expect(code).toBe(4)
    expect(leading(ended)).toHaveProperty('target-gone')
    expect(report.findings.find(({ code }) => code === 'given-up')).toMatchObject({
      severity: 'invalid',
      explainedBy: 'target-gone',
    })
    expect(report.totals).toMatchObject({ givenUp: 3, failures: { 'connect-refused': 15 } })
    expect(counts).toMatchObject({ handshakes: 3, welcomed: 3 })
    expect(counts['requestsAfterRestart']).toBe(0)
    expect(report.window.elapsedSeconds).toBeLessThan(30)
  }, 40_000)
})
