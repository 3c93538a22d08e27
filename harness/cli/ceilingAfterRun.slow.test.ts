import { afterEach, expect, test } from 'vitest'
import { busyClient } from './testing/busyClient.ts'
import { cleanUp, scenarioFile, startRun } from './testing/volley.ts'

afterEach(cleanUp)

test('a saturated run is followed by a measurement of the ceiling of its client', async () => {
  const { report, stdout } = await startRun([scenarioFile(busyClient), '-d', '4s'], { ceiling: 'measure' }).ended()
  expect(report.client.ceiling).toMatchObject({ cached: false })
  expect(report.client.ceiling!.nullPerSecond).toBeGreaterThan(0)
  expect(stdout).toMatch(/a null server: [\d,]+\/s/)
})

test('neither a ceiling nor a trial with another worker follows a run with --no-ceiling', async () => {
  const args = [scenarioFile(busyClient), '-d', '2200ms', '-w', '1', '--no-ceiling']
  const { code, report, stderr } = await startRun(args, { ceiling: 'measure' }).ended()
  expect(code).toBe(0)
  expect(report.client.cores).toBeGreaterThan(0)
  expect(report.client).not.toHaveProperty('ceiling')
  expect(report.client).not.toHaveProperty('trial')
  expect(stderr).not.toContain('a trial of')
})

test('a null server answers with the replies of the run where rules tell what a reply is', async () => {
  const scenario = busyClient.replace('protocol: line', 'protocol: { line: {}, replies: { until: "x" } }')
  const args = [scenarioFile(scenario), '-d', '2200ms', '-w', '1', '-c', '1', '-p', '640']
  const { code, report } = await startRun(args, { ceiling: 'measure' }).ended()
  expect(code).toBe(0)
  expect(report.client.ceiling).toMatchObject({ cached: false })
  expect(report.client.ceiling!.nullPerSecond).toBeGreaterThan(0)
})
