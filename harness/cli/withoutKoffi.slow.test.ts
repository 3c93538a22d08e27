import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import type { Report } from '../report/record.ts'
import { balances, cleanUp, spawnVolley, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

test('without koffi everything works over the node transport, except a relay below 2 ms, and it says why', async () => {
  const folder = temporaryFolder()
  for (const name of ['dist', 'scenarios', 'package.json']) {
    cpSync(join(packageRoot, name), join(folder, name), { recursive: true })
  }
  const modules = join(packageRoot, 'node_modules')
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync(modules).filter(name => !/^(koffi|@koromix|\..*)$/.test(name))) {
    symlinkSync(join(modules, name), join(folder, 'node_modules', name))
  }
  const main = join(folder, 'dist/harness/cli/main.js')
  const arguments_ = ['run', 'scenarios/tlv-loopback.yaml', '-n', '1000', '--out', join(folder, 'out')]
  const { code, stderr, stdout } = await spawnVolley(arguments_, { folder, main }).ended
  expect(`${code} ${stderr}`).toMatch(/^0 /)
  expect(stdout).toContain('not epoll: koffi')
  const report: Report = JSON.parse(readFileSync(join(folder, 'out/report.json'), 'utf8'))
  expect(report.transport).toBe('node')
  expect(report.transportReason).toMatch(/^koffi, which calls the C library, does not load/)
  expect(report.totals.completed).toBe(1000)
  expect(balances(report)).toBe(true)

  const refused = await spawnVolley([...arguments_.slice(0, 4), '--transport', 'epoll'], { folder, main }).ended
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('the epoll transport is not available: koffi')

  const remote = ['run', 'scenarios/remote-echo.yaml', '-n', '20', '--warmup', '0s', '--out', join(folder, 'remote')]
  const near = await spawnVolley([...remote, '--env', 'lan'], { folder, main }).ended
  expect(near.code).toBe(2)
  expect(near.stderr).toMatch(
    /environments\.lan\.relay\.rtt: expected 0 or at least 2ms, .*\(here koffi.*, got "300us"/,
  )
  const far = await spawnVolley(remote, { folder, main }).ended
  expect(`${far.code} ${far.stderr}`).toMatch(/^0 /)
  const through: Report = JSON.parse(readFileSync(join(folder, 'remote/report.json'), 'utf8'))
  expect(through.latencyMs.response.p50).toBeGreaterThanOrEqual(72)
  const buffers = ['--set', 'socket.receiveBuffer=64KiB', '--set', 'socket.noDelay=false']
  const refusedBuffers = await spawnVolley([...arguments_.slice(0, 4), ...buffers], { folder, main }).ended
  expect(refusedBuffers.code).toBe(2)
  expect(refusedBuffers.stderr).toContain(
    'socket.receiveBuffer and socket.sendBuffer need the epoll transport over TCP: koffi',
  )
  const server = await spawnVolley(['serve', 'echo', '--listen', '0', '--send-buffer', '64KiB'], { folder, main }).ended
  expect(server.code).toBe(2)
  expect(server.stderr).toContain(
    '--send-buffer cannot be set for TCP on this machine: koffi, which calls the C library',
  )
})
