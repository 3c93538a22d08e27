import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { builtFile } from '../built.ts'
import { readReport } from '../report/save.ts'
import { parseScenario } from '../scenario/load.ts'
import { prepareScenario } from './prepare.ts'
import { exitCodeOf, runScenario } from './run.ts'

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
    signal: new AbortController().signal,
    workerFile,
  })
  expect(report.error).toMatch(message)
  expect(exitCodeOf(report, false)).toBe(2)
  expect(report.totals.completed).toBeGreaterThan(0)
  expect(existsSync(path!)).toBe(true)
  expect(await readReport(path!)).toEqual(JSON.parse(JSON.stringify(report)))
})

/**
 * A worker that sends nothing and keeps books all the same: 1,000 requests a second, with the response times that
 * `responseMs`, an expression of the seconds since the start, makes. What it tells depends on no other work of the machine.
 */
function inventedWorker(folder: string, responseMs: string): string {
  const file = join(folder, 'worker.mjs')
  const module = (name: string) => JSON.stringify(builtFile(name))
  writeFileSync(
    file,
    `import { setTimeout as sleep } from 'node:timers/promises'
     import { workerData } from 'node:worker_threads'
     import { sharedOffsetMs } from ${module('harness/clock')}
     import { WorkerCounters } from ${module('harness/engine/client/counters')}
     import { RunClock } from ${module('harness/engine/client/runClock')}
     import { control, field, openSlab, state, sum } from ${module('harness/metrics/slab')}
     const slab = openSlab(workerData.memory)
     const counters = new WorkerCounters(slab)
     const times = new RunClock(slab, workerData.plan.lengthMs, sharedOffsetMs())
     const say = word => Atomics.store(slab.fields, field.state, word)
     const hear = () => Atomics.load(slab.fields, field.control)
     say(state.ready)
     while (hear() === control.open) await sleep(1)
     times.start()
     times.begin()
     say(state.running)
     let sent = 0
     for (let now = performance.now(); hear() !== control.stop && !times.isOver(now); now = performance.now()) {
       for (; sent < now - times.startAt; sent++) {
         const t = sent / 1000
         counters.sent(0, 1, 1)
         counters.responseTime(0, ${responseMs})
         counters.completed(0, 1)
       }
       slab.sums[sum.idleMs] = now - times.startAt
       await sleep(5)
     }
     times.close(performance.now())
     say(state.closed)`,
  )
  return file
}

async function runInvented(settings: string, responseMs: string) {
  const folder = newFolder()
  const text = `name: invented\ntarget: { serve: echo }\nprotocol: raw\n${settings}\nloop: [{ send: a }]\n`
  const invented = parseScenario(text, 'invented.yaml', [], {})
  const notes = new Set<string>()
  const { report } = await runScenario(invented, await prepareScenario(invented), {
    openFolder: async () => folder,
    observers: [
      {
        progressed(view) {
          for (const note of view.notes()) notes.add(note)
        },
      },
    ],
    workerFile: inventedWorker(folder, responseMs),
  })
  const warmups = report.findings.filter(({ code }) => code === 'warm-up').map(({ severity }) => severity)
  return { report, warmups, notes: [...notes] }
}

const extended = 'latency is still changing: the run is extended by its own length'

test('runScenario() goes on once, for as long again, where a run has not settled', async () => {
  const [settles, never] = await Promise.all([
    runInvented('duration: 5s', 't < 5 ? 60 - 10 * t : 10'),
    runInvented('duration: 5s', '10 + 10 * t'),
  ])
  expect(settles.notes).toContain(extended)
  expect(settles.report.window.elapsedSeconds).toBeGreaterThan(11.9)
  expect([5, 6]).toContain(settles.report.window.warmupSeconds)
  expect(settles.warmups).toEqual(['note'])
  expect(never.report.window.elapsedSeconds).toBeGreaterThan(11.9)
  expect(never.report.window.elapsedSeconds).toBeLessThan(13)
  expect(never.warmups).toEqual(['invalid'])
  expect(exitCodeOf(never.report, false)).toBe(4)
}, 20_000)

test('runScenario() leaves out of all figures what is unlike the rest', async () => {
  const { report, warmups } = await runInvented('duration: 7s', 't < 2.6 ? 50 : 10')
  const { window, intervals, throughput, scenario, findings } = report
  expect(scenario.warmup).toBe('auto')
  expect([3, 4]).toContain(window.warmupSeconds)
  expect(warmups).toEqual(['note'])
  expect(findings.map(({ message }) => message).join()).toMatch(
    /the first [34] s were left out as warm-up: from 1 s to [34] s the mean response time was [34]\d\d % higher/,
  )
  expect(report.latencyMs.response.max).toBeCloseTo(10, 1)
  expect(intervals.filter(({ warmup }) => warmup)).toHaveLength(window.warmupSeconds)
  expect(throughput.perSecond).toHaveLength(intervals.length - window.warmupSeconds)
}, 20_000)

test('runScenario() ends in time where the run is steady, short, or has a warm-up that is set', async () => {
  const runs = await Promise.all([
    runInvented('duration: 5s', '10'),
    runInvented('duration: 5s\nwarmup: 1s', '10 + 10 * t'),
    runInvented('duration: 2s', '10 + 10 * t'),
  ])
  expect(runs.map(({ report }) => Math.round(report.window.elapsedSeconds))).toEqual([6, 6, 3])
  for (const { notes, report } of runs) {
    expect(notes).not.toContain(extended)
    expect(report.window.warmupSeconds).toBe(1)
  }
}, 20_000)

test('runScenario() ends at once, with a report, when it is stopped before the start', async () => {
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
