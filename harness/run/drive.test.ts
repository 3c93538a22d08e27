import { describe, expect, test } from 'vitest'
import { Collector } from '../metrics/collector.ts'
import { field, sum } from '../metrics/slab.ts'
import type { Plan } from '../plan/plan.ts'
import { planRun } from '../plan/plan.ts'
import { parseScenario } from '../scenario/load.ts'
import { FakeTimers } from '../testing/fakeTimers.ts'
import { type DrivenRun, drive, type Outcome } from './drive.ts'
import type { Observer, RunSecond } from './observer.ts'
import { prepareScenario } from './prepare.ts'
import { FakeFleet, type FakeFleetOptions } from './testing/fakeFleet.ts'

const startDelayMs = 20
const extendedNote = 'latency is still changing: the run is extended by its own length'
const risingMs = (seconds: number) => 10 + 10 * seconds

async function planOf(settings: string, protocol = 'raw', loop = 'loop: [{ send: a }]'): Promise<Plan> {
  const text = `name: driven\ntarget: { address: "tcp://192.0.2.1:7" }\nprotocol: ${protocol}\n${settings}\n${loop}\n`
  const loaded = parseScenario(text, 'driven.yaml', [], {})
  const { protocol: spoken, bank, seed } = await prepareScenario(loaded)
  const address = { scheme: 'tcp', host: '192.0.2.1', port: 7 } as const
  return planRun(loaded.scenario, { address, protocol: spoken, bank, transport: 'node', seed, workers: 1 })
}

/** A run of a fake fleet, and what an observer of it has seen. */
class Driven {
  readonly timers = new FakeTimers()
  readonly fleet: FakeFleet
  readonly collector: Collector
  readonly run: DrivenRun
  readonly phases: { readonly atMs: number; readonly phase: string; readonly totalMs: number | undefined }[] = []
  readonly notes = new Set<string>()
  readonly seconds: RunSecond[] = []
  ended = 0
  targetEnded: string | undefined

  constructor(
    plan: Plan,
    fleet: FakeFleetOptions = {},
    { signal, problem }: { signal?: AbortSignal; problem?: string } = {},
  ) {
    this.fleet = new FakeFleet(plan, this.timers, fleet)
    this.collector = new Collector({
      slabs: this.fleet.slabs,
      connections: 1,
      warmupMs: plan.warmupMs,
      isWarmupAutomatic: plan.isWarmupAutomatic,
      clientCpuSeconds: () => 0,
      serverCpuSeconds: () => undefined,
      rssBytes: () => 0,
    })
    const observer: Observer = {
      progressed: ({ progress, notes }) => {
        const { phase, totalMs } = progress
        if (this.phases.at(-1)?.phase !== phase) this.phases.push({ atMs: this.elapsedMs, phase, totalMs })
        for (const note of notes()) this.notes.add(note)
      },
      second: second => this.seconds.push(second),
      ended: () => {
        this.ended++
      },
      problem: () => problem,
    }
    this.run = {
      plan,
      fleet: this.fleet,
      collector: this.collector,
      target: { ended: () => this.targetEnded },
      observers: [observer],
      liveAudit: { notes: () => ['in doubt'] },
      signal: signal ?? new AbortController().signal,
      timers: this.timers,
      sharedOffsetMs: 0,
    }
  }

  get elapsedMs(): number {
    return this.timers.now() - (this.fleet.startAt ?? this.timers.now())
  }

  end(): Promise<Outcome> {
    return this.timers.until(drive(this.run))
  }
}

async function driven(settings: string, fleet?: FakeFleetOptions): Promise<Driven & { readonly outcome: Outcome }> {
  const run = new Driven(await planOf(settings), fleet)
  return Object.assign(run, { outcome: await run.end() })
}

