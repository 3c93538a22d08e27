import { afterEach, expect, test } from 'vitest'
import type { AuditedRun, TrialRecord } from '../audit/inputs.ts'
import { countsOf, startPython } from '../cli/testing/python.ts'
import { cleanUp } from '../cli/testing/volley.ts'
import { lineServer, simulate } from '../engine/client/testing/simulate.ts'
import { describeEnvironment } from '../host/processes.ts'
import { planRun } from '../plan/plan.ts'
import { parseScenario } from '../scenario/load.ts'
import { parseAddress } from '../transports/resolve.ts'
import { prepareScenario } from './prepare.ts'
import { tryMoreWorkers, tryWorkers } from './workerTrial.ts'

afterEach(cleanUp)

const times = { warmupMs: 200, measuredMs: 400 }

/** What it takes to try a run of one worker. */
async function tried(address: string) {
  const text = `name: tried\ntarget: { address: "${address}" }\nprotocol: line\nconnections: 4\nloop: [{ send: "{{seq}}", expect: echo }]\n`
  const loaded = parseScenario(text, 'tried.yaml', [], {})
  const { protocol, bank, seed } = await prepareScenario(loaded)
  const inputs = { address: parseAddress(address), protocol, bank, transport: 'node', seed, workers: 1 } as const
  return { scenario: loaded.scenario, plan: planRun(loaded.scenario, inputs) }
}

/** A server that was too busy to answer all within the drain may not have seen the last of them. */
function expectCounted({ sent, answered }: TrialRecord, { requests }: Record<string, number>): void {
  expect(answered).toBeGreaterThan(0)
  expect(requests).toBeGreaterThanOrEqual(answered)
  if (sent === answered) expect(requests).toBe(sent)
  else expect(requests).toBeLessThanOrEqual(sent)
}

test('tryWorkers() counts what a server in Python counts', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'arrivals.py')
  const { signal } = new AbortController()
  const trial = await tryWorkers(2, { ...(await tried(address)), signal, times })
  expect(trial?.result).toMatchObject({ workers: 2 })
  const { perSecond, seconds } = trial!.result!
  const counts = await countsOf(server)
  expect(counts['connections']).toBe(4)
  expectCounted(trial!, counts)
  expect(perSecond).toBeGreaterThan(0)
  expect(perSecond * seconds).toBeLessThanOrEqual(trial!.sent)
})

test('tryMoreWorkers() tries one more after a run that kept its client busy, and left cores idle, and says so before', async ({
  skip,
}) => {
  const { server, address } = await startPython(skip, 'arrivals.py')
  const { scenario, plan } = await tried(address)
  const simulated = await simulate(lineServer(1), { connections: 4, duration: 3000 })
  const timeSeries = { ...simulated.measured.timeSeries!, busyShare: 0.95 }
  const measured = { ...simulated.measured, timeSeries, clientCpuSeconds: 3, serverCpuSeconds: 3 }
  const run: AuditedRun = {
    facts: { scenario, workers: 1, environment: { ...describeEnvironment(), cores: 8 } },
    isExtended: false,
    endedAt: simulated.endedAtMs,
    targetIsLocal: true,
    clockDriftMs: 0,
    host: {},
    machine: { use: { seconds: 3, cores: 8, otherCores: 0, programs: [] } },
    interrupted: false,
  }
  const said: string[] = []
  const options = {
    scenario,
    plan,
    signal: new AbortController().signal,
    say: (text: string) => said.push(text),
    times,
  }
  for (const other of [
    await tryMoreWorkers({ ...run, interrupted: true }, measured, options),
    await tryMoreWorkers({ ...run, targetIsLocal: false }, measured, options),
    await tryMoreWorkers(run, { ...measured, timeSeries: { ...timeSeries, busyShare: 0.5 } }, options),
    await tryMoreWorkers(run, { ...measured, clientCpuSeconds: 20 }, options),
  ]) {
    expect(other).toBeUndefined()
  }
  expect(said).toEqual([])
  const trial = await tryMoreWorkers(run, measured, options)
  expect(said).toEqual(['a trial of 0.6 s with 2 workers: would another one find more?'])
  expect(trial?.result).toMatchObject({ workers: 2 })
  expectCounted(trial!, await countsOf(server))
})

test('tryWorkers() has no result where nothing listens, or it is interrupted', async ({ skip }) => {
  const signal = AbortSignal.abort()
  const { server, address } = await startPython(skip, 'arrivals.py')
  const interrupted = await tryWorkers(2, { ...(await tried(address)), signal, times })
  expect(interrupted?.result).toBeUndefined()
  const counts = await countsOf(server)
  expect(interrupted!.sent).toBe(counts['requests'])
  const alone = await tryWorkers(2, { ...(await tried(address)), signal: new AbortController().signal, times })
  expect(alone).toEqual({ sent: 0, answered: 0 })
})
