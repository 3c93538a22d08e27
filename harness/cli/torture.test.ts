import { afterEach, describe, expect, test } from 'vitest'
import { UserError } from '../errors.ts'
import { inEnvironment } from '../scenario/load.ts'
import { trials } from '../torture/catalog.ts'
import { checkStream } from '../torture/prepare.ts'
import { opened, scenarioOf, shortTimes } from '../torture/testing/tortured.ts'
import { torture } from '../torture/torture.ts'
import { overridesOf } from './flags.ts'
import { cleanUp, listen } from './testing/volley.ts'
import { chosenTrials, recordOf, settingNames, watchedProcess } from './torture.ts'
import { loadWithRequest } from './validRequest.ts'

afterEach(cleanUp)

const address = { address: 'tcp://127.0.0.1:1' }

/** The faults that a call throws or rejects with, each as the command prints it. */
async function faultsOf(call: () => unknown): Promise<string[]> {
  try {
    await call()
  } catch (error) {
    if (error instanceof UserError) return error.faults.map(({ place, message }) => `${place}  ${message}`)
    throw error
  }
  return []
}

test('chosenTrials() takes all by default, and by name in the order of the catalog', () => {
  expect(chosenTrials(undefined)).toBe(trials)
  expect(chosenTrials('crowd, valid').map(({ name }) => name)).toEqual(['valid', 'crowd'])
})

test('watchedProcess() watches the group of a process', () => {
  expect(watchedProcess(undefined, address)).toBeUndefined()
  expect(watchedProcess(String(process.pid), address)).toEqual({ pid: process.pid, group: true })
})

test('recordOf() shows nothing of a secret address in the protocol', async () => {
  const { url } = await listen(socket =>
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')),
  )
  const loaded = scenarioOf('target: { address: "${ADDRESS}" }\nprotocol: http\nloop: [{ send: GET / }]\n', {
    ADDRESS: url,
  })
  const { settings } = await opened(loaded)
  const options = { ...settings, trials: chosenTrials('valid'), times: shortTimes }
  const result = await torture({ ...options, onResult() {} })
  const record = recordOf(options, loaded.redacted.protocol, result)
  expect(record).toMatchObject({
    schema: 'volley.torture/1',
    target: '***',
    protocol: { name: 'http' },
    trials: [{ name: 'valid', verdict: 'pass' }],
    interrupted: false,
  })
  expect(JSON.stringify(record)).not.toContain('127.0.0.1')
})

describe('volley torture says why it cannot run', () => {
  test.each<[string, () => unknown, string]>([
    ['an unknown trial', () => chosenTrials('valid,splat'), '--only  unknown trial "splat"; there are valid, split'],
    ['a pid in words', () => watchedProcess('one', address), '--pid  expected the id of a process, got "one"'],
    ['no such process', () => watchedProcess('4194999', address), '--pid  no process 4194999 is visible here'],
    [
      '--pid beside a server that the scenario starts',
      () => watchedProcess('1', { serve: 'tlv', options: {} }),
      '--pid  the scenario starts its server, so its process is known',
    ],
    ['an unknown protocol', () => load({ protocol: 'tvl' }), 'unknown protocol "tvl"; did you mean "tlv"?'],
    ['an invalid duration', () => load({ timeout: 'soon' }), '--timeout  timeout: expected a duration'],
    [
      'an unknown environment',
      () => inEnvironment(scenarioOf(environments), 'lan'),
      'test has no environment "lan"; it has loopback',
    ],
    ['a target over UDP', () => load({ protocol: 'tlv' }, 'udp://127.0.0.1:1'), 'it works over TCP, not over UDP'],
    [
      'an address at which nothing listens',
      async () => opened(await loadWithRequest('tcp://127.0.0.1:1', { overrides: [], variables: {} })),
      'cannot reach tcp://127.0.0.1:1: connection refused',
    ],
    [
      'a captured value in the request',
      async () => opened(await loadWithRequest('scenarios/rpc-handshake.yaml', { overrides: [], variables: {} })),
      'test.yaml loop[0]  takes a captured value',
    ],
  ])('%s', async (_, call, message) => {
    const faults = await faultsOf(call)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(message)
  })

  const environments =
    'target: { address: "tcp://127.0.0.1:1" }\nenvironments: { loopback: { serve: echo } }\nprotocol: line\nloop: [{ send: hello }]\n'

  async function load(flags: Record<string, string>, url = 'tcp://127.0.0.1:1'): Promise<void> {
    checkStream(await loadWithRequest(url, { overrides: overridesOf(flags, {}, settingNames), variables: {} }))
  }
})