describe('drive() reports to its observers', () => {
  test('the phases, from the opening of connections to the drain', async () => {
    const run = new Driven(await planOf('duration: 2s\nwarmup: 1s'), { openingMs: 250, drainMs: 300 })
    await run.end()
    expect(run.phases.map(({ phase }) => phase)).toEqual(['opening', 'warm-up', 'measuring', 'draining'])
    expect(run.phases.map(({ atMs }) => atMs)).toEqual([0, 30, 1000, 3030])
    expect(run.phases.map(({ totalMs }) => totalMs)).toEqual([3000, 3000, 3000, 3000])
    expect(run.timers.pending).toBe(0)
  })

  test('no length where a number of requests ends the run', async () => {
    const { phases, seconds, collector } = await driven('requests: 1500')
    expect(phases).toEqual([{ atMs: 0, phase: 'measuring', totalMs: undefined }])
    // The last one is a part of a second.
    expect(seconds.map(({ interval }) => interval.seconds)).toEqual([undefined, expect.closeTo(0.5, 1)])
    expect(seconds.reduce((sum, { interval }) => sum + interval.completed, 0)).toBe(collector.total(field.completed))
  })

  test('each second once, with the totals at its end', async () => {
    const { seconds } = await driven('duration: 3s\nwarmup: 1s')
    expect(seconds.map(({ interval }) => interval.second)).toEqual([1, 2, 3, 4])
    expect(seconds.map(({ interval }) => interval.warmup)).toEqual([true, false, false, false])
    const completed = seconds.map(({ interval }) => interval.completed)
    for (const count of completed) expect(Math.abs(count - 1000)).toBeLessThanOrEqual(120)
    const sums = completed.map((_, index) => completed.slice(0, index + 1).reduce((sum, count) => sum + count, 0))
    expect(seconds.map(({ totals }) => totals.completed)).toEqual(sums)
    expect(sums.at(-1)).toBe(4000)
  })

  test.each([
    ['ends within a second', 'duration: 9500ms\nwarmup: 1s', 10, 0.5],
    ['ends with a second', 'duration: 3s\nwarmup: 1s', 4, undefined],
    ['is shorter than one', 'duration: 400ms\nwarmup: 0s', 0, 0.4],
  ])('no second of the wait for late replies, in a run that %s', async (_, settings, whole, part) => {
    const { seconds, collector } = await driven(settings, { drainMs: 1000 })
    const lengths = seconds.map(({ interval }) => interval.seconds)
    expect(lengths).toEqual([...Array(whole), ...(part === undefined ? [] : [part])])
    expect(seconds.reduce((sum, { interval }) => sum + interval.completed, 0)).toBe(collector.total(field.completed))
    // Readings come up to 100 ms late, and the fleet counts every 10 ms.
    for (const { interval } of seconds) expect(Math.abs(interval.perSecond - 1000)).toBeLessThanOrEqual(30)
  })

  test('an outage to the end of a run that is ended shortly after a second', async () => {
    const controller = new AbortController()
    const run = new Driven(await planOf('duration: 9s\nwarmup: 0s'), {}, { signal: controller.signal })
    const [slab] = run.fleet.slabs
    run.timers.every(10, () => {
      if (run.elapsedMs <= 0 || controller.signal.aborted) return
      slab!.sums[sum.wantedMs]! += 10
      if (run.elapsedMs > 2100) slab!.sums[sum.downMs]! += 10
    })
    run.timers.after(startDelayMs + 3030, () => controller.abort())
    await run.end()
    expect(run.seconds.map(({ interval }) => interval.seconds)).toEqual([undefined, undefined, undefined, 0.03])
    for (const { interval } of run.seconds.slice(2)) expect(interval.availability).toBeLessThan(0.1)
    expect(run.seconds.filter(({ interval }) => interval.unwanted)).toEqual([])
  })

  test.each([
    ['over its end', 2300, 3200],
    ['in its midst', 1300, 2500],
  ])('every second of a run whose main thread stood still %s', async (_, fromMs, forMs) => {
    const run = new Driven(await planOf('duration: 5s\nwarmup: 0s'), { drainMs: 200 })
    run.timers.after(startDelayMs + fromMs, () => run.timers.block(forMs))
    await run.end()
    expect(run.seconds.map(({ interval }) => [interval.second, interval.seconds])).toEqual(
      [1, 2, 3, 4, 5].map(second => [second, undefined]),
    )
    for (const { interval } of run.seconds) {
      expect(Math.abs(interval.perSecond - 1000)).toBeLessThanOrEqual(100)
      expect(interval.completed).toBeGreaterThan(0)
    }
    expect(run.seconds.reduce((sum, { interval }) => sum + interval.completed, 0)).toBe(5000)
  })

  test('the findings so far as notes, but not before the warm-up is over', async () => {
    const early = await driven('duration: 1s\nwarmup: 3s')
    expect(early.notes).toContain('in doubt')
    const controller = new AbortController()
    const cut = new Driven(await planOf('duration: 1s\nwarmup: 3s'), {}, { signal: controller.signal })
    cut.timers.after(2500, () => controller.abort())
    await cut.end()
    expect(cut.notes).not.toContain('in doubt')
  })

  test('the problem of an observer as a note', async () => {
    const run = new Driven(await planOf('duration: 1s\nwarmup: 0s'), {}, { problem: 'the disk is full' })
    await run.end()
    expect(run.notes).toContain('the disk is full')
  })

  test('what is done after the last worker has ended, when nothing is read any more', async () => {
    const run = new Driven(await planOf('duration: 1s\nwarmup: 0s'))
    const said: string[] = []
    const observer: Observer = {
      progressed: () => said.push('progressed'),
      said: text => said.push(text),
      ended: () => said.push('ended'),
    }
    const afterwards = async ({ endedAt }: Outcome, say: (text: string) => void) => {
      said.length = 0
      say(`trying since ${endedAt}`)
      await new Promise<void>(resolve => void run.timers.after(500, resolve))
    }
    await run.timers.until(drive({ ...run.run, observers: [observer], afterwards }))
    expect(said).toEqual([`trying since ${startDelayMs + 1000}`, 'ended'])
  })

  test('that the run has ended, once, also after an error', async () => {
    const { ended, outcome } = await driven('duration: 1s\nwarmup: 0s', { error: 'worker 1 died: out of luck' })
    expect(outcome.error).toBe('worker 1 died: out of luck')
    expect(ended).toBe(1)
    const broken = new Driven(await planOf('duration: 1s\nwarmup: 0s'))
    broken.fleet.start = () => {
      throw new Error('cannot start')
    }
    await expect(broken.end()).rejects.toThrow('cannot start')
    expect(broken.ended).toBe(1)
    expect(broken.timers.pending).toBe(0)
  })
})

