import { once } from 'node:events'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { dirname, join } from 'node:path'
import tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { lockFolder } from '../report/lock.ts'
import { writeReport } from '../report/save.ts'
import { sampleReport } from '../report/testing/samples.ts'
import { certificate } from '../transports/testing/certificate.ts'
import {
  balances,
  cleanUp,
  cleanUpWith,
  Invocation,
  listen,
  run,
  scenarioFile,
  startRun,
  temporaryFolder,
  volley,
} from './testing/volley.ts'

afterEach(cleanUp)

describe('volley run', () => {
  test('drives a URL without a file', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const { code, report } = await run(url, '-c', '10', '-n', '200', '--send', 'Hello World!')
    expect(code).toBe(0)
    expect(report.scenario.connections).toBe(10)
    expect(report.totals.bytesSent).toBe(report.totals.sent * 'Hello World!'.length)
    expect(report.totals.failures).toEqual({})
  })

  test('ends with its requests or after its time, whichever comes first, and says so', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const byTime = await run(url, '-n', '1000M', '-d', '200ms')
    expect(byTime.code).toBe(0)
    expect(byTime.report.totals.sent).toBeLessThan(1e9)
    expect(byTime.stderr).toContain('loop, 10 connections x 1, until 1,000,000,000 requests or 200ms')
    expect(byTime.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /until 1,000,000,000 requests or 200ms: ended after \S+, [\d,]+ sent/,
    )
    const byCount = await run(url, '-n', '50', '-d', '1h')
    expect(byCount.report.totals.sent).toBe(50)
    const both = await run(url, '-n', '50', '-d', '20s')
    expect(both.report.totals.sent).toBe(50)
    expect(both.stdout).toContain('until 50 requests or 20s: ended by its requests')
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
    // One more connection checks that the server is up.
    expect(accepted).toBe(8)
    expect(report.totals).toMatchObject({ sent: 1001, completed: 1001, failed: 0, inFlightAtEnd: 0, connects: 7 })
    expect(report.window.completed).toBe(1001)
  })

  test('runs over TLS with the given certificate authority, and does not start without it', async () => {
    const server = tls
      .createServer(certificate, socket => socket.on('error', () => {}).pipe(socket))
      .listen(0, '127.0.0.1')
    cleanUpWith(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const yaml = `name: secure\ntarget: { address: "tls://127.0.0.1:${port}" }\nprotocol: raw\nloop: [{ send: hello, expect: echo }]\n`
    const file = scenarioFile(`${yaml}tls: { ca: ca.pem }\n`)
    writeFileSync(join(dirname(file), 'ca.pem'), certificate.cert)
    const { code, report } = await run(file, '-n', '200')
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(report.totals.completed).toBe(200)
    expect(balances(report)).toBe(true)

    const untrusted = await volley('run', scenarioFile(yaml))
    expect(untrusted.code).toBe(2)
    expect(untrusted.stderr).toContain(`cannot reach tls://127.0.0.1:${port}: `)
  })

  test('runs over a unix socket', async () => {
    const path = join(temporaryFolder(), 'echo.sock')
    const server = net.createServer(socket => socket.on('error', () => {}).pipe(socket)).listen(path)
    cleanUpWith(() => server.close())
    await once(server, 'listening')
    const { code, report } = await run(`unix:${path}`, '-n', '200')
    expect(code).toBe(0)
    expect(report.totals.completed).toBe(200)
    expect(report.target).toBe(`unix:${path}`)
  })

  test('sends the rows of a data file and payloads from files, after a handshake', async () => {
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
    const { code, stderr, report } = await startRun([file], { env: { WHO: 'me' } }).ended()
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
    expect(report.totals).toMatchObject({ sent: 6, completed: 6, handshakes: { sent: 1, completed: 1 } })
    expect(report.steps.map(({ response }) => response.count)).toEqual([3, 3])
  })

  test('names every file that cannot be read, before anything is sent', async () => {
    const file = scenarioFile(
      'name: x\ntarget: { serve: echo }\nprotocol: line\ndata: { file: none.csv }\nloop: [{ send: { file: gone.bin } }, { send: "{{data.a}}" }]\n',
    )
    const { code, stderr } = await volley('run', file)
    expect(code).toBe(2)
    expect(stderr).toContain(join(dirname(file), 'none.csv'))
    expect(stderr).toContain(join(dirname(file), 'gone.bin'))
    expect(stderr).toContain('2 faults; nothing was sent')
  })

  test('runs several scenarios one after the other, and ends in one table', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const files = ['first', 'second'].map(name =>
      scenarioFile(`name: ${name}\ntarget: { address: "${url}" }\nprotocol: line\nloop: [{ send: a }]\n`),
    )
    // Reports go below the working directory.
    const before = process.cwd()
    const folder = temporaryFolder()
    process.chdir(folder)
    const { code, stdout } = await volley('run', ...files, '-n', '20').finally(() => process.chdir(before))
    expect(code).toBe(0)
    const table = stdout.slice(stdout.lastIndexOf('scenario'))
    expect(table).toContain('first')
    expect(table).toContain('second')
    expect(readdirSync(join(folder, 'reports')).sort()).toEqual(['first', 'second'])
  })

  test('prints the report with --json, and nothing else', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const ended = await volley('run', url, '-n', '10', '--json', '--quiet', '--out', temporaryFolder())
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(ended.stdout)).toMatchObject({ schema: 'volley.report/1', totals: { sent: 10, completed: 10 } })
  })

  test.each([
    ['the summary', [], /requests\/s.*\n[\s\S]* report {5}not saved\n$/],
    ['the report', ['--json'], /^\{\n {2}"schema": "volley.report\/1"[\s\S]*\}\n$/],
  ])('prints %s where it cannot be saved, then the error, exit 2', async (_what, flags, printed) => {
    const out = join(temporaryFolder(), 'out')
    const { url } = await listen(socket => {
      rmSync(out, { recursive: true, force: true })
      socket.pipe(socket)
    })
    const { code, stdout, stderr } = await volley('run', url, '-n', '50', '--quiet', '--out', out, ...flags)
    expect(stdout).toMatch(printed)
    expect(stderr).toBe(`cannot write ${join(out, 'report.json')}: there is no such file or folder\n`)
    expect(code).toBe(2)
  })

  test('is interrupted also before its first request', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const stopped = new Invocation(['run', url, '--quiet', '--out', temporaryFolder()])
    stopped.stop()
    expect(await stopped.ended).toEqual({ code: 130, stdout: '', stderr: '' })
  })

  test('refuses the folder of another run', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const out = temporaryFolder()
    const lock = lockFolder(out)
    const { code, stdout, stderr } = await volley('run', url, '-n', '50', '--quiet', '--out', out)
    lock.release()
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(
      /^another run writes to .*\n {2}name another folder with --out, or wait until that run is over\n$/,
    )
    expect(readdirSync(out)).toEqual([])
  })

  test('takes a setting from a variable, and prefers a flag to it', async () => {
    const { url } = await listen(socket => socket.pipe(socket))
    const env = { VOLLEY_CONNECTIONS: '3', VOLLEY_REQUESTS: '30' }
    const fromVariable = await startRun([url], { env }).ended()
    const fromFlag = await startRun([url, '-c', '5'], { env }).ended()
    const reports = [fromVariable.report, fromFlag.report]
    expect(reports.map(report => report.scenario.connections)).toEqual([3, 5])
    expect(reports.map(report => report.totals.completed)).toEqual([30, 30])
  })

  test('reports an environment that the scenario does not have', async () => {
    const file = scenarioFile(
      'name: places\ntarget: { serve: echo }\nenvironments: { here: { serve: echo }, there: { serve: echo } }\nprotocol: raw\nloop: [{ send: hello }]\n',
    )
    const { code, stderr } = await volley('run', file, '--env', 'moon')
    expect(code).toBe(2)
    expect(stderr).toContain('places has no environment "moon"; it has here, there')
  })
})

test('volley compare prints saved runs side by side and names what differs', async () => {
  const [one, two] = [temporaryFolder(), temporaryFolder()]
  await writeReport(sampleReport, one)
  await writeReport({ ...sampleReport, scenario: { ...sampleReport.scenario, connections: 3 } }, two)
  const { code, stdout } = await volley('compare', one, join(two, 'report.json'))
  expect(code).toBe(0)
  expect(stdout).toContain('throughput')
  expect(stdout).toContain('1.00')
  expect(stdout).toMatch(/connections.*10.*3/)
  expect((await volley('compare', one)).code).toBe(2)
  expect((await volley('compare', one, 'no/such/run')).stderr).toContain('no/such/run')
})

test.each(['line', 'raw', 'frame', 'tlv', 'rpc'])(
  'volley talk sends each line and shows the reply: %s',
  async protocol => {
    // In each of them a request that comes back is a reply to it.
    const { url } = await listen(socket => socket.pipe(socket))
    const { code, stdout } = await new Invocation(['talk', url, '--protocol', protocol], { stdin: 'hello\n\n' }).ended
    expect(code).toBe(0)
    expect(stdout).toMatch(/hello\n$/)
  },
)
