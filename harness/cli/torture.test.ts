import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import type { TrialResult } from '../torture/result.ts'
import { cleanUp, listen, scenarioFile, Volley, volley } from './testing/volley.ts'

afterEach(cleanUp)

interface Torture {
  readonly code: number
  readonly trials: readonly TrialResult[]
  readonly stderr: string
}

async function torture(...args: string[]): Promise<Torture> {
  const { code, stdout, stderr } = await volley('torture', ...args, '--json')
  return { code, stderr, trials: stdout === '' ? [] : JSON.parse(stdout).trials }
}

function named({ trials }: Torture, verdict: TrialResult['verdict']): string[] {
  return trials.filter(trial => trial.verdict === verdict).map(({ name }) => name)
}

function detailOf({ trials }: Torture, name: string): string {
  return trials.find(trial => trial.name === name)!.detail
}

/** A server with a fault, started by the command, so that its process is known. */
function broken(fault: string): string {
  const file = join(packageRoot, 'harness/torture/testing/broken.mjs')
  return scenarioFile(
    `name: broken\ntarget: { command: "exec ${process.execPath} ${file} ${fault} {port}" }\nprotocol: frame\nloop: [{ send: hello world }]\n`,
  )
}

const rawSkips = ['zero-length', 'negative-length', 'huge-length', 'over-long']
const lineSkips = ['negative-length', 'huge-length']

describe('the reference servers pass volley torture', () => {
  test.each([
    ['echo-loopback', rawSkips],
    ['line-loopback', lineSkips],
    ['frame-loopback', []],
    ['goes-frame', []],
    ['tlv-loopback', []],
    ['tlv-key', []],
    ['rpc-one-connection', []],
    ['broadcast-fanout', ['negative-length', 'huge-length']],
    ['http-loopback', []],
  ])('%s', async (name, skipped) => {
    const result = await torture(`scenarios/${name}.yaml`)
    expect(result.trials.filter(({ verdict }) => verdict === 'fail')).toEqual([])
    expect(result.code).toBe(0)
    expect(named(result, 'skipped')).toEqual(skipped)
    expect(result.trials).toHaveLength(16)
    const tried = result.trials.filter(({ verdict }) => verdict === 'pass')
    expect(tried.every(({ memoryRoseBytes }) => memoryRoseBytes !== undefined)).toBe(true)
  })
})

describe('volley torture finds', () => {
  test('a server that allocates the length it is told', async () => {
    const trusting = broken('allocates')
    for (const name of ['negative-length', 'huge-length']) {
      const result = await torture(trusting, '--only', `valid,split,glued,${name},half-a-frame,random-bytes`)
      expect(result.code).toBe(1)
      expect(named(result, 'fail')).toEqual([name])
      expect(detailOf(result, name)).toMatch(
        /^[\d.]+ GiB of memory was allocated for a length that was only announced$/,
      )
    }
  })

  test('a server that takes a read for a message', async () => {
    const result = await torture(broken('reads'), '--timeout', '1s')
    expect(result.code).toBe(1)
    expect(named(result, 'fail')).toEqual(['split', 'byte-by-byte', 'glued', 'glued-and-cut'])
    expect(detailOf(result, 'split')).toMatch(/^cut after \d+ of 15 bytes: answered before the request was complete/)
    expect(detailOf(result, 'glued')).toBe('1 of 10 replies within 1s')
  })

  test('a server that dies of a reset, and tries nothing more on it', async () => {
    const result = await torture(broken('dies'))
    expect(result.code).toBe(1)
    expect(named(result, 'fail')).toEqual(['reset-mid-frame'])
    expect(detailOf(result, 'reset-mid-frame')).toContain('the process has exited')
    expect(named(result, 'skipped')).toEqual(['connect-and-close', 'crowd', 'random-bytes', 'slow-reader'])
    expect(detailOf(result, 'crowd')).toBe('the server has not answered since reset-mid-frame')
  })

  test('a server that waits for the rest of a frame and serves nobody else', async () => {
    const only = 'valid,split,glued,half-a-frame,reset-mid-frame,connect-and-close'
    const result = await torture(broken('blocks'), '--timeout', '1s', '--only', only)
    expect(result.code).toBe(1)
    expect(named(result, 'fail')).toEqual(['half-a-frame'])
    expect(detailOf(result, 'half-a-frame')).toBe('another connection meanwhile: no reply within 1s')
  })

  test('a server that hoards the replies that nobody reads', async () => {
    const result = await torture(broken('hoards'), '--only', 'glued,slow-reader', '--send', '{random: 4KiB}')
    expect(result.code).toBe(1)
    expect(named(result, 'fail')).toEqual(['slow-reader'])
    expect(detailOf(result, 'slow-reader')).toMatch(/memory rose by [\d.]+ [MG]iB, more than [\d.]+ MiB/)
  })
})

