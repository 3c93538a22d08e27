import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { balances, cleanUpWith, Invocation, scenarioFile, startRun, temporaryFolder } from './volley.ts'

/** A reference server in the background, with its own folder; `cleanUp` ends it by its process id. */
async function startDaemon(...options: string[]) {
  const folder = temporaryFolder()
  const serve = (...args: string[]) => new Invocation(['serve', ...args], { env: { XDG_RUNTIME_DIR: folder } }).ended
  const fileOf = (suffix: string) => {
    const name = readdirSync(join(folder, 'volley')).find(file => file.endsWith(suffix))
    return name === undefined ? undefined : join(folder, 'volley', name)
  }
  const started = await serve('tlv', '--detach', '--listen', '127.0.0.1:0', '--reply', 'server', ...options)
  cleanUpWith(() => {
    const file = existsSync(join(folder, 'volley')) ? fileOf('.pid') : undefined
    if (file !== undefined) process.kill(Number(readFileSync(file, 'utf8').split('\n')[0]), 'SIGKILL')
  })
  expect(started).toMatchObject({ code: 0, stderr: '' })
  const address = `tcp://${/listening on (\S+)/.exec(started.stdout)![1]}`
  return { serve, address, log: () => readFileSync(fileOf('.log')!, 'utf8') }
}

/** Reloads a server twice while a scenario runs against it; every request has to be answered, and counted by the server. */
export async function expectNothingLost(reconnect: string): Promise<void> {
  const daemon = await startDaemon('--workers', '2')
  const file = scenarioFile(`name: reload
target: { address: "${daemon.address}" }
protocol: tlv
connections: 10
reconnect: ${reconnect}
duration: 1h
warmup: 0
loop: [{ send: { type: 1, body: hello }, expect: { body: server }, think: 1ms }]
`)
  const run = startRun([file])
  await run.volley.says(/\d\/s/)
  for (let reload = 0; reload < 2; reload++) expect(await daemon.serve('reload')).toMatchObject({ code: 0, stderr: '' })
  const status = await daemon.serve('status')
  expect(status.stdout).toContain('2 reloads')
  run.volley.stop()
  const { code, report } = await run.ended()
  expect(code).toBe(130)
  expect(report.totals.failures).toEqual({})
  expect(report.totals.failed).toBe(0)
  expect(report.totals.completed).toBeGreaterThan(100)
  expect(balances(report)).toBe(true)
  expect(await daemon.serve('stop')).toMatchObject({ code: 0 })
  const counted = /stopped; ([\d,]+) requests in all/.exec(daemon.log())?.[1]?.replaceAll(',', '')
  expect(Number(counted)).toBe(report.totals.sent)
}
