import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { dirname, join } from 'node:path'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { builtFile, packageRoot } from '../built.ts'
import { readJournal } from '../report/journal.ts'
import { certificate } from '../transports/testing/certificate.ts'
import {
  balances,
  cleanUp,
  cleanUpWith,
  listen,
  run,
  scenarioFile,
  temporaryFolder,
  Volley,
  volley,
} from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-d', '300ms', '--warmup', '0s']

describe('volley run', () => {
  test('drives a URL with no file', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const { code, report } = await run(url, '-c', '10', '-d', '500ms', '--send', 'Hello World!')
    expect(code).toBe(0)
    expect(report.scenario.connections).toBe(10)
    expect(report.totals.bytesSent).toBe(report.totals.sent * 'Hello World!'.length)
    expect(report.totals.failures).toEqual({})
  })

  test('shares connections and requests over two workers exactly', async () => {
    let accepted = 0
    const { url } = await listen(socket => {
      accepted++
      socket.pipe(socket)
    })
    const { code, report } = await run(url, '-c', '7', '-w', '2', '-n', '1001')
    expect(code).toBe(0)
    expect(report.workers).toBe(2)
    // One more to see whether the server is there.
    expect(accepted).toBe(8)
    expect(report.totals).toMatchObject({ sent: 1001, completed: 1001, failed: 0, inFlightAtEnd: 0, connects: 7 })
    expect(report.window.completed).toBe(1001)
  })

  test('speaks TLS with the authority it is given, and refuses to start without it', async () => {
    const server = tls
      .createServer(certificate, socket => socket.on('error', () => {}).pipe(socket))
      .listen(0, '127.0.0.1')
    cleanUpWith(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const yaml = `name: secure\ntarget: { address: "tls://127.0.0.1:${port}" }\nprotocol: raw\nloop: [{ send: hello, expect: echo }]\n`
    const file = scenarioFile(`${yaml}tls: { ca: ca.pem }\n`)
    writeFileSync(join(dirname(file), 'ca.pem'), certificate.cert)
    const { code, report } = await run(file, ...quick)
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(report.totals.completed).toBeGreaterThan(100)
    expect(balances(report)).toBe(true)

    const untrusted = await volley('run', scenarioFile(yaml))
    expect(untrusted.code).toBe(2)
    expect(untrusted.stderr).toContain(`cannot reach tls://127.0.0.1:${port}: `)
  })

  test('speaks over a unix socket', async () => {
    const path = join(temporaryFolder(), 'echo.sock')
    const server = net.createServer(socket => socket.on('error', () => {}).pipe(socket)).listen(path)
    cleanUpWith(() => server.close())
    await once(server, 'listening')
    const { code, report } = await run(`unix:${path}`, ...quick)
    expect(code).toBe(0)
    expect(report.totals.completed).toBeGreaterThan(100)
    expect(report.target).toBe(`unix:${path}`)
  })

  test('sends the rows of a data file and payloads out of files, after a handshake', async () => {
    const lines: string[] = []
    const { url } = await listen(socket => {
      let rest = ''
      socket.on('data', chunk => {
        const parts = (rest + chunk).split('\n')
        rest = parts.pop()!
        for (const part of parts) {
          lines.push(part)
          socket.write(`${part}\n`)
        }
      })
    })
    const file = scenarioFile(`
name: fed
target: { address: "${url}" }
protocol: line
connections: 1
requests: 6
connect: [{ send: "login \${WHO}", expect: echo }]
loop:
  - { send: "hi {{data.name}}, {{data.age}}", expect: echo }
  - { send: { file: body.txt }, expect: { contains: body } }
data: { file: users.csv }
`)
    writeFileSync(join(dirname(file), 'users.csv'), 'name,age\n"ann, the first",31\nbob,32\n')
    writeFileSync(join(dirname(file), 'body.txt'), 'a body from a file')
    const folder = temporaryFolder()
    const { code, stderr } = await new Volley(['run', file, '--out', folder], { WHO: 'me' }).ended
    expect(`${code} ${stderr}`).toMatch(/^0 /)
    const body = 'a body from a file'
    expect(lines).toEqual([
      'login me',
      'hi ann, the first, 31',
      body,
      'hi bob, 32',
      body,
      'hi ann, the first, 31',
      body,
    ])
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
    expect(report.totals).toMatchObject({ sent: 6, completed: 6, handshakes: { sent: 1, completed: 1 } })
    expect(report.steps.map((step: { response: { count: number } }) => step.response.count)).toEqual([3, 3])
  })

  test('names every file that cannot be read before it sends anything', async () => {
    const file = scenarioFile(
      'name: x\ntarget: { serve: echo }\nprotocol: line\ndata: { file: none.csv }\nloop: [{ send: { file: gone.bin } }, { send: "{{data.a}}" }]\n',
    )
    const { code, stderr } = await volley('run', file)
    expect(code).toBe(2)
    expect(stderr).toContain(join(dirname(file), 'none.csv'))
    expect(stderr).toContain(join(dirname(file), 'gone.bin'))
    expect(stderr).toContain('2 faults; nothing was sent')
  })

  test('prints the report with --json, and nothing else on stdout', async () => {
    const ended = await volley('run', 'scenarios/once.yaml', '--json', '--quiet', '--out', temporaryFolder())
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(ended.stdout)).toMatchObject({ schema: 'volley.report/1', totals: { sent: 10, completed: 10 } })
  })

  test('keeps a journal, a line a second, with the totals so far', async () => {
    const { folder, report } = await run('scenarios/line-loopback.yaml', '-d', '2s', '--warmup', '1s')
    const journal = await readJournal(join(folder, 'journal.ndjson'))
    expect(journal.entries).toHaveLength(3)
    expect(journal.entries.map(entry => entry.warmup)).toEqual([true, false, false])
    expect(report.intervals).toHaveLength(3)
    expect(report.throughput.perSecond).toHaveLength(2)
    expect(journal.entries.at(-1)!.totals.completed).toBeLessThanOrEqual(report.totals.completed)
    // Besides, those that were in flight at the end and answered soon after.
    const late = report.latencyMs.response.count - report.window.completed
    expect(late).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThanOrEqual(report.totals.inFlightAtEnd)
    const { response } = report.latencyMs
    expect(response.p50!).toBeLessThanOrEqual(response.p99!)
    expect(response.p99!).toBeLessThanOrEqual(response.max)
  })

  test('runs several scenarios one after the other, and ends in one table', async () => {
    const two = [
      join(packageRoot, 'scenarios/once.yaml'),
      scenarioFile('name: second\ntarget: { serve: echo }\nprotocol: line\nloop: [{ send: a }]\n'),
    ]
    const started = new Volley(['run', ...two, '-n', '20', '--set', 'load.mode=loop'], {}, undefined, temporaryFolder())
    const { code, stdout } = await started.ended
    expect(code).toBe(0)
    const table = stdout.slice(stdout.lastIndexOf('scenario'))
    expect(table).toContain('once')
    expect(table).toContain('second')
  })

  test('runs a scenario in each of its environments and compares them', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const file = scenarioFile(`
name: places
target: { serve: echo }
environments:
  here: { serve: echo }
  there: { address: "${url}" }
protocol: raw
loop: [{ send: hello }]
`)
    const { code, stdout, stderr } = await new Volley(
      ['run', file, '--env', 'here,there', ...quick],
      {},
      undefined,
      temporaryFolder(),
    ).ended
    expect(`${code} ${stderr}`).toMatch(/^0 /)
    expect(stdout).toContain('places-here')
    expect(stdout).toContain('against')
    const unknown = await volley('run', file, '--env', 'moon')
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toContain('places has no environment "moon"; it has here, there')
  })

  test('takes a setting from a variable, and a flag over it', async () => {
    const env = { VOLLEY_CONNECTIONS: '3', VOLLEY_REQUESTS: '30' }
    const folders = [temporaryFolder(), temporaryFolder()]
    await new Volley(['run', 'scenarios/tlv-loopback.yaml', '--out', folders[0]!], env).ended
    await new Volley(['run', 'scenarios/tlv-loopback.yaml', '-c', '5', '--out', folders[1]!], env).ended
    const reports = folders.map(folder => JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')))
    expect(reports.map(report => report.scenario.connections)).toEqual([3, 5])
    expect(reports.map(report => report.totals.completed)).toEqual([30, 30])
  })
})

