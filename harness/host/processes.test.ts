import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { createMemoryMeter, isProcess } from './processes.ts'
import { endWaiting, startWaiting } from './testing/waitingProcess.ts'

afterEach(endWaiting)

const waits = 'process.stdin.resume(); console.log("up")'

test('createMemoryMeter() distinguishes touched from merely allocated memory', async () => {
  const plain = await startWaiting(waits)
  const child = await startWaiting(`globalThis.held = Buffer.alloc(512 * 1024 * 1024); ${waits}`)
  const [before, after] = [plain, child].map(({ pid }) => createMemoryMeter({ pid: pid!, group: false })()!)
  expect(before!.residentBytes).toBeGreaterThan(1024 * 1024)
  expect(after!.dataBytes - before!.dataBytes).toBeGreaterThan(400 * 1024 * 1024)
  expect(after!.residentBytes - before!.residentBytes).toBeLessThan(200 * 1024 * 1024)
})

test('createMemoryMeter() of a group includes its children, and is undefined after its exit', async () => {
  const child = await startWaiting(
    `const { spawn } = require('node:child_process')
     spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log(1)'], { stdio: ['pipe', 'pipe', 'inherit'] }).stdout.once('data', () => console.log('up'))
     process.stdin.resume()`,
  )
  const pid = child.pid!
  const alone = createMemoryMeter({ pid, group: false })
  const together = createMemoryMeter({ pid, group: true })
  expect(together()!.residentBytes).toBeGreaterThan(1.5 * alone()!.residentBytes)
  expect(isProcess(pid)).toBe(true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(alone()).toBeUndefined()
  expect(isProcess(pid)).toBe(false)
})
