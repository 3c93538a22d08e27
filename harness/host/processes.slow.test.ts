import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { createCpuMeter } from './processes.ts'
import { endWaiting, startWaiting } from './testing/waitingProcess.ts'

afterEach(endWaiting)

test('createCpuMeter() of a group keeps the time of an exited child, and finds a new one', async () => {
  const child = await startWaiting(
    `const { spawn } = require('node:child_process')
     const work = "const end = process.cpuUsage().user + 300000; while (process.cpuUsage().user < end);"
     const begin = () => {
       const worker = spawn(process.execPath, ['-e', work + 'process.stdin.resume(); console.log(1)'], { stdio: ['pipe', 'pipe', 'inherit'] })
       worker.stdout.once('data', () => console.log('up'))
       process.stdin.once('data', () => worker.kill())
       worker.once('exit', begin)
     }
     begin()`,
  )
  const clock = { now: () => 0 }
  const meter = createCpuMeter({ pid: child.pid!, group: true }, clock)
  const first = meter()!
  expect(first).toBeGreaterThan(0.3)
  child.stdin!.write('end it')
  await once(child.stdout!, 'data')
  expect(meter()! - first).toBeGreaterThan(0.25)
})
