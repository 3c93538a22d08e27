import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { builtFile } from './built.ts'
import { readReport } from './report/save.ts'
import { exitCodeOf, prepareScenario, runScenario } from './run.ts'
import { parseScenario } from './scenario/load.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'volley-'))
  folders.push(folder)
  return folder
}

const scenario = parseScenario(
  'name: dying\ntarget: { serve: echo }\nprotocol: raw\nduration: 20s\nwarmup: 0s\nworkers: 2\ntransport: node\nloop: [{ send: a }]\n',
  'dying.yaml',
  [],
  {},
)

// The node transport leaves the thread's event loop free for the timer that kills it.
test.each([
  ['throws', "throw new Error('out of luck')", /worker \d died: out of luck/],
  ['exits', 'process.exit(3)', /worker \d died with exit code 3/],
])('runScenario() ends with a report and exit 2 when a worker %s in mid-run', async (_, death, message) => {
  const folder = newFolder()
  const workerFile = join(folder, 'worker.mjs')
  const real = JSON.stringify(builtFile('harness/engine/worker'))
  writeFileSync(
    workerFile,
    `import { workerData } from 'node:worker_threads'
     if (workerData.plan.index === 1) setTimeout(() => { ${death} }, 700)
     await import(${real})`,
  )
  const { report, path } = await runScenario(scenario, await prepareScenario(scenario), {
    openFolder: async () => folder,
    createView: () => ({ show() {}, end() {} }),
    signal: new AbortController().signal,
    workerFile,
  })
  expect(report.error).toMatch(message)
  expect(exitCodeOf(report, false)).toBe(2)
  expect(report.totals.completed).toBeGreaterThan(0)
  expect(existsSync(path)).toBe(true)
  expect(await readReport(path)).toEqual(JSON.parse(JSON.stringify(report)))
})

test('runScenario() ends at once, with a report, when it is stopped before the start', async () => {
  const folder = newFolder()
  const stop = new AbortController()
  const began = performance.now()
  const { report } = await runScenario(scenario, await prepareScenario(scenario), {
    async openFolder() {
      stop.abort()
      return folder
    },
    createView: () => ({ show() {}, end() {} }),
    signal: stop.signal,
  })
  expect(report.interrupted).toBe(true)
  expect(report.totals.sent).toBe(0)
  expect(performance.now() - began).toBeLessThan(report.scenario.duration)
})
