import { afterEach, expect, test } from 'vitest'
import { countsOf, startPython } from '../cli/testing/python.ts'
import { cleanUp } from '../cli/testing/volley.ts'
import { planRun } from '../plan/plan.ts'
import { parseScenario } from '../scenario/load.ts'
import { parseAddress } from '../transports/resolve.ts'
import { prepareScenario } from './prepare.ts'
import { tryWorkers } from './workerTrial.ts'

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

test('tryWorkers() counts what a server in Python counts', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'arrivals.py')
  const { signal } = new AbortController()
  const trial = await tryWorkers(2, { ...(await tried(address)), signal, times })
  expect(trial?.result).toMatchObject({ workers: 2 })
  const { perSecond, seconds } = trial!.result!
  expect(trial!.sent).toBe(trial!.answered)
  const counts = await countsOf(server)
  expect(counts).toMatchObject({ connections: 4, requests: trial!.sent })
  expect(perSecond).toBeGreaterThan(0)
  expect(perSecond * seconds).toBeLessThanOrEqual(trial!.sent)
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
