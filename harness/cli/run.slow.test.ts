import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { builtFile } from '../built.ts'
import { cleanUp, listen, scenarioFile, spawnVolley, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

test('runs a scenario in each of its environments and compares them', async () => {
  const { url } = await listen(socket => socket.pipe(socket))
  const other = await listen(socket => socket.pipe(socket))
  const file = scenarioFile(`
name: places
target: { address: "${url}" }
environments:
  here: { address: "${url}" }
  there: { address: "${other.url}" }
protocol: raw
loop: [{ send: hello }]
`)
  // Reports go below the working directory.
  const flags = ['--env', 'here,there', '-n', '100']
  const { code, stdout, stderr } = await spawnVolley(['run', file, ...flags], { folder: temporaryFolder() }).ended
  expect(`${code} ${stderr}`).toMatch(/^0 /)
  expect(stdout).toContain('places-here')
  expect(stdout).toContain('against')
})

test('volley run --json writes a long report whole to a slow reader', async () => {
  const { url } = await listen(socket => socket.pipe(socket))
  const steps = Array.from({ length: 64 }, (_, index) => `  - { send: "${'x'.repeat(3000)}${index}", expect: echo }`)
  const file = scenarioFile(
    `name: long\ntarget: { address: "${url}" }\nprotocol: line\nrequests: 640\nloop:\n${steps.join('\n')}\n`,
  )
  const command = `"${process.execPath}" "${builtFile('harness/cli/main')}" run "${file}" --quiet --json --out "${temporaryFolder()}" | { sleep 0.5; cat; }`
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { maxBuffer: 16 * 1024 * 1024, timeout: 30_000 })
  expect(stdout.length).toBeGreaterThan(2 * 65_536)
  expect(JSON.parse(stdout)).toMatchObject({ schema: 'volley.report/1', totals: { completed: 640 } })
})