test('volley torture takes a URL, a request as fields, and the process to watch', async () => {
  const server = new Volley(['serve', 'tlv', '--listen', '127.0.0.1:0'])
  await server.says('listening on')
  const url = `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`
  const send = '{"type": 9, "body": "hello"}'
  const only = 'valid,split,crowd'
  const args = ['--protocol', 'tlv', '--send', send, '--only', only, '--pid', String(server.process.pid)]
  const { code, stdout, stderr } = await volley('torture', url, ...args)
  expect(`${code} ${stderr}`).toBe('0 ')
  expect(stdout).toMatch(/split +pass +\+[\d.]+ \w+ +12 offsets of 13 bytes/)
  expect(stdout).toContain(`memory of process ${server.process.pid}`)
  expect(stdout).toMatch(/3 pass\n$/)
  expect(stdout.split('\n').filter(line => line.length > 80)).toEqual([])
  server.process.kill('SIGTERM')
  expect((await server.ended).code).toBe(0)
})

test('volley torture goes through the handshake on each connection', async () => {
  const { url } = await listen(socket => {
    let isGreeted = false
    let rest = ''
    socket.on('data', chunk => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (!isGreeted && line !== 'login me') socket.destroy()
        isGreeted = true
        socket.write(`${line}\n`)
      }
    })
  })
  const file = scenarioFile(
    `name: greeted\ntarget: { address: "${url}" }\nprotocol: line\nconnect: [{ send: login me }]\nloop: [{ send: hello }]\n`,
  )
  const result = await torture(file, '--only', 'valid,split,byte-by-byte,glued,glued-and-cut,half-a-frame,random-bytes')
  expect(named(result, 'fail')).toEqual([])
  expect(result.code).toBe(0)
})

/** The lines of each connection, to a server that answers each of them with itself. */
async function lineServer(): Promise<{ url: string; connections: string[][] }> {
  const connections: string[][] = []
  const { url } = await listen(socket => {
    const lines: string[] = []
    connections.push(lines)
    let rest = ''
    socket.on('data', chunk => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop()!
      lines.push(...parts)
      for (const line of parts) socket.write(`${line}\n`)
    })
  })
  return { url, connections }
}

test('volley torture fills in slots as a run does, in a handshake anew for each connection', async () => {
  const { url, connections } = await lineServer()
  const file = scenarioFile(
    `name: slots\ntarget: { address: "${url}" }\nprotocol: line\nconnect: [{ send: "login {{uuid}} {{seq}}" }]\nloop: [{ send: "{{random 5..9}} {{uuid}} {{stamp}}" }]\n`,
  )
  const result = await torture(file, '--only', 'valid')
  expect(result.code, result.stderr).toBe(0)
  const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
  const used = connections.filter(lines => lines.length > 0)
  for (const [login, request] of used) {
    expect(login).toMatch(new RegExp(`^login ${uuid} \\d{10}$`))
    expect(request).toMatch(new RegExp(`^[5-9] ${uuid} [1-9]\\d{15}$`))
  }
  expect(used.length).toBeGreaterThan(1)
  expect(new Set(used.map(([login]) => login)).size).toBe(used.length)
})

describe('volley torture signs the challenge of a server with a key', () => {
  const keyed = (key: string) =>
    scenarioFile(
      `name: keyed\ntarget: { serve: tlv, options: { key: right, maxFrame: 64KiB } }\nprotocol: tlv\nkey: ${key}\nlayers: [gzip, hmac-sha1]\nlayerKey: layers\nloop: [{ send: { type: 1, body: hello } }]\n`,
    )

  test('over layers', async () => {
    const result = await torture(keyed('right'), '--only', 'valid,split,glued,random-bytes')
    expect(result.code, result.stderr).toBe(0)
    expect(named(result, 'fail')).toEqual([])
  })

  test('and says that a wrong one was refused', async () => {
    const { code, stderr } = await volley('torture', keyed('wrong'))
    expect(code).toBe(2)
    expect(stderr).toContain('does not answer the valid request: the handshake: refused')
  })
})

test('volley torture shows the address where only another option is secret, and *** where it is itself', async () => {
  const yaml = (options: string, rest = '') =>
    `name: secret\ntarget: { serve: tlv, options: ${options} }\nprotocol: tlv\n${rest}loop: [{ send: { type: 1, body: hello } }]\n`
  const key = scenarioFile(yaml('{ key: "${KEY}" }', 'key: "${KEY}"\n'))
  const listening = scenarioFile(yaml('{ listen: "${LISTEN}" }'))
  const title = async (file: string, env: Record<string, string>) =>
    (await new Volley(['torture', file, '--only', 'valid'], env).ended).stdout.split('\n')[0]
  expect(await title(key, { KEY: 'not-to-be-shown' })).toMatch(/tcp:\/\/127\.0\.0\.1:\d+/)
  const hidden = await title(listening, { LISTEN: '127.0.0.1:0' })
  expect(hidden).toContain('***')
  expect(hidden).not.toContain('127.0.0.1')
})

