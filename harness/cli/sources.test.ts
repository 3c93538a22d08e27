import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { UserError } from '../errors.ts'
import { limits } from '../scenario/scenario.ts'
import { withImpliedRun } from './impliedRun.ts'
import { readSources } from './sources.ts'
import { cleanUp, Invocation, listen, scenarioFile, startRun, temporaryFolder, volley } from './testing/volley.ts'

afterEach(cleanUp)

const scenario = (url: string) =>
  `name: piped\ntarget: { address: "${url}" }\nprotocol: line\nconnections: 2\nrequests: 20\nloop: [{ send: hi }]\n`

describe('a scenario from standard input', () => {
  test('is run', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const { code, report } = await startRun(['-'], { stdin: scenario(url) }).ended()
    expect(code).toBe(0)
    expect(report).toMatchObject({ scenario: { name: 'piped' }, totals: { completed: 20 } })
  })

  test('is run with the flags and the environments of a file', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const text = `${scenario('tcp://127.0.0.1:1')}environments: { here: { address: "${url}" } }\n`
    const { code, report } = await startRun(['-', '--env', 'here', '-n', '30'], { stdin: text }).ended()
    expect(code).toBe(0)
    expect(report.totals.completed).toBe(30)
  })

  test.each([['run'], ['validate'], ['torture']])('has faults with their places: volley %s', async command => {
    const { code, stderr } = await new Invocation([command, '-'], {
      stdin: 'name: x\ntarget: { serve: echo }\nprotocol: lien\nloop: [{ send: "{{seq" }]\n',
    }).ended
    expect(code).toBe(2)
    expect(stderr).toContain('<stdin>:3:11')
    expect(stderr).toContain('<stdin>:4:16')
  })

  test('may not be empty, or come twice', async () => {
    expect((await new Invocation(['run', '-']).ended).stderr).toContain('<stdin>:1:1  expected a scenario')
    const twice = await new Invocation(['run', '-', '-'], { stdin: scenario('tcp://127.0.0.1:1') }).ended
    expect(twice.code).toBe(2)
    expect(twice.stderr).toContain('<stdin>  is named twice, and can be read once')
  })

  test('is read up to the limit of a file, and is UTF-8', async () => {
    // More than the limit, and no end: the reader has to leave by itself.
    const endless = Readable.from(
      (function* () {
        for (;;) yield '#'.repeat(limits.scenarioBytesMax / 4)
      })(),
    )
    const read = (stdin: Readable) => readSources(['-'], { stdin, stderr: { write() {} } })
    await expect(read(endless)).rejects.toThrow(
      new UserError([{ place: '<stdin>', message: 'expected a scenario file of at most 1 MiB, got more' }]),
    )
    await expect(read(Readable.from([Buffer.from([0x61, 0xe9])]))).rejects.toThrow('<stdin> expected UTF-8 text')
    // A character may come in two pieces.
    const pieces = [Buffer.from([0xc3]), Buffer.from([0xa9])]
    expect(await read(Readable.from(pieces))).toEqual([{ name: '<stdin>', text: 'é' }])
  })
})

test('volley run names the faults of every file at once, each only once', async () => {
  const [one, two] = ['first', 'second'].map(name => scenarioFile(`name: ${name}\nprotocol: raw\n`, `${name}.yaml`))
  const { code, stderr } = await volley('run', one!, two!, 'no/such.yaml', '--env', 'a,b')
  expect(code).toBe(2)
  expect(stderr).toContain('no/such.yaml  no such file')
  const both = await volley('run', one!, two!, '--env', 'a,b')
  expect(both.stderr).toContain('first.yaml:1:1')
  expect(both.stderr).toContain('second.yaml:1:1')
  expect(both.stderr.match(/first\.yaml.*target: missing/g)).toHaveLength(1)
})

test('volley run shows how a server is named where there is no such file', async () => {
  const { code, stderr } = await volley('run', 'example.org')
  expect(code).toBe(2)
  expect(stderr).toContain('a server is named as host:port, or as a URL: http://example.org')
  expect((await volley('run', 'no/such.yaml')).stderr).not.toContain('host:port')
})

const commands = ['run', 'list', 'compare', 'help']

test.each([
  ['mine.yaml'],
  ['mine.YML -c 5'],
  ['tcp://127.0.0.1:1 -d 1s'],
  ['127.0.0.1:80'],
  ['unix:/a.sock'],
  ['ws://h'],
  ['-'],
  ['-c 100 -d 10s http://h/'],
  ['--json mine.yaml'],
])('withImpliedRun() takes %s for a run', line => {
  const args = line.split(' ')
  expect(withImpliedRun(args, commands)).toEqual(['run', ...args])
})

test.each([
  [''],
  ['run mine.yaml'],
  ['rnu mine.yaml'],
  ['--help'],
  ['-h mine.yaml'],
  ['--version'],
  ['-c 10 run mine.yaml'],
  ['--json compare a.yaml'],
  ['--nonsense'],
  ['list'],
  ['help run'],
])('withImpliedRun() leaves %j as it is', line => {
  const args = line.split(' ').filter(Boolean)
  expect(withImpliedRun(args, commands)).toEqual(args)
})

test.each([
  ['--send list 127.0.0.1:8080'],
  ['--send run -c 4 mine.yaml'],
  ['-c 10 --send tcp://a:1 127.0.0.1:8080'],
  ['--json --send help mine.yaml'],
])('withImpliedRun() takes no value of a flag for a command: %s', line => {
  const args = line.split(' ')
  expect(withImpliedRun(args, commands, ['--send', '-c'])).toEqual(['run', ...args])
})

test.each([['--send tcp://a:1 list'], ['-c 10 run mine.yaml'], ['--send 127.0.0.1:8080']])(
  'withImpliedRun() takes no value of a flag for a source: %s',
  line => {
    const args = line.split(' ')
    expect(withImpliedRun(args, commands, ['--send', '-c'])).toEqual(args)
  },
)

test('withImpliedRun() takes any file for a scenario, unless it is named as a command is', () => {
  const file = join(temporaryFolder(), 'scenario')
  writeFileSync(file, '')
  expect(withImpliedRun([file], commands)).toEqual(['run', file])
  expect(withImpliedRun([file], [file])).toEqual([file])
  expect(withImpliedRun([temporaryFolder()], commands)).toHaveLength(1)
})

test('volley SOURCE is volley run SOURCE', async () => {
  const { url } = await listen(socket => socket.pipe(socket))
  const address = url.slice('tcp://'.length)
  const out = ['--json', '--quiet', '--out', temporaryFolder()]
  for (const args of [
    [scenarioFile(scenario(url)), ...out],
    ['-n', '20', ...out, address],
  ]) {
    const { code, stdout } = await volley(...args)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ target: url, totals: { completed: 20 } })
  }
  const misspelt = await volley('rnu', 'mine.yaml')
  expect(misspelt.code).toBe(2)
  expect(misspelt.stderr).toContain("unknown command 'rnu'")
})
