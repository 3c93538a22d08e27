import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { cleanUp } from '../cli/testing/volley.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import type { OpenTorture } from './prepare.ts'
import { detailOf, named, opened, scenarioOf, tortured } from './testing/tortured.ts'
import { torturedBroken } from './testing/torturedBroken.ts'

afterEach(cleanUp)

describe('torture() finds', () => {
  test('a server that exits on a reset, and runs no further trial on it', async () => {
    const result = await torturedBroken('dies')
    expect(named(result, 'fail')).toEqual(['reset-mid-frame'])
    expect(detailOf(result, 'reset-mid-frame')).toContain('the process has exited')
    expect(named(result, 'skipped')).toEqual(['connect-and-close', 'crowd', 'random-bytes', 'slow-reader'])
    expect(detailOf(result, 'crowd')).toBe('the server has not answered since reset-mid-frame')
  })
})

describe('torture() of a server with a key and layers', () => {
  const keyed = (target: string, key: string) =>
    scenarioOf(
      `target: ${target}\nprotocol: tlv\nkey: ${key}\nlayers: [gzip, { hmac-sha1: { place: before } }]\nlayerKey: layers\nloop: [{ send: { type: 1, body: hello } }]\n`,
    )
  let server: OpenTorture

  beforeAll(async () => {
    server = await opened(keyed('{ serve: tlv, options: { key: right, maxFrame: 64KiB } }', 'right'))
  })
  afterAll(() => server.stop())

  test('signs the challenge on each connection', async () => {
    const only = 'valid,split,glued,random-bytes'
    const loaded = keyed(`{ address: "${server.settings.target}" }`, 'right')
    expect(named(await tortured(loaded, { only }), 'pass')).toEqual(only.split(','))
  })

  test('says that a wrong key was refused', async () => {
    const loaded = keyed(`{ address: "${server.settings.target}" }`, 'wrong')
    await expect(tortured(loaded)).rejects.toThrow('does not answer the valid request: the handshake: refused')
  })
})

describe('openTorture()', () => {
  const keyAndListen = (options: string, rest: string, environment: Record<string, string>) =>
    scenarioOf(
      `target: { serve: tlv, options: ${options} }\nprotocol: tlv\n${rest}loop: [{ send: { type: 1, body: hello } }]\n`,
      environment,
    )

  /** What is shown of the target. */
  async function shown(loaded: LoadedScenario): Promise<string> {
    const { settings, stop } = await opened(loaded)
    await stop()
    return settings.target
  }

  test('shows the address if only another option is secret', async () => {
    const loaded = keyAndListen('{ key: "${KEY}" }', 'key: "${KEY}"\n', { KEY: 'not-to-be-shown' })
    expect(await shown(loaded)).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/)
  })

  test('shows *** if the address itself is secret', async () => {
    expect(await shown(keyAndListen('{ listen: "${LISTEN}" }', '', { LISTEN: '127.0.0.1:0' }))).toBe('***')
  })
})