describe('drive() starts the measured part', () => {
  test('with a reading at the end of the warm-up, also between two others', async () => {
    const { collector, outcome } = await driven('duration: 2s\nwarmup: 1250ms')
    const { windowMs, warmupMs, completed } = collector.measured(outcome.endedAt)
    expect(outcome.endedAt).toBe(startDelayMs + 3250)
    expect({ windowMs, warmupMs }).toEqual({ windowMs: 2000, warmupMs: 1250 })
    expect(Math.abs(completed - 2000)).toBeLessThanOrEqual(10)
  })

  test('later where messages go to all connections, so that the server has accepted them all', async () => {
    const run = new Driven(await planOf('duration: 1s\nwarmup: 0s', 'broadcast'))
    await run.end()
    expect(run.fleet.startAt).toBe(250)
  })

  test.each([
    ['later', '{ connections: 2 }', 250],
    ['later', '{ connect: [ { send: SUB, expect: nothing } ] }', 250],
    ['at once', '{ connect: [ { send: SUB } ] }', startDelayMs],
  ])('%s where listeners are %s', async (_, listeners, startAt) => {
    const run = new Driven(
      await planOf(`duration: 1s\nwarmup: 0s\nclients: [ ${listeners}, { loop: [ { send: a } ] } ]`, 'line', ''),
    )
    await run.end()
    expect(run.fleet.startAt).toBe(startAt)
  })
})

