import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { protocolNames } from '../protocols/spec.ts'
import { parseScenario } from '../scenario/load.ts'
import { cleanUp, Invocation, listen, run, temporaryFolder, volley } from './testing/volley.ts'

afterEach(cleanUp)

const address = '127.0.0.1:9000'
const urls = [
  ...['tcp://', 'udp://', 'tls://', ''].map(scheme => scheme + address),
  'unix:/run/a.sock',
  'http://h',
  'https://h:8443/a?b=c',
  'redis://h',
  'rediss://h',
]

/** A new scenario as a file says it. */
async function initiated(...args: string[]) {
  const { code, stdout, stderr } = await volley('init', ...args)
  expect(`${code} ${stderr}`).toBe('0 ')
  return { text: stdout, scenario: parseScenario(stdout, 'new.yaml', [], {}).scenario }
}

describe('volley init', () => {
  const variants = [
    ...protocolNames.map(name => [name]),
    ...protocolNames.map(name => [`tcp://${address}`, '--protocol', name]),
    ...protocolNames.filter(name => name !== 'http').map(name => [name, '--send', 'GET ${A} "b: c" {{seq}} # c']),
    ...urls.map(url => [url]),
    ['http://h/', '-m', 'PUT', '-H', 'A: b: c', '-H', 'B: ${C}', '--body', '{"a": [{"b": 1}]}'],
    [`udp://${address}`, '--protocol', '{frame: {id: {offset: 4, bytes: 4}}}', '-R', '5/s', '-c', '3'],
    ['line', '-n', '100', '-p', '8', '--timeout', '1s', '--set', 'reconnect.backoff=1ms..5ms'],
    ['https://h/', '--insecure', '-d', '3s', '--warmup', '0s'],
    ['tlv', '--send', '{"type": 9, "body": "a"}'],
    ['raw', '--send', 'several\nlines\n'],
  ]

  test.each(variants.map(args => [args.join(' '), args]))('%s is valid', async (_, args) => {
    const { text } = await initiated(...args)
    const { code, stdout, stderr } = await new Invocation(['validate', '-'], { stdin: text }).ended
    expect(`${stdout}${stderr}`).toBe('-: ok\n')
    expect(code).toBe(0)
    // Each key has its comment, or follows one that has.
    expect(text.match(/^# /gm)!.length).toBeGreaterThan(5)
  })

  test('means what the same flags mean for run', async () => {
    const flags = ['--protocol', 'line', '--send', 'hi ${A}', '-c', '3', '-R', '5/s', '-d', '2s']
    const { scenario } = await initiated(`tcp://${address}`, ...flags)
    expect(scenario).toMatchObject({
      target: { address: `tcp://${address}` },
      protocol: { name: 'line' },
      connections: 3,
      load: { mode: 'rate', rate: 5, pipeline: 1 },
      duration: 2000,
      loop: [{ send: 'hi ${A}', think: 0 }],
    })
    const counted = await initiated('line', '-n', '10')
    expect(counted.scenario).toMatchObject({ requests: 10, warmup: 0, duration: 3_600_000 })
    const http = await initiated('https://h/a', '-H', 'A: b', '--body', 'c')
    expect(http.scenario.loop).toEqual([
      { send: { method: 'POST', path: '/a', headers: { A: 'b' }, body: 'c' }, think: 0 },
    ])
  })

  test('writes to standard output for -', async () => {
    const { stdout } = await volley('init', 'line')
    expect(await volley('init', 'line', '-o', '-')).toEqual({ code: 0, stdout, stderr: '' })
    expect(existsSync('-')).toBe(false)
  })

  test('writes a file that runs as it is', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const file = join(temporaryFolder(), 'my file.yaml')
    const { code, stdout } = await volley('init', url, '--protocol', 'line', '--send', 'hi', '-n', '20', '-o', file)
    expect(code).toBe(0)
    expect(stdout).toBe(`wrote ${file}; run it with: volley run '${file}'\n`)
    const { report, code: ran } = await run(file)
    expect(ran).toBe(0)
    expect(report.totals).toMatchObject({ sent: 20, completed: 20, failed: 0 })
  })

  test('overwrites nothing', async () => {
    const file = join(temporaryFolder(), 'mine.yaml')
    writeFileSync(file, 'mine')
    const { code, stderr } = await volley('init', 'line', '-o', file)
    expect(code).toBe(2)
    expect(stderr).toContain(`${file}  exists already, and is not overwritten`)
    expect(readFileSync(file, 'utf8')).toBe('mine')
    const lost = await volley('init', 'line', '-o', join(temporaryFolder(), 'no', 'mine.yaml'))
    expect(lost.code).toBe(2)
    expect(lost.stderr).toContain('cannot be written: there is no such file or folder')
  })

  test('names a body file as the new file has to', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'scenarios'))
    writeFileSync(join(folder, 'body.json'), '{}')
    const before = process.cwd()
    process.chdir(folder)
    try {
      const file = join('scenarios', 'mine.yaml')
      expect((await volley('init', 'http://h/', '--body', '@body.json', '-o', file)).code).toBe(0)
      expect(readFileSync(file, 'utf8')).toContain('file: ../body.json')
      expect((await volley('validate', file)).code).toBe(0)
    } finally {
      process.chdir(before)
    }
  })

  test.each([
    [['lien'], 'lien  unknown protocol "lien"; did you mean "line"?'],
    [['ftp://h'], '"ftp://" is not in this version of volley'],
    [['line', '--protocol', 'tlv'], '--protocol  is for another protocol than line, which is named already'],
    [['line', '-m', 'PUT'], '--method  is for '],
    [['http://h/', '--body', '@no/such/file'], '--body  loop[0].send.body.file: cannot read'],
    [['line', '--send', '{{seq'], '--send  loop[0].send: expected two braces'],
    [['line', '-c', '0'], '--connections  connections: expected'],
  ])('says what is wrong with %j', async (args, message) => {
    const file = join(temporaryFolder(), 'new.yaml')
    const { code, stdout, stderr } = await volley('init', ...args, '-o', file)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
    expect(existsSync(file)).toBe(false)
  })
})
