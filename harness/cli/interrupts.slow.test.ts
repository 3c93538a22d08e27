import { afterEach, describe, expect, test } from 'vitest'
import { descendantsOf, isRunning, until } from './testing/programs.ts'
import { cleanUp, listen, scenarioFile, spawnRun, startRun } from './testing/volley.ts'

afterEach(cleanUp)

test('a second Ctrl-C ends the run at once, and the command of its target too', async () => {
  const serve = "require('net').createServer(s=>s.pipe(s)).listen({port})"
  const file = scenarioFile(
    `name: x\ntarget: { command: "${process.execPath} -e \\"${serve}\\"" }\nprotocol: raw\nduration: 20s\nloop: [{ send: a }]\n`,
  )
  const { volley } = spawnRun([file])
  await volley.says(' over tcp://')
  const children = descendantsOf(volley.process.pid!)
  expect(children.length).toBeGreaterThan(1)
  volley.process.kill('SIGINT')
  volley.process.kill('SIGINT')
  expect((await volley.ended).code).toBe(130)
  await allExited(children)
})

test('Ctrl-C while the target starts ends the wait', async () => {
  const file = scenarioFile('name: x\ntarget: { command: "sleep 30 # {port}" }\nprotocol: raw\nloop: [{ send: a }]\n')
  const { volley } = startRun([file])
  await until('the command', () => descendantsOf(process.pid).length > 1)
  const children = descendantsOf(process.pid)
  volley.stop()
  const { code, stderr } = await volley.ended
  expect(code).toBe(130)
  expect(stderr).toContain('interrupted')
  await allExited(children)
})

function allExited(children: readonly number[]): Promise<void> {
  return until('the end of all children', () => !children.some(isRunning))
}

describe('a search that is interrupted', () => {
  async function search() {
    const { url } = await listen(socket => socket.pipe(socket))
    const file = scenarioFile(
      `name: searched\ntarget: { address: "${url}" }\nprotocol: line\nduration: 2s\nload: { mode: search, rate: 20/s }\nloop: [{ send: hi }]\nthresholds: [errors < 1%]\n`,
    )
    return startRun([file])
  }

  test('says in its first probe that no rate was tried to the end', async () => {
    const { volley, ended } = await search()
    await volley.says(/ 1s /)
    volley.stop()
    const { code, stdout, report } = await ended()
    expect(code).toBe(130)
    expect(stdout).toMatch(/^searched {3}stopped before it was found: no rate was tried to the end/m)
    expect(stdout).not.toContain('no rate passed')
    expect(report.search).toMatchObject({ end: 'interrupted', probes: [{ outcome: 'cut-short', why: [] }] })
  })

  test('says in a later one which rate has passed, and that nothing above it was tried', async () => {
    const { volley, ended } = await search()
    await volley.says(/probe \d+ of a search, [\d,]+\/s passed/)
    volley.stop()
    const { code, stdout, report } = await ended()
    expect(code).toBe(130)
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/stopped before it was found: [\d,]+\/s passed, /)
    expect(stdout).toMatch(/ {3}cut short$/m)
    expect(report.search!.probes.at(-1)).toMatchObject({ outcome: 'cut-short', why: [] })
  })
})
