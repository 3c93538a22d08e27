import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtFile } from '../../built.ts'
import { parseScenario } from '../../scenario/load.ts'
import { prepareScenario } from '../prepare.ts'
import { runScenario } from '../run.ts'
import { startEcho } from './echo.ts'
import { newFolder } from './folders.ts'

/**
 * The file of a worker that sends nothing and counts 1,000 requests a second, with the response times of the expression
 * `responseMs` of `t`, the seconds since the start. Its counters do not depend on what else the machine does.
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
     const become = next => Atomics.store(slab.fields, field.state, next)
     const signal = () => Atomics.load(slab.fields, field.control)
     become(state.ready)
     while (signal() === control.open) await sleep(1)
     times.start()
     times.begin()
     become(state.running)
     let sent = 0
     for (let now = performance.now(); signal() !== control.stop && !times.isOver(now); now = performance.now()) {
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
     become(state.closed)`,
  )
  return file
}

/** A run of an invented worker in real time: its report, its warm-up findings and its notes. */
export async function runInvented(settings: string, responseMs: string) {
  const folder = newFolder()
  const echo = await startEcho()
  const text = `name: invented\ntarget: { address: "${echo.url}" }\nprotocol: raw\n${settings}\nloop: [{ send: a }]\n`
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
  }).finally(() => echo.close())
  const warmups = report.findings.filter(({ code }) => code === 'warm-up').map(({ severity }) => severity)
  return { report, warmups, notes: [...notes] }
}
