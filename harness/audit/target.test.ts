import { describe, expect, it, test } from 'vitest'
import type { Activity } from '../metrics/activity.ts'
import type { TargetSecond } from './outages.ts'
import { auditTarget, type TargetInputs } from './target.ts'

const connections = 10
const response = { count: 100_000, mean: 0.1, p50: 0.07, p90: 0.1, p99: 0.2, p999: 1, max: 5 }

function second(number: number, changes: Partial<TargetSecond> = {}): TargetSecond {
  return { second: number, completed: 10_000, ...changes }
}

const lost = { completed: 0, availability: 0, failures: { 'connect-refused': 40 } }

/** The 90 windows from second 1 to 10, in which ten requests are in flight, with changes to some of them. */
function windows(changes: (at: number) => Partial<Activity> = () => ({})): Activity[] {
  return Array.from({ length: 90 }, (_, at) => ({
    fromMs: 1000 + at * 100,
    toMs: 1100 + at * 100,
    bytesReceived: 5000,
    oneWay: 0,
    awaited: 10,
    wanted: connections,
    down: 0,
    ...changes(at),
  }))
}

function inputs(changes: Partial<TargetInputs> = {}): TargetInputs {
  return {
    seconds: Array.from({ length: 10 }, (_, at) => second(at + 1)),
    connections,
    wantedAtEnd: connections,
    downAtEnd: 0,
    activity: windows(),
    completed: 90_000,
    answered: [
      { valueMs: 0.1, count: 80_000 },
      { valueMs: 5, count: 10_000 },
    ],
    response,
    ...changes,
  }
}

/** Seconds with changes to some, by their index. */
function withSeconds(changes: Record<number, Partial<TargetSecond>>, more: Partial<TargetInputs> = {}): TargetInputs {
  return inputs({ seconds: Array.from({ length: 10 }, (_, at) => second(at + 1, changes[at])), ...more })
}

function withLost(from: number, to: number, changes: Partial<TargetInputs> = {}): TargetInputs {
  const seconds = inputs().seconds.map((each, at) => (at >= from && at < to ? second(at + 1, lost) : each))
  return inputs({ seconds, ...changes })
}

function withSilence(from: number, to: number, changes: Partial<TargetInputs> = {}): TargetInputs {
  return inputs({ activity: windows(at => (at >= from && at < to ? { bytesReceived: 0 } : {})), ...changes })
}