describe('drive() extends a run by its own length', () => {
  test('once, when latency is still changing', async () => {
    const { fleet, outcome, notes, phases } = await driven('duration: 5s', { responseMs: risingMs })
    expect(fleet.extensions).toBe(1)
    expect(outcome).toEqual({ endedAt: startDelayMs + 12_000, error: undefined, isExtended: true })
    expect(notes).toContain(extendedNote)
    expect(phases.map(({ phase }) => phase)).toEqual(['warm-up', 'measuring'])
  })

  test.each([
    ['latency is steady', 'duration: 5s', () => 10],
    ['the warm-up is set', 'duration: 5s\nwarmup: 1s', risingMs],
    ['the run is short', 'duration: 2s', risingMs],
  ])('but not when %s', async (_, settings, responseMs) => {
    const { fleet, outcome, notes } = await driven(settings, { responseMs })
    expect(fleet.extensions).toBe(0)
    expect(outcome.isExtended).toBe(false)
    expect(notes).not.toContain(extendedNote)
  })

  test('but not when the server has fallen behind the rate', async () => {
    const settings = 'duration: 5s\nload: { rate: 2000/s }'
    const behind = await driven(settings, { responseMs: risingMs, plannedPerAnswer: 2 })
    expect(behind.fleet.extensions).toBe(0)
    expect((await driven(settings, { responseMs: risingMs })).fleet.extensions).toBe(1)
  })

  test('but not when this thread is held up until the end', async () => {
    const run = new Driven(await planOf('duration: 5s'), { responseMs: risingMs, drainMs: 100 })
    run.timers.after(startDelayMs + 5450, () => run.timers.block(500))
    const { isExtended } = await run.end()
    expect(run.fleet.extensions).toBe(0)
    expect(isExtended).toBe(false)
  })
})

