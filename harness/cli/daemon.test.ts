import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Report } from '../report/record.ts'
import { balances, cleanUp, cleanUpWith, scenarioFile, temporaryFolder, Volley } from './testing/volley.ts'

afterEach(cleanUp)

/** A reference server in the background, with a folder of its own; ended by its process id with the test. */
async function startDaemon(...options: string[]) {
  const folder = temporaryFolder()
  const serve = (...args: string[]) => new Volley(['serve', ...args], { XDG_RUNTIME_DIR: folder }).ended
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

test.each([
  ['new connections all the time', '{ when: every-request }'],
  ['connections that stay', '{ when: failure }'],
])('not one request is lost over two reloads under load, with %s', async (_, reconnect) => {
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
  const out = temporaryFolder()
  const run = new Volley(['run', file, '--out', out, '--no-live'])
  await run.says(/\d requests\/s|\d\/s/)
  for (let reload = 0; reload < 2; reload++) expect(await daemon.serve('reload')).toMatchObject({ code: 0, stderr: '' })
  const status = await daemon.serve('status')
  expect(status.stdout).toContain('2 reloads')
  run.process.kill('SIGINT')
  expect(await run.ended).toMatchObject({ code: 130 })
  const report: Report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
  expect(report.totals.failures).toEqual({})
  expect(report.totals.failed).toBe(0)
  expect(report.totals.completed).toBeGreaterThan(100)
  expect(balances(report)).toBe(true)
  expect(await daemon.serve('stop')).toMatchObject({ code: 0 })
  const counted = /stopped; ([\d,]+) requests in all/.exec(daemon.log())?.[1]?.replaceAll(',', '')
  expect(Number(counted)).toBe(report.totals.sent)
})
