import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { fileDescriptorsMax } from '../host/processes.ts'
import { cleanUp, listen, scenarioFile, startRun, volley } from './testing/volley.ts'

afterEach(cleanUp)

test('a target that refuses connections is reported, with what to do', async () => {
  const { code, stderr, stdout } = await volley('run', 'tcp://127.0.0.1:1', '-d', '600ms')
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toBe(
    'cannot reach tcp://127.0.0.1:1: connection refused\n' +
      '  is the server running? "volley serve echo --listen 127.0.0.1:1" starts a reference server\n',
  )
})

describe('bad input is refused with its place, its value and what was expected, exit 2', () => {
  async function faultsOf(yaml: string): Promise<string> {
    const file = scenarioFile(yaml)
    const { code, stderr, stdout } = await volley('run', file)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).not.toMatch(/^ {4}at /m)
    return stderr.replaceAll(file, 'test.yaml')
  }

  test('an unknown key and a wrong unit, both at once', async () => {
    const yaml =
      'name: x\ntarget: { serve: echo }\nprotocol: raw\nconections: 10\nduration: 10 parsecs\nloop: [{ send: a }]\n'
    const text = await faultsOf(yaml)
    expect(text).toContain('test.yaml:4:1 ')
    expect(text).toContain('unknown key "conections"; did you mean "connections"?')
    expect(text).toContain('test.yaml:5:11')
    expect(text).toContain('"10 parsecs"')
    expect(text).toContain('2 faults; nothing was sent')
  })

  test('a URL with a password, which is not shown', async () => {
    for (const url of [
      'redis://:opensesame@127.0.0.1:1',
      'http://ann:opensesame@127.0.0.1:1/',
      'tcp://a:opensesame@h:1',
    ]) {
      const { code, stderr } = await volley('run', url)
      expect(code).toBe(2)
      expect(stderr).not.toContain('opensesame')
      // Those of Redis log in, and those of HTTP say that they cannot.
      if (url.startsWith('tcp:')) expect(stderr).toContain('//***@')
    }
  })

  test('a missing file', async () => {
    const { code, stderr } = await volley('run', 'no/such/scenario.yaml')
    expect(code).toBe(2)
    expect(stderr).toContain('no/such/scenario.yaml')
  })

  test('a YAML bomb', async () => {
    const levels = Array.from({ length: 12 }, (_, level) =>
      level === 0 ? 'a0: &a0 [x, x]' : `a${level}: &a${level} [${`*a${level - 1}, `.repeat(9)}*a${level - 1}]`,
    )
    const text = await faultsOf(`${levels.join('\n')}\n`)
    expect(text).toMatch(/test\.yaml:\d+:\d+/)
  })

  test('a feature of a later version', async () => {
    const text = await faultsOf(
      'name: x\ntarget: { address: "ws://127.0.0.1:1" }\nprotocol: raw\nloop: [{ send: a }]\n',
    )
    expect(text).toContain('is not in this version of volley')
  })

  test('more connections than file descriptors, before anything is sent', async ({ skip }) => {
    const most = fileDescriptorsMax()
    if (!Number.isFinite(most)) skip('the limit of this machine is unknown')
    let accepted = 0
    const { url } = await listen(() => {
      accepted++
    })
    const { code, stderr } = await volley('run', url, '-c', String(most + 1))
    expect(code).toBe(2)
    expect(stderr).toContain(
      `${most + 1} connections need more file descriptors than this process may have open (${most})`,
    )
    expect(accepted).toBe(0)
  })

  test('an unknown flag and a flag without its value', async () => {
    expect((await volley('run', 'x.yaml', '--conections', '3')).code).toBe(2)
    expect((await volley('run', 'x.yaml', '-c')).code).toBe(2)
    expect((await volley('run')).code).toBe(2)
  })
})

test('thresholds that fail give exit 1, and a value from the environment is not shown', async () => {
  const { url } = await listen(socket => socket.pipe(socket))
  const file = scenarioFile(`
name: x
target: { address: "${url}" }
protocol: line
loop: [{ send: "token \${SECRET}" }]
thresholds: [throughput > 90M/s]
`)
  const started = startRun([file, '-n', '100'], { env: { SECRET: 'opensesame' } })
  const { code, stdout, folder } = await started.ended()
  expect(code).toBe(1)
  expect(stdout).toContain('FAIL')
  for (const name of readdirSync(folder)) {
    expect(readFileSync(join(folder, name), 'utf8')).not.toContain('opensesame')
  }
})
