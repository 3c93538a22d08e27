import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import { cleanUp, cleanUpWith } from '../cli/testing/volley.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import type { OpenTorture } from './prepare.ts'
import { detailOf, named, opened, scenarioOf, type TorturedOptions, tortured } from './testing/tortured.ts'
import type { TortureResult } from './torture.ts'

afterEach(cleanUp)

/** Tortures a server with a fault, in a process of its own whose memory is watched. */
async function torturedBroken(
  fault: string,
  options: TorturedOptions = {},
  { timeout = '5s', send = 'hello world' } = {},
): Promise<TortureResult> {
  const file = join(packageRoot, 'harness/torture/testing/broken.mjs')
  const child = spawn(process.execPath, [file, fault, '0'], { stdio: ['ignore', 'pipe', 'ignore'] })
  cleanUpWith(() => child.kill('SIGKILL'))
  const [port] = await once(child.stdout, 'data')
  const loaded = scenarioOf(
    `target: { address: "tcp://127.0.0.1:${Number(port)}" }\nprotocol: frame\ntimeout: ${timeout}\nloop: [{ send: ${send} }]\n`,
  )
  return tortured(loaded, { watched: { pid: child.pid!, group: false }, ...options })
}

describe('torture() finds', () => {
  test.each(['negative-length', 'huge-length'])('a server that allocates the length that it reads: %s', async name => {
    const result = await torturedBroken('allocates', { only: `valid,split,glued,${name},half-a-frame,random-bytes` })
    expect(named(result, 'fail')).toEqual([name])
    expect(detailOf(result, name)).toMatch(/^[\d.]+ GiB of memory was allocated for a length that was only announced$/)
  })

  test('a server that takes a read for a message', async () => {
    const result = await torturedBroken('reads', {}, { timeout: '1s' })
    expect(named(result, 'fail')).toEqual(['split', 'byte-by-byte', 'glued', 'glued-and-cut'])
    expect(detailOf(result, 'split')).toMatch(/^cut after \d+ of 15 bytes: answered before the request was complete/)
    expect(detailOf(result, 'glued')).toBe('1 of 10 replies within 1s')
  })

  test('a server that exits on a reset, and runs no further trial on it', async () => {
    const result = await torturedBroken('dies')
    expect(named(result, 'fail')).toEqual(['reset-mid-frame'])
    expect(detailOf(result, 'reset-mid-frame')).toContain('the process has exited')
    expect(named(result, 'skipped')).toEqual(['connect-and-close', 'crowd', 'random-bytes', 'slow-reader'])
    expect(detailOf(result, 'crowd')).toBe('the server has not answered since reset-mid-frame')
  })

  test('a server that waits for the rest of a frame and serves no other connection', async () => {
    const only = 'valid,split,glued,half-a-frame,reset-mid-frame,connect-and-close'
    const result = await torturedBroken('blocks', { only }, { timeout: '1s' })
    expect(named(result, 'fail')).toEqual(['half-a-frame'])
    expect(detailOf(result, 'half-a-frame')).toBe('another connection meanwhile: no reply within 1s')
  })

  test('a server that hoards replies that are not read', async () => {
    const result = await torturedBroken('hoards', { only: 'glued,slow-reader' }, { send: '{random: 4KiB}' })
    expect(named(result, 'fail')).toEqual(['slow-reader'])
    expect(detailOf(result, 'slow-reader')).toMatch(/memory rose by [\d.]+ [MG]iB, more than [\d.]+ MiB/)
  })
})

describe('torture() of a server with a key and layers', () => {
  const keyed = (target: string, key: string) =>
    scenarioOf(
      `target: ${target}\nprotocol: tlv\nkey: ${key}\nlayers: [gzip, hmac-sha1]\nlayerKey: layers\nloop: [{ send: { type: 1, body: hello } }]\n`,
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
