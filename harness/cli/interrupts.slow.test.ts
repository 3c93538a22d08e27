import { afterEach, expect, test } from 'vitest'
import { descendantsOf, isRunning, until } from './testing/programs.ts'
import { cleanUp, scenarioFile, spawnRun, startRun } from './testing/volley.ts'

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
