import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { builtFile } from '../built.ts'
import { readReport } from '../report/save.ts'
import { parseScenario } from '../scenario/load.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import { prepareScenario } from './prepare.ts'
import { exitCodeOf, runScenario } from './run.ts'
import { startEcho } from './testing/echo.ts'
import { newFolder, removeFolders } from './testing/folders.ts'
import { runInvented } from './testing/inventedWorker.ts'

let echo: Awaited<ReturnType<typeof startEcho>>
let scenario: LoadedScenario

beforeAll(async () => {
  echo = await startEcho()
  const text = `name: dying\ntarget: { address: "${echo.url}" }\nprotocol: raw\nduration: 20s\nwarmup: 0s\nworkers: 2\ntransport: node\nloop: [{ send: a }]\n`
  scenario = parseScenario(text, 'dying.yaml', [], {})
})
afterAll(() => echo.close())
afterEach(removeFolders)

// With the node transport the thread's event loop is free for the timer that kills it.
test.each([
  ['throws', "throw new Error('out of luck')", /worker \d died: out of luck/],
  ['exits', 'process.exit(3)', /worker \d died with exit code 3/],
])('runScenario() ends with a report and exit 2 when a worker %s during the run', async (_, death, message) => {
  const folder = newFolder()
  const workerFile = join(folder, 'worker.mjs')
  const module = (name: string) => JSON.stringify(builtFile(name))
  writeFileSync(
    workerFile,
    `import { workerData } from 'node:worker_threads'
     import { field, openSlab } from ${module('harness/metrics/slab')}
     const { fields } = openSlab(workerData.memory)
     const die = () => { if (Atomics.load(fields, field.completed) > 0) { ${death} } }
     if (workerData.plan.index === 1) setInterval(die, 200)
     await import(${module('harness/engine/worker')})`,
  )
  const { report, path } = await runScenario(scenario, await prepareScenario(scenario), {
    openFolder: async () => folder,
    workerFile,
  })
  expect(report.error).toMatch(message)
  expect(exitCodeOf(report, false)).toBe(2)
  expect(report.totals.completed).toBeGreaterThan(0)
  expect(existsSync(path!)).toBe(true)
  expect(await readReport(path!)).toEqual(JSON.parse(JSON.stringify(report)))
})

test('runScenario() ends in time when the run is short', async () => {
  const { notes, report } = await runInvented('duration: 2s', '10 + 10 * t')
  expect(Math.round(report.window.elapsedSeconds)).toBe(3)
  expect(notes.join()).not.toContain('extended')
  expect(report.window.warmupSeconds).toBe(1)
})

test('runScenario() ends at once, with a report, when its signal fires before the start', async () => {
  const folder = newFolder()
  const stop = new AbortController()
  const began = performance.now()
  const { report } = await runScenario(scenario, await prepareScenario(scenario), {
    async openFolder() {
      stop.abort()
      return folder
    },
    signal: stop.signal,
  })
  expect(report.interrupted).toBe(true)
  expect(report.totals.sent).toBe(0)
  expect(performance.now() - began).toBeLessThan(report.scenario.duration)
})
