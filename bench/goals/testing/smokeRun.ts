import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runBench } from '../../bench.ts'
import { compileLimit } from '../../limit/limit.ts'
import { Processes } from '../../processes.ts'
import { type Row, readResults, type SideRecord, saveResults } from '../../results.ts'
import { renderResults } from '../../screen.ts'
import { goals } from '../catalog.ts'

const quickMs = 120_000

/** Tests that measure each goal once for 0.2 s, with the programs that this machine has. */
export function smokeRun(ids: readonly string[]): void {
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

  describe.each(ids)('%s', id => {
    it('measures every side on this machine, and can be saved, read back and shown', { timeout: quickMs }, async ({
      skip,
    }) => {
      if (reason !== undefined) {
        console.warn(`skipped: the bench ${id}, because ${reason}`)
        return skip(reason)
      }
      const results = await runBench({
        goals: goals.filter(goal => goal.id === id),
        settings: { rounds: 1, seconds: 0.2 },
        processes,
        signal: new AbortController().signal,
        log: () => {},
      })
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
}

function errorsOf(sides: readonly SideRecord[]): string[] {
  return sides.flatMap(({ name, rounds }) => rounds.flatMap(({ error }) => (error ? [`${name}: ${error}`] : [])))
}

/**
 * Expects that a row was measured, with any verdict: times are noise here. A figure that needs many samples, or a tick of
 * the clock that counts CPU time, may be missing from so short a round; other programs may not be installed.
 */
function expectMeasured(id: string, { name, figure, reason, spread, verdict }: Row): void {
  if (reason === undefined) {
    // On a busy machine every planned request may wait for a connection, and none of them for the client.
    const least = figure === 'lagMicros' ? 0 : Number.MIN_VALUE
    expect(spread!.each.every(value => value >= least)).toBe(true)
    expect(verdict).not.toBe('not measured')
  } else {
    console.warn(`skipped: ${id} ${name}, ${figure}, because ${reason}`)
    expect(reason).toMatch(/^no round gave|not installed$|later version$/)
  }
}
