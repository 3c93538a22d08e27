import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Report } from '../report/record.ts'
import { busyClient } from './testing/busyClient.ts'
import { cleanUp, scenarioFile, startRun, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

test('a saturated run is compared with the ceiling of its client, which is cached between runs', {
  timeout: 90_000,
}, async () => {
  const cache = temporaryFolder()
  const file = join(cache, 'volley', 'ceilings.json')
  const scenario = scenarioFile(busyClient)
  async function runAgain(): Promise<{ report: Report; stdout: string }> {
    // Over its only connection no more workers can be tried.
    const started = startRun([scenario, '-c', '1', '-p', '640'], { env: { XDG_CACHE_HOME: cache }, ceiling: 'measure' })
    const { code, stdout, stderr, report } = await started.ended()
    expect(`${code} ${stderr}`).toMatch(/^0 /)
    return { report, stdout }
  }
  function pretend(perSecond: number): void {
    const { ceilings } = JSON.parse(readFileSync(file, 'utf8'))
    const [key] = Object.keys(ceilings)
    writeFileSync(file, JSON.stringify({ ceilings: { [key!]: { ...ceilings[key!], perSecond } } }))
  }
  const limited = ({ findings }: Report) => findings.filter(({ code }) => code === 'client-limited')

  const measured = await runAgain()
  expect(measured.report.client.ceiling).toMatchObject({ cached: false })
  expect(measured.report.client.ceiling!.nullPerSecond).toBeGreaterThan(0)
  expect(measured.stdout).toMatch(/a null server: [\d,]+\/s/)

  // The finding follows from the two measured figures: a client that reached only part of its ceiling is not limited.
  const share = measured.report.throughput.mean / measured.report.client.ceiling!.nullPerSecond
  if (share > 0.75) expect(limited(measured.report)).toMatchObject([{ severity: 'suspect', limit: 0.7 }])
  if (share > 0.75) expect(measured.stdout).toContain('! client-limited   ')
  if (share < 0.65) expect(limited(measured.report)).toEqual([])

  // The run's own rate is above the cached figure, which is therefore wrong.
  pretend(1)
  const slow = await runAgain()
  expect(slow.report.client.ceiling).toMatchObject({ cached: false })
  expect(slow.report.client.ceiling!.nullPerSecond).toBeGreaterThan(1)

  pretend(1e12)
  const fast = await runAgain()
  expect(fast.report.client.ceiling).toEqual({ nullPerSecond: 1e12, cached: true })
  expect(limited(fast.report)).toEqual([])
})
