import { afterEach, expect, test } from 'vitest'
import { descendantsOf, isRunning, until } from './testing/programs.ts'
import { cleanUp, scenarioFile, spawnRun } from './testing/volley.ts'

afterEach(cleanUp)

/** Requests are in flight nearly all the time, and the processor is left to other tests. */
const slowServer = `name: slow
target: { serve: echo, options: { poolSize: unlimited, serviceTime: "fixed:5ms" } }
protocol: line
connections: 4
loop: [{ send: hello }]
`

test('killing volley itself ends the server that it started', async () => {
  const { volley } = spawnRun([scenarioFile(slowServer), '-d', '20s'])
  await volley.says(' over tcp://')
  const children = descendantsOf(volley.process.pid!)
  expect(children.length).toBeGreaterThan(0)
  volley.process.kill('SIGKILL')
  await volley.ended
  await until('the end of all children', () => !children.some(isRunning))
})
