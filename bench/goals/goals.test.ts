import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { sampleReport } from '../../harness/report/testing/samples.ts'
import { runBench } from '../bench.ts'
import { compileLimit } from '../limit/limit.ts'
import { Processes } from '../processes.ts'
import { type Row, readResults, type SideRecord, saveResults } from '../results.ts'
import { renderResults } from '../screen.ts'
import { goals } from './catalog.ts'
import { oneHour } from './start.ts'

const quickMs = 120_000
const processes = new Processes()
const folder = mkdtempSync(join(tmpdir(), 'volley-bench-test-'))
let reason: string | undefined

beforeAll(async () => {
  const limit = await compileLimit(folder)
  if (typeof limit === 'string') reason = limit
})
afterAll(() => {
  processes.endAll()
  rmSync(folder, { recursive: true, force: true })
})

/** One round of 0.2 s of some goals, on whatever this machine has. */
function measure(...ids: string[]) {
  return runBench({
    goals: goals.filter(({ id }) => ids.includes(id)),
    settings: { rounds: 1, seconds: 0.2 },
    processes,
    signal: new AbortController().signal,
    say: () => {},
  })
}

function errorsOf(sides: readonly SideRecord[]): string[] {
  return sides.flatMap(({ name, rounds }) => rounds.flatMap(({ error }) => (error ? [`${name}: ${error}`] : [])))
}

/**
 * That it was measured, whatever came of it: times are noise here. What needs many samples, or a tick of the clock by
 * which CPU time is counted, may be missing from so short a round; a peer need not be installed.
 */
function expectMeasured(id: string, { name, figure, reason, spread, verdict }: Row): void {
  if (reason === undefined) {
    // On a machine that is busy elsewhere every request of a plan may wait for a connection, and none of them for us.
    const least = figure === 'lagMicros' ? 0 : Number.MIN_VALUE
    expect(spread!.each.every(value => value >= least)).toBe(true)
    expect(verdict).not.toBe('not measured')
  } else {
    console.warn(`skipped: ${id} ${name}, ${figure}, because ${reason}`)
    expect(reason).toMatch(/^no round gave|not installed$|later version$/)
  }
}

test('the goals are P1 to P9', () => {
  expect(goals.map(({ id }) => id).join(' ')).toBe('P1 P2 P3 P4 P5 P6 P7 P8 P9')
})

describe.each(['P1', 'P3', 'P4', 'P7', 'P9'])('%s', id => {
  it('measures every side on this machine, and can be saved, read back and shown', { timeout: quickMs }, async ({
    skip,
  }) => {
    if (reason !== undefined) {
      console.warn(`skipped: the bench ${id}, because ${reason}`)
      return skip(reason)
    }
    const results = await measure(id)
    const [goal] = results.goals
    expect(goal!.groups.flatMap(({ sides }) => errorsOf(sides))).toEqual([])
    for (const side of goal!.groups.flatMap(({ sides }) => sides)) expect(Object.keys(side.medians)).not.toEqual([])
    for (const row of goal!.rows) expectMeasured(id, row)
    const path = await saveResults(results, folder)
    expect(await readResults(path)).toEqual(results)
    expect(
      renderResults(results)
        .split('\n')
        .filter(line => line.length > 80),
    ).toEqual([])
  })
})

test('a goal that fails as a whole is told of and does not end the bench', async () => {
  const broken = { id: 'P0', title: 'broken', measure: () => Promise.reject(new Error('no such luck')) }
  const settings = { rounds: 1, seconds: 0.2 }
  const { signal } = new AbortController()
  const results = await runBench({ goals: [broken], settings, processes, signal, say: () => {} })
  expect(results.goals[0]!.notes).toEqual(['not measured: no such luck'])
})

describe('oneHour()', () => {
  it('has 3600 intervals of which hardly two are alike', () => {
    const { intervals, throughput } = oneHour(sampleReport)
    expect(intervals).toHaveLength(3600)
    expect(throughput.perSecond).toHaveLength(3599)
    expect(intervals.at(-1)).toMatchObject({ second: 3600, warmup: false, connections: 10, failed: 0 })
    expect(new Set(intervals.map(({ completed }) => completed)).size).toBeGreaterThan(1000)
  })
  it('refuses a report without an interval', () => {
    expect(() => oneHour({ ...sampleReport, intervals: [] })).toThrow('too short')
  })
})