describe('drive() ends a run', () => {
  test('when the process of its target has ended, if the run is counted', async () => {
    const run = new Driven(await planOf('requests: 1M'))
    run.timers.after(1000, () => {
      run.targetEnded = 'it exited with code 7'
    })
    const { error } = await run.end()
    expect(run.fleet.stops).toBeGreaterThan(0)
    expect(run.timers.now()).toBeLessThan(1200)
    expect(error).toBe('the target ended during the run: it exited with code 7')
    expect(run.notes).toContain(error)
  })

  test('after its time when the process of its target has ended, if the run is timed', async () => {
    const run = new Driven(await planOf('duration: 3s\nwarmup: 0s'))
    run.timers.after(1000, () => {
      run.targetEnded = 'it exited with code 7'
    })
    const { error, endedAt } = await run.end()
    expect(run.fleet.stops).toBe(0)
    expect(endedAt).toBe(startDelayMs + 3000)
    expect(error).toBe('the target ended during the run: it exited with code 7')
  })

  test.each([
    ['nothing is sent any more', 'unsent', 2000, 10_000],
    ['nothing was ever sent', 'unsent', 0, 10_000],
    ['requests fail with their connections', 'failing', 2000, 30_000],
  ] as const)(
    'when %s and no connection is good for a request, if the run is counted',
    async (_, requests, fromMs, forMs) => {
      const broken = { fromMs, requests, linksInService: 0 }
      const { outcome } = await driven('requests: 1M', { broken })
      expect(outcome.cutShort).toEqual({ reason: 'stuck', forMs })
      expect(outcome.endedAt).toBeGreaterThanOrEqual(fromMs + forMs)
      expect(outcome.endedAt).toBeLessThan(fromMs + forMs + 500)
    },
  )

  test('later where a reply may take longer than that', async () => {
    const broken = { fromMs: 0, requests: 'unsent', linksInService: 0 } as const
    const { outcome } = await driven('requests: 1M\ntimeout: 30s\nreconnect: { backoff: 1s..20s }', { broken })
    expect(outcome.cutShort?.forMs).toBe(50_000)
    const attempts = 'requests: 1M\nreconnect: { attempts: 2 }'
    expect((await driven(attempts, { broken })).outcome.cutShort?.forMs).toBe(20_000)
  })

  test.each([
    ['a run by time', 'duration: 60s', 15_000],
    ['a run by count', 'requests: 1M\ntimeout: 2s', 6000],
    ['a planned rate', 'duration: 60s\nload: { rate: 5/s }\ntimeout: 2s', 6000],
    ['a short timeout', 'duration: 60s\ntimeout: 50ms', 1000],
    ['a long wait before the next attempt', 'duration: 60s\ntimeout: 1s\nreconnect: { backoff: 4s..8s }', 12_000],
    ['a number of attempts', 'duration: 60s\ntimeout: 1s\nreconnect: { backoff: 1s..4s, attempts: 4 }', 20_000],
  ])('when no connection was ever ready for three timeouts: %s', async (_, settings, forMs) => {
    const { outcome, notes } = await driven(settings, { isRefused: true })
    expect(outcome.cutShort).toEqual({ reason: 'unconnected', forMs })
    expect(outcome.endedAt).toBeGreaterThanOrEqual(startDelayMs + forMs)
    expect(outcome.endedAt).toBeLessThan(startDelayMs + forMs + 500)
    const text = `no connection was ready for a request so far: after ${forMs / 1000}s without one the run ends`
    expect(notes).toContain(text)
  })

  test('but not when a connection was ready once, or while none is wanted and so none has failed', async () => {
    const broken = { fromMs: 0, requests: 'unsent', linksInService: 0 } as const
    const once = new Driven(await planOf('duration: 60s\ntimeout: 1s'), { broken })
    const unwanted = new Driven(await planOf('requests: 1M\ntimeout: 1s'), { isRefused: true, isUnwanted: true })
    for (const run of [once, unwanted]) {
      run.timers.after(12_000, () => run.fleet.stop())
      expect(await run.end()).toMatchObject({ endedAt: 12_000, cutShort: undefined })
      expect([...run.notes].filter(note => note.startsWith('no connection'))).toEqual([])
    }
  })

  test.each([
    ['a connection may still send', 'requests: 1M', 1],
    ['the run is timed', 'duration: 50s', 0],
  ])('but not while %s', async (_, settings, linksInService) => {
    const broken = { fromMs: 2000, requests: 'unsent', linksInService } as const
    const controller = new AbortController()
    const run = new Driven(await planOf(settings), { broken }, { signal: controller.signal })
    run.timers.after(40_000, () => controller.abort())
    expect(await run.end()).toMatchObject({ endedAt: 40_000, cutShort: undefined })
  })

  test('when its signal fires, before the start or later', async () => {
    const before = new Driven(await planOf('duration: 3s'), {}, { signal: AbortSignal.abort() })
    await before.end()
    expect(before.fleet.startAt).toBeUndefined()
    expect(before.collector.total(field.sent)).toBe(0)
    expect(before.ended).toBe(1)
    const controller = new AbortController()
    const later = new Driven(await planOf('duration: 3s\nwarmup: 0s'), {}, { signal: controller.signal })
    later.timers.after(1500, () => controller.abort())
    expect(await later.end()).toEqual({ endedAt: 1500, error: undefined, isExtended: false })
    expect(later.seconds.map(({ interval }) => interval.seconds)).toEqual([undefined, expect.closeTo(0.5, 1)])
  })

  test('100 ms later after failures, for the exit of a server is reported after its connections have broken', async () => {
    const run = new Driven(await planOf('duration: 1s\nwarmup: 0s'))
    run.timers.after(500, () => run.fleet.counters.failureWithoutRequest('reset'))
    run.timers.after(startDelayMs + 1050, () => {
      run.targetEnded = 'it was killed by SIGKILL'
    })
    const { error, endedAt } = await run.end()
    expect(endedAt).toBe(startDelayMs + 1000)
    expect(run.timers.now()).toBe(startDelayMs + 1100)
    expect(error).toBe('the target ended during the run: it was killed by SIGKILL')
    const healthy = await driven('duration: 1s\nwarmup: 0s')
    expect(healthy.timers.now()).toBe(startDelayMs + 1000)
  })
})
