import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { childrenOf, isRunning } from './testing/programs.ts'
import { expectRoundTrips, farScenario, unwrapped } from './testing/relay.ts'
import { cleanUp, startRun } from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-n', '40', '--warmup', '0s', '-c', '4']

describe('volley run through a relay', () => {
  test('takes at least the round trip, and the server counts what was sent', async () => {
    await expectRoundTrips(...quick)
  })

  test('reports a relay that dies, and leaves no process behind', async () => {
    const file = farScenario('{ serve: echo, relay: { rtt: 10ms } }')
    const { volley, ended } = startRun([file, '-n', '1M', '-c', '2'])
    await volley.says(/ok [1-9]/)
    const children = childrenOf(process.pid)
    expect(children.map(serverOf).sort()).toEqual(['echo', 'relay'])
    process.kill(children.find(child => serverOf(child) === 'relay')!, 'SIGKILL')
    const { code, stdout } = await ended()
    expect(code).toBe(2)
    expect(unwrapped(stdout)).toContain('the target ended during the run: its relay was killed by SIGKILL')
    expect(children.filter(isRunning)).toEqual([])
  })
})

/** The first argument of a server that was started for a run. */
function serverOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[2]!
}
