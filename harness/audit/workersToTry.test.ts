import { describe, expect, test } from 'vitest'
import { describeEnvironment } from '../host/processes.ts'
import { parseScenario } from '../scenario/load.ts'
import { workersToTry } from './workersToTry.ts'

const second = { windowMs: 1000, clientCpuSeconds: 1, serverCpuSeconds: 1 }

/** A run of one worker on four cores, of which the client uses one and its server another. */
function run(settings = '', { cores = 4, otherCores = 0.1, workers = 1, targetIsLocal = true } = {}) {
  const given = /^target:/m.test(settings) ? '' : 'target: { serve: echo }\n'
  const protocol = /^protocol:/m.test(settings) ? '' : 'protocol: line\n'
  const text = `name: tried\n${given}${protocol}${settings}\nloop: [{ send: a }]\n`
  const { scenario } = parseScenario(text, 'tried.yaml', [], {})
  return {
    facts: { scenario, workers, environment: { ...describeEnvironment(), cores } },
    targetIsLocal,
    machine: { use: { seconds: 1, cores, otherCores, programs: [] } },
  }
}

describe('workersToTry()', () => {
  test('is one more where an idle core is left for it', () => {
    expect(workersToTry(run(), second)).toBe(2)
    expect(workersToTry(run('', { cores: 8, workers: 3 }), { ...second, clientCpuSeconds: 3 })).toBe(4)
    // A server of several threads, over half a second.
    expect(workersToTry(run('', { cores: 6 }), { windowMs: 500, clientCpuSeconds: 0.5, serverCpuSeconds: 2 })).toBe(2)
  })

  test('is none where the cores are in use, by whomever', () => {
    expect(workersToTry(run('', { cores: 2 }), { ...second, serverCpuSeconds: 0.6 })).toBeUndefined()
    expect(workersToTry(run('', { otherCores: 1.3 }), second)).toBeUndefined()
    expect(workersToTry(run(), { ...second, serverCpuSeconds: 2.3 })).toBeUndefined()
    expect(workersToTry(run('', { workers: 4 }), second)).toBeUndefined()
  })

  test('is none where it is not known which cores are in use', () => {
    expect(workersToTry(run(), { ...second, serverCpuSeconds: undefined })).toBeUndefined()
    expect(workersToTry({ ...run(), machine: undefined }, second)).toBeUndefined()
    expect(workersToTry(run(), { ...second, windowMs: 0 })).toBeUndefined()
  })

  test.each([
    ['the server is on another machine', '', { targetIsLocal: false }],
    ['there is no connection for it', 'connections: 1', {}],
    ['a number of requests was asked for', 'requests: 1M', {}],
    ['a relay holds up the requests', 'target: { serve: echo, relay: { rtt: 5ms } }', {}],
    ['messages go to all connections', 'target: { serve: broadcast }\nprotocol: broadcast', {}],
  ])('is none where %s', (_, settings, machine) => {
    expect(workersToTry(run(settings, machine), second)).toBeUndefined()
  })
})