test('volley torture --json shows nothing of a secret address in the protocol', async () => {
  const server = new Volley(['serve', 'http', '--listen', '127.0.0.1:0', '--quiet'])
  await server.says('listening on')
  const address = `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`
  const file = scenarioFile('name: s\ntarget: { address: "${ADDRESS}" }\nprotocol: http\nloop: [{ send: GET / }]\n')
  const { code, stdout } = await new Volley(['torture', file, '--only', 'split', '--json'], { ADDRESS: address }).ended
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ target: '***', protocol: { name: 'http' } })
  expect(stdout).not.toContain('127.0.0.1')
})

test('volley torture --env takes one environment of a scenario', async () => {
  const file = scenarioFile(
    'name: some\ntarget: { address: "tcp://127.0.0.1:1" }\nenvironments: { loopback: { serve: echo } }\nprotocol: line\nloop: [{ send: hello }]\n',
  )
  const result = await torture(file, '--env', 'loopback', '--only', 'valid,split')
  expect(result.code, result.stderr).toBe(0)
  expect(named(result, 'pass')).toEqual(['valid', 'split'])
  const { code, stderr } = await volley('torture', file, '--env', 'lan')
  expect(code).toBe(2)
  expect(stderr).toContain('some has no environment "lan"; it has loopback')
})

describe('volley torture cannot run, and says why', () => {
  test('where nobody listens', async () => {
    const { code, stderr } = await volley('torture', 'tcp://127.0.0.1:1')
    expect(code).toBe(2)
    expect(stderr).toContain('cannot reach tcp://127.0.0.1:1: connection refused')
  })

  test('where the valid request gets no answer', async () => {
    const { url } = await listen(socket => socket.resume())
    const { code, stdout, stderr } = await volley('torture', url, '--protocol', 'tlv', '--timeout', '200ms')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(`${url} does not answer the valid request: no reply within 200ms`)
    expect(stderr).toContain('is the protocol right?')
  })

  test('where what comes is no message of the protocol', async () => {
    const { url } = await listen(socket => socket.on('data', () => socket.write(Buffer.alloc(64, 0xff))))
    const { code, stderr } = await volley('torture', url, '--protocol', 'rpc')
    expect(code).toBe(2)
    expect(stderr).toContain('does not answer the valid request: a message that is too large')
  })

  test.each([
    [['--only', 'valid,splat'], '--only  unknown trial "splat"; there are valid, split'],
    [['--pid', 'one'], '--pid  expected the id of a process, got "one"'],
    [['--pid', '4194999'], '--pid  no process 4194999 is visible here'],
    [['--protocol', 'tvl'], 'unknown protocol "tvl"; did you mean "tlv"?'],
    [['--timeout', 'soon'], '--timeout  timeout: expected a duration'],
  ])('with %j', async (args, message) => {
    const { url } = await listen(socket => socket.pipe(socket))
    const { code, stderr } = await volley('torture', url, ...args)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  test('with a scenario whose request takes a captured value, unless another is named', async () => {
    const args = ['scenarios/rpc-handshake.yaml', '--only', 'valid,split']
    const { code, stderr } = await volley('torture', ...args)
    expect(code).toBe(2)
    expect(stderr).toContain('scenarios/rpc-handshake.yaml loop[0]  takes a captured value')
    const other = await torture(args[0]!, '--send', '{type: 1, body: hi}', ...args.slice(1))
    expect(other.code).toBe(0)
    expect(named(other, 'pass')).toEqual(['valid', 'split'])
  })

  test('with --pid beside a server that it starts itself', async () => {
    const { code, stderr } = await volley('torture', 'scenarios/tlv-loopback.yaml', '--pid', '1')
    expect(code).toBe(2)
    expect(stderr).toContain('--pid  the scenario starts its server, so its process is known')
  })
})

test('Ctrl-C ends volley torture, its connections and the server it started', async () => {
  const started = new Volley(['torture', broken('blocks'), '--timeout', '20s', '--only', 'valid,half-a-frame'])
  await started.says('one reply of')
  const [, pid] = /memory of process (\d+)/.exec(started.stdout)!
  started.process.kill('SIGINT')
  const { code, stdout } = await started.ended
  expect(code).toBe(130)
  expect(stdout).toMatch(/1 pass, interrupted\n$/)
  expect(existsSync(`/proc/${pid}`)).toBe(false)
})
