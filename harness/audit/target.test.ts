import { describe, expect, it, test } from 'vitest'
import { auditTarget, type TargetInputs, type TargetSecond } from './target.ts'

const connections = 10
const response = { count: 100_000, mean: 0.1, p50: 0.07, p90: 0.1, p99: 0.2, p999: 1, max: 5 }

function second(number: number, changes: Partial<TargetSecond> = {}): TargetSecond {
  return { second: number, completed: 10_000, ...changes }
}

const lost = { completed: 0, availability: 0, failures: { 'connect-refused': 40 } }

function inputs(changes: Partial<TargetInputs> = {}): TargetInputs {
  return {
    seconds: Array.from({ length: 10 }, (_, at) => second(at + 1)),
    connections,
    downAtEnd: 0,
    measured: { fromMs: 1000, windowMs: 100, throughputs: Array.from({ length: 90 }, () => 10_000) },
    isAwaiting: true,
    response,
    interrupted: false,
    ...changes,
  }
}

function withLost(from: number, to: number, changes: Partial<TargetInputs> = {}): TargetInputs {
  const seconds = inputs().seconds.map((each, at) => (at >= from && at < to ? second(at + 1, lost) : each))
  return inputs({ seconds, ...changes })
}

function withSilence(from: number, to: number, changes: Partial<TargetInputs> = {}): TargetInputs {
  const throughputs = Array.from({ length: 90 }, (_, at) => (at >= from && at < to ? 0 : 10_000))
  return inputs({ measured: { fromMs: 1000, windowMs: 100, throughputs }, ...changes })
}

test('auditTarget() finds nothing in a healthy run', () => {
  expect(auditTarget(inputs())).toEqual([])
})