function messageOf(given: TargetInputs): string | undefined {
  return auditTarget(given)[0]?.message
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
    const partly = (availability: number) => ({ ...lost, availability })
    const message = (changes: Record<number, Partial<TargetSecond>>, downAtEnd = 0) =>
      messageOf(withSeconds(changes, { downAtEnd }))
    expect(message({ 4: partly(0.6), 5: lost, 6: partly(0.3) })).toContain('from second 4.6 to 6.7, and came back')
    expect(message({ 4: partly(0.4), 5: lost, 6: partly(0.7) })).toContain('from second 4.4 to 6.3, and came back')
    // The run ends half a second into its tenth second.
    const end = { ...lost, seconds: 0.5 }
    expect(message({ 8: partly(0.5), 9: end }, 10)).toContain('from second 8.5 to the end, for 1 s')
  })

  it.each([
    // A connection is lost, and found again, in the seconds beside an outage that begins and ends within its own.
    ['to the end', { 8: 0.99, 9: 0.4 }, 10, 'from second 9.4 to the end, for 600 ms'],
    ['in the last tenth of a second', { 8: 0.99, 9: 0.9 }, 10, 'from second 9.9 to the end, for 100 ms'],
    ['of some seconds', { 3: 0.99, 4: 0.4, 5: 0, 6: 0.2, 7: 0.99 }, 0, 'from second 4.4 to 6.8, and came back'],
    ['that began in the second before', { 3: 0.6, 4: 0.3 }, 0, 'from second 4 to 4.7, and came back'],
    ['that ended in the second after', { 4: 0.3, 5: 0.6 }, 0, 'from second 4.3 to 5, and came back'],
    ['of one second', { 4: 0.01 }, 0, 'from second 4 to 5, and came back'],
  ])('is not dated by a single loss beside it: an outage %s', (_, availabilities, downAtEnd, dates) => {
    const changes = Object.entries(availabilities).map(([at, availability]) => [at, { ...lost, availability }] as const)
    expect(messageOf(withSeconds(Object.fromEntries(changes), { downAtEnd }))).toContain(dates)
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
    expect(of({ 'handshake-closed': 10 })).toContain('the server closed its 10 connections')
    expect(of({ 'connect-failed': 10 })).toContain('the server kept its 10 connections closed')
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

  it.each([
    ['the replies were of no use', { malformed: 4 }],
    ['the replies were not as expected', { unexpected: 9, 'closed-early': 1 }],
    ['this machine had no free port', { 'no-free-port': 4 }],
  ])('is silent about seconds without an attempt after %s', (_, failures) => {
    const tried = { completed: 0, availability: 0.2, failures }
    const paused = { completed: 0, availability: 0 }
    const changes = { 5: tried, 6: tried, 7: paused, 8: paused, 9: paused }
    const activity = windows(at => (at < 50 ? {} : { bytesReceived: 0, awaited: 0, down: 10 }))
    expect(auditTarget(withSeconds(changes, { downAtEnd: 10, activity }))).toEqual([])
    // The same from before the start on.
    const all = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [at, paused]))
    const none = { downAtEnd: 10, failuresBefore: failures, activity: windows(() => ({ bytesReceived: 0, down: 10 })) }
    expect(auditTarget(withSeconds(all, { ...none, completed: 0 }))).toEqual([])
  })

  it('is silent where nothing has ever failed', () => {
    const paused = { completed: 0, availability: 0 }
    expect(auditTarget(withSeconds({ 8: paused, 9: paused }, { downAtEnd: 10 }))).toEqual([])
  })

  it('lasts through seconds without an attempt, and through planned requests that are dropped', () => {
    const changes = {
      5: lost,
      6: { completed: 0, availability: 0 },
      7: { completed: 0, availability: 0, failures: { dropped: 5000 } },
      8: { completed: 0, availability: 0, failures: { dropped: 5000, 'connect-refused': 3 } },
      9: { completed: 0, availability: 0, failures: { dropped: 5000 } },
    }
    expect(messageOf(withSeconds(changes, { downAtEnd: 10 }))).toBe(
      'the server refused its 10 connections from second 5 to the end, for 5 s: it did not come back',
    )
    const all = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [at, { completed: 0, availability: 0 }]))
    const before = { downAtEnd: 10, failuresBefore: { 'connect-refused': 20 } }
    expect(messageOf(withSeconds(all, before))).toContain('refused its 10 connections from second 0 to the end')
  })

  it('is no matter of connections that are just being opened again', () => {
    // Ten connections come and go; one of them was reset in the last second, and is back.
    const last = { completed: 10_000, availability: 0.99, failures: { reset: 1 } }
    expect(auditTarget(withSeconds({ 9: last }))).toEqual([])
    expect(auditTarget(withSeconds({ 9: last }, { downAtEnd: 1 }))).toEqual([])
    // A ramp wants no more than two at the end.
    expect(auditTarget(withSeconds({ 9: last }, { wantedAtEnd: 2, downAtEnd: 2 }))).toMatchObject([
      { severity: 'invalid' },
    ])
  })

  it('has no length where the last connection that is not replaced ends the run', () => {
    const last = { 9: { completed: 10_000, seconds: 0.4, failures: { reset: 10 } } }
    expect(messageOf(withSeconds(last, { downAtEnd: 10 }))).toBe(
      'the server closed its 10 connections from second 9.4 to the end: it did not come back',
    )
  })

  it('looks at a silence until the end first, however long one before it was', () => {
    const both = windows(at => ((at >= 10 && at < 45) || at >= 70 ? { bytesReceived: 0 } : {}))
    expect(messageOf(inputs({ activity: both }))).toContain('from second 8 to the end, for 2 s: it did not come back')
    const before = windows(at => ((at >= 10 && at < 45) || at >= 85 ? { bytesReceived: 0 } : {}))
    expect(messageOf(inputs({ activity: before }))).toContain('from second 2 to 5.5, and came back')
  })

  it('is the silence where that says more than what became of the connections', () => {
    const hang = windows(at => (at < 30 ? {} : { bytesReceived: 0, down: at % 20 === 19 ? 10 : 0 }))
    // Requests time out from second 5 on, and from second 8 on connects do too.
    const timedOut = { completed: 0, availability: 0.8, failures: { timeout: 10 } }
    const closed = { completed: 0, availability: 0.1, failures: { 'connect-timeout': 10 } }
    const changes = { 4: timedOut, 5: timedOut, 6: timedOut, 7: timedOut, 8: closed, 9: closed }
    expect(messageOf(withSeconds(changes, { activity: hang, downAtEnd: 10 }))).toContain(
      'answered nothing from second 4 to the end',
    )
    // Only for a time.
    const accepted = { ...changes, 8: closed, 9: timedOut }
    expect(messageOf(withSeconds(accepted, { activity: hang }))).toContain('answered nothing from second 4 to the end')
    // A server that was killed answers nothing either.
    const killed = windows(at => (at < 30 ? {} : { bytesReceived: 0, awaited: 0, down: 10 }))
    expect(messageOf(withLost(4, 10, { activity: killed, downAtEnd: 10 }))).toContain('refused its 10 connections')
  })

  it('is a silence through the pauses between the attempts of connections that timed out', () => {
    const timedOut = { completed: 0, availability: 0.3, failures: { timeout: 10 } }
    const paused = { completed: 0, availability: 0 }
    const changes = { 5: timedOut, 6: paused, 7: paused, 8: timedOut, 9: paused }
    const activity = windows(at => (at < 40 ? {} : { bytesReceived: 0, awaited: at % 30 === 0 ? 10 : 0, down: 10 }))
    expect(messageOf(withSeconds(changes, { activity }))).toContain(
      'answered nothing from second 5 to the end, for 5 s',
    )
  })

  it('is silent about a pause of a second, and where nothing was awaited', () => {
    expect(auditTarget(withSilence(30, 49))).toEqual([])
    expect(auditTarget(withSilence(81, 90))).toEqual([])
    // Connections that think, or planned requests that are far apart.
    const idle = windows(at => (at % 30 === 0 ? {} : { bytesReceived: 0, awaited: 0 }))
    expect(auditTarget(inputs({ activity: idle }))).toEqual([])
    // They have just begun again when it is looked at.
    const begun = windows(at => (at % 30 === 0 ? {} : { bytesReceived: 0, awaited: at % 30 === 29 ? 10 : 0 }))
    expect(auditTarget(inputs({ activity: begun }))).toEqual([])
    // One connection that hangs while the others think.
    const one = windows(at => (at % 30 === 0 ? {} : { bytesReceived: 0, awaited: 1 }))
    expect(auditTarget(inputs({ activity: one }))).toEqual([])
  })

  it('is silent about few replies, a run without any, and a load in stages', () => {
    expect(auditTarget(withSilence(60, 90, { completed: 30 }))).toEqual([])
    const none = windows(() => ({ bytesReceived: 0 }))
    expect(auditTarget(inputs({ activity: none, completed: 0, answered: [] }))).toEqual([])
    expect(auditTarget(inputs({ activity: [] }))).toEqual([])
  })

  it('is silent about replies that take long and come together, unless it takes longer than ever', () => {
    // Twenty connections, each reply after three seconds.
    const together = (gone: number) =>
      windows(at => (at % 30 === 0 && at < gone ? {} : { bytesReceived: 0, awaited: 20 }))
    const slow = { connections: 20, completed: 600, answered: [{ valueMs: 3000, count: 600 }] }
    expect(auditTarget(inputs({ ...slow, activity: together(90) }))).toEqual([])
    expect(messageOf(inputs({ ...slow, activity: together(40) }))).toContain('from second 4.1 to the end, for 5.9 s')
    // Most of them are quick, and every connection waits for a long one in turn.
    const mixed = {
      ...slow,
      answered: [
        { valueMs: 5, count: 540 },
        { valueMs: 3000, count: 60 },
      ],
    }
    expect(auditTarget(inputs({ ...mixed, activity: together(90) }))).toEqual([])
    expect(messageOf(inputs({ ...mixed, activity: together(40) }))).toContain('from second 4.1 to the end, for 5.9 s')
    // The first replies of a run that was ended soon after them.
    const first = { ...slow, completed: 20, answered: [{ valueMs: 3000, count: 20 }] }
    const started = windows(at => (at === 29 ? {} : { bytesReceived: 0, awaited: 20 })).slice(0, 40)
    expect(auditTarget(inputs({ ...first, activity: started }))).toEqual([])
  })

  it('does not take the requests that it made late itself for usual', () => {
    // Planned requests come on during a silence of three seconds, and all of them are answered at its end.
    const answered = [
      { valueMs: 1, count: 700 },
      { valueMs: 1500, count: 150 },
      { valueMs: 3000, count: 150 },
    ]
    const activity = windows(at => (at >= 30 && at < 60 ? { bytesReceived: 0, awaited: 10 * (at - 29) } : {}))
    expect(messageOf(inputs({ activity, answered, completed: 1000 }))).toContain('from second 4 to 7, and came back')
  })

  it('leaves out the time in which this process stood still', () => {
    const quick = { ...response, max: 1 }
    const stalled = (ms: number, atMs: number) => ({ stall: { ms, atMs, requests: 10 }, response: quick })
    expect(auditTarget(withSilence(30, 60, stalled(2950, 4020)))).toEqual([])
    // A short stall hides nothing.
    expect(messageOf(withSilence(30, 60, stalled(200, 5000)))).toContain('answered nothing from second 4 to 7')
    // The main thread read nothing for 1.9 s, twice, and there is a worker that stood still for a part of that.
    const activity = windows(at => (at >= 30 && at < 70 ? { bytesReceived: 0 } : {})).filter(({ fromMs }) => {
      return !(fromMs > 4000 && fromMs < 5900) && !(fromMs > 6000 && fromMs < 7900)
    })
    const read = activity.map((window, at) => ({ ...window, toMs: activity[at + 1]?.fromMs ?? window.toMs }))
    expect(read.filter(({ fromMs, toMs }) => toMs - fromMs > 1800)).toHaveLength(2)
    expect(auditTarget(inputs({ activity: read, ...stalled(1000, 4100) }))).toEqual([])
    expect(messageOf(withSilence(30, 70))).toContain('answered nothing from second 4 to 8')
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
          'this process stood still for 3 s at second 5.2 (limit 100 ms): 10 requests waited for us, not for the server',
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