test('volley compare puts saved runs side by side and names what differs', async () => {
  const one = await run('scenarios/line-loopback.yaml', ...quick)
  const two = await run('scenarios/line-loopback.yaml', ...quick, '-c', '3')
  const { code, stdout } = await volley('compare', one.folder, join(two.folder, 'report.json'))
  expect(code).toBe(0)
  expect(stdout).toContain('throughput')
  expect(stdout).toContain('1.00')
  expect(stdout).toMatch(/connections.*10.*3/)
  expect((await volley('compare', one.folder)).code).toBe(2)
  expect((await volley('compare', one.folder, 'no/such/run')).stderr).toContain('no/such/run')
})

test('volley run --json is whole for a reader that is slow, however long it is', async () => {
  const steps = Array.from({ length: 64 }, (_, index) => `  - { send: "${'x'.repeat(3000)}${index}", expect: echo }`)
  const file = scenarioFile(
    `name: long\ntarget: { serve: echo }\nprotocol: line\nrequests: 640\nloop:\n${steps.join('\n')}\n`,
  )
  const command = `"${process.execPath}" "${builtFile('harness/cli/main')}" run "${file}" --quiet --json --out "${temporaryFolder()}" | { sleep 2; cat; }`
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { maxBuffer: 16 * 1024 * 1024, timeout: 30_000 })
  expect(stdout.length).toBeGreaterThan(2 * 65_536)
  expect(JSON.parse(stdout)).toMatchObject({ schema: 'volley.report/1', totals: { completed: 640 } })
})

test.each(['line', 'raw', 'frame', 'tlv', 'rpc'])(
  'volley talk sends what is typed and shows the reply: %s',
  async protocol => {
    const target = protocol === 'tlv' || protocol === 'rpc' ? [protocol] : ['echo', '--protocol', protocol]
    const server = new Volley(['serve', ...target, '--listen', '127.0.0.1:0'])
    await server.says('listening on')
    const url = `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`
    const { code, stdout } = await new Volley(['talk', url, '--protocol', protocol], {}, 'hello\n\n').ended
    server.process.kill('SIGTERM')
    expect((await server.ended).code).toBe(0)
    expect(code).toBe(0)
    expect(stdout).toMatch(/hello\n$/)
  },
)