describe('target-gone', () => {
  it('is invalid when most connections are down until the end', () => {
    expect(auditTarget(withLost(8, 10, { downAtEnd: 10 }))).toMatchObject([
      {
        code: 'target-gone',
        severity: 'invalid',
        message: 'the server refused its 10 connections from second 8 to the end, for 2 s: it did not come back',
        value: 2,
      },
    ])
  })

  it('is dated within its first and its last second', () => {
    const seconds = (changes: Record<number, Partial<TargetSecond>>) =>
      Array.from({ length: 10 }, (_, at) => second(at + 1, changes[at]))
    const partly = (availability: number) => ({ ...lost, availability })
    const message = (changes: Record<number, Partial<TargetSecond>>, downAtEnd = 0) =>
      auditTarget(inputs({ seconds: seconds(changes), downAtEnd }))[0]?.message
    expect(message({ 4: partly(0.6), 5: lost, 6: partly(0.3) })).toContain('from second 4.6 to 6.7, and came back')
    expect(message({ 4: partly(0.4), 5: lost, 6: partly(0.7) })).toContain('from second 4.4 to 6.3, and came back')
    // The run ends half a second into its tenth second.
    const end = { ...lost, seconds: 0.5 }
    expect(message({ 8: partly(0.5), 9: end }, 10)).toContain('from second 8.5 to the end, for 1 s')
  })

  it('is found when the server dies within the last second', () => {
    const seconds = inputs().seconds.with(
      9,
      second(10, { completed: 6000, availability: 0.7, failures: { reset: 10 } }),
    )
    expect(auditTarget(inputs({ seconds, downAtEnd: 10 }))).toMatchObject([
      { severity: 'invalid', message: expect.stringContaining('closed its 10 connections from second 9.7 to the end') },
    ])
  })

  it('is suspect and dated when the server comes back', () => {
    expect(auditTarget(withLost(3, 5))).toMatchObject([
      {
        severity: 'suspect',
        message: 'the server refused its 10 connections from second 3 to 5, and came back',
        value: 2,
      },
    ])
  })

  it('prefers the outage at the end to a longer one before', () => {
    const seconds = withLost(1, 5).seconds.with(9, second(10, lost))
    expect(auditTarget(inputs({ seconds, downAtEnd: 10 }))).toMatchObject([
      { severity: 'invalid', message: expect.stringContaining('from second 9 to the end') },
    ])
  })

  it.each([
    ['a few connections that are down', { availability: 0.6, failures: { reset: 4 } }, 4],
    ['a second of reconnects', { availability: 0.9, failures: { 'closed-early': 10 } }, 0],
  ])('is silent about %s', (_, changes, downAtEnd) => {
    const seconds = inputs().seconds.map(each => second(each.second, changes))
    expect(auditTarget(inputs({ seconds, downAtEnd }))).toEqual([])
  })

  it('is silent about connections that the client itself has closed', () => {
    const unexpected = { availability: 0.2, failures: { unexpected: 20, 'closed-early': 1 } }
    const seconds = inputs().seconds.map(each => second(each.second, unexpected))
    expect(auditTarget(inputs({ seconds, downAtEnd: 10 }))).toEqual([])
  })

  it('names what failed most often', () => {
    const of = (failures: NonNullable<TargetSecond['failures']>) => {
      const seconds = inputs().seconds.with(9, second(10, { ...lost, failures }))
      return auditTarget(inputs({ seconds, downAtEnd: 10 }))[0]?.message
    }
    expect(of({ 'connect-timeout': 10, reset: 2 })).toContain('the server did not accept its 10 connections')
    expect(of({ 'closed-early': 10, 'connect-refused': 2 })).toContain('the server closed its 10 connections')
    expect(of({})).toContain('the server kept its 10 connections closed')
  })

  it('is found in a server that stops answering with its connections open', () => {
    expect(auditTarget(withSilence(60, 90))).toMatchObject([
      {
        code: 'target-gone',
        severity: 'invalid',
        message: 'the server answered nothing from second 7 to the end, for 3 s: it did not come back',
      },
    ])
    expect(auditTarget(withSilence(30, 55))).toMatchObject([
      { severity: 'suspect', message: 'the server answered nothing from second 4 to 6.5, and came back' },
    ])
  })

  it('is silent about a pause of a second, a low rate, a run without an answer, and one that was interrupted', () => {
    expect(auditTarget(withSilence(30, 40))).toEqual([])
    expect(auditTarget(withSilence(60, 90, { interrupted: true }))).toEqual([])
    // Nothing was in flight: the client had nothing left to send.
    expect(auditTarget(withSilence(75, 90, { isAwaiting: false }))).toEqual([])
    const slow = Array.from({ length: 90 }, (_, at) => (at % 25 === 0 ? 10 : 0))
    expect(auditTarget(inputs({ measured: { fromMs: 1000, windowMs: 100, throughputs: slow } }))).toEqual([])
    const none = Array.from({ length: 90 }, () => 0)
    expect(auditTarget(inputs({ measured: { fromMs: 1000, windowMs: 100, throughputs: none } }))).toEqual([])
  })
})

describe('client-stalled', () => {
  it('says which quantiles are made by a time in which this process stood still', () => {
    const stall = { ms: 3000, atMs: 5200, requests: 10 }
    expect(auditTarget(inputs({ stall, response: { ...response, max: 3001 } }))).toMatchObject([
      {
        code: 'client-stalled',
        severity: 'suspect',
        message:
          'this process stood still for 3 s at second 5.2 (limit 100 ms): 10 replies waited for us, not for the server',
        hint: expect.stringContaining('max is not'),
      },
    ])
    const many = { ms: 3000, atMs: 5200, requests: 2000 }
    const slow = { ...response, p99: 2990, p999: 3000, max: 3001 }
    expect(auditTarget(inputs({ stall: many, response: slow }))[0]!.hint).toContain('p99, p99.9 and max are not')
  })

  it('is silent about a short stall, and about one that no reply shows', () => {
    const stall = { ms: 40, atMs: 5200, requests: 10 }
    expect(auditTarget(inputs({ stall, response: { ...response, max: 41 } }))).toEqual([])
    expect(auditTarget(inputs({ stall: { ...stall, ms: 400 }, response: { ...response, max: 5 } }))).toEqual([])
  })
})
