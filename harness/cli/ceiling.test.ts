import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Report } from '../report/record.ts'
import { cleanUp, scenarioFile, temporaryFolder, Volley } from './testing/volley.ts'

afterEach(cleanUp)

/**
 * What is expected costs the client a hundred times what the reply costs the server, and there is so much in flight that the
 * client has work though the server be held up for a while: it is busy on any machine.
 */
const busyClient = `
name: busy-client
target: { serve: echo }
protocol: line
connections: 10
load: { pipeline: 64 }
duration: 3s
warmup: 0s
timeout: 20s
loop: [{ send: xxxxxxxxxxxxxx, expect: { matches: "^(?:(x+x+)+y|x+)$" } }]
`

test('a saturated run is held against what its client can do at most, as kept of an earlier run', {
  timeout: 90_000,
}, async () => {
  const cache = temporaryFolder()
  const file = join(cache, 'volley', 'ceilings.json')
  const scenario = scenarioFile(busyClient)
  async function runAgain(): Promise<{ report: Report; stdout: string }> {
    const out = temporaryFolder()
    const { code, stdout, stderr } = await new Volley(['run', scenario, '--out', out], { XDG_CACHE_HOME: cache }).ended
    expect(`${code} ${stderr}`).toMatch(/^0 /)
    return { report: JSON.parse(readFileSync(join(out, 'report.json'), 'utf8')), stdout }
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

  // What is said follows from what was measured, whatever that was: a client hardly idle at half of it is not limited.
  const share = measured.report.throughput.mean / measured.report.client.ceiling!.nullPerSecond
  if (share > 0.75) expect(limited(measured.report)).toMatchObject([{ severity: 'suspect', limit: 0.7 }])
  if (share > 0.75) expect(measured.stdout).toContain('! client-limited   ')
  if (share < 0.65) expect(limited(measured.report)).toEqual([])

  // The run has shown its client to be able to more than that.
  pretend(1)
  const slow = await runAgain()
  expect(slow.report.client.ceiling).toMatchObject({ cached: false })
  expect(slow.report.client.ceiling!.nullPerSecond).toBeGreaterThan(1)

  pretend(1e12)
  const fast = await runAgain()
  expect(fast.report.client.ceiling).toEqual({ nullPerSecond: 1e12, cached: true })
  expect(limited(fast.report)).toEqual([])
})
