import { afterEach, expect, test } from 'vitest'
import { busyClient } from './testing/busyClient.ts'
import { balances, cleanUp, scenarioFile, startRun } from './testing/volley.ts'

afterEach(cleanUp)

test('a run that leaves a core idle is followed by a trial with one worker more, which is in no count of the run', async () => {
  const started = startRun([scenarioFile(busyClient), '-w', '1'], { ceiling: 'measure' })
  const { code, report, stderr } = await started.ended()
  const { client, server, totals, findings } = report
  expect(code).toBe(0)
  expect(balances(report)).toBe(true)
  expect(server!.requests).toBeGreaterThanOrEqual(totals.completed)
  expect(server!.requests).toBeLessThanOrEqual(totals.sent)
  const limited = findings.filter(({ code }) => code === 'client-limited')
  // On a machine without an idle core, or with other programs on it, there is none.
  const used = client.cores + server!.cores! + (report.machine?.otherCores ?? Number.POSITIVE_INFINITY)
  const isFree = report.environment.cores - used > 0.85
  if (isFree) expect(client.trial).toBeDefined()
  if (client.trial === undefined) {
    expect(stderr).not.toContain('a trial of')
    return
  }
  expect(stderr).toContain('a trial of 2 s with 2 workers: would another one find more?')
  expect(client.trial.workers).toBe(2)
  expect(client.trial.perSecond).toBeGreaterThan(0)
  const gain = client.trial.perSecond / report.throughput.mean - 1
  if (gain > 0.5) expect(limited).toMatchObject([{ severity: 'suspect', hint: 'add workers (-w 2)' }])
  if (gain < 0.04) expect(limited.filter(({ severity }) => severity === 'suspect')).toEqual([])
})
