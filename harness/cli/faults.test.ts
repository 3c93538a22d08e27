import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { fileDescriptorsMax } from '../host/processes.ts'
import { balances, cleanUp, listen, run, scenarioFile, temporaryFolder, Volley, volley } from './testing/volley.ts'

afterEach(cleanUp)

const short = ['-d', '600ms', '--warmup', '0s', '-c', '4', '--set', 'reconnect.backoff=20ms..50ms']

describe('a target that misbehaves is counted, and the run ends in time with a report', () => {
  test('refuses', async () => {
    const { code, stderr, stdout } = await volley('run', 'tcp://127.0.0.1:1', ...short)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toBe(
      'cannot reach tcp://127.0.0.1:1: connection refused\n' +
        '  is the server running? "volley serve echo --listen 127.0.0.1:1" starts a reference server\n',
    )
  })

  test('closes after accept', async () => {
    const { url } = await listen(socket => socket.end())
    const { code, report } = await run(url, ...short)
    expect(code).toBe(4)
    expect(report.totals.completed).toBe(0)
    const { 'closed-early': closed = 0, reset = 0 } = report.totals.failures
    expect(closed + reset).toBeGreaterThan(8)
    expect(balances(report)).toBe(true)
  })

  test('never answers', async () => {
    const { url } = await listen(socket => socket.resume())
    const { code, report, stderr } = await run(url, ...short, '--timeout', '100ms')
    expect(code).toBe(4)
    expect(report.findings.map(finding => finding.message)).toContain('not one request was completed')
    expect(report.totals.failures.timeout).toBeGreaterThanOrEqual(8)
    expect(report.window.seconds).toBeCloseTo(0.6, 1)
    expect(balances(report)).toBe(true)
    expect(stderr).not.toContain('Error')
  })

  test('sends garbage', async () => {
    const { url } = await listen(socket => socket.on('data', () => socket.write(Buffer.alloc(64, 0xff))))
    const rpc = await run(url, ...short, '--protocol', 'rpc')
    expect(rpc.report.totals.failures['too-large']! + (rpc.report.totals.failures.malformed ?? 0)).toBeGreaterThan(4)
    expect(balances(rpc.report)).toBe(true)
    const line = await run(url, ...short, '--protocol', '{line: {maxFrame: 32}}')
    expect(line.report.totals.failures['too-large']).toBeGreaterThan(4)
  })

  test('announces a length of 4 GiB', async () => {
    const header = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 1, 2, 3])
    const { url } = await listen(socket => socket.on('data', () => socket.write(header)))
    for (const protocol of ['tlv', 'frame']) {
      const { report } = await run(url, ...short, '--protocol', protocol)
      expect(report.totals.failures['too-large']).toBeGreaterThan(4)
      expect(report.intervals.every(interval => interval.rssBytes < 1024 ** 3)).toBe(true)
    }
  })

  test('sends half a frame and then nothing', async () => {
    const { url } = await listen(socket => socket.on('data', () => socket.write(Buffer.from([0, 0, 0, 9, 1]))))
    const { report } = await run(url, ...short, '--protocol', 'frame', '--timeout', '100ms')
    expect(report.totals.failures.timeout).toBeGreaterThanOrEqual(8)
    expect(report.totals.completed).toBe(0)
  })

  test('answers something else than expected', async () => {
    const { url } = await listen(socket => socket.on('data', () => socket.write('nope\n')))
    const file = scenarioFile(`
name: wrong
target: { address: "${url}" }
protocol: line
duration: 300ms
warmup: 0s
loop: [{ send: hello, expect: echo }]
thresholds: [errors < 1%]
`)
    const { code, report } = await run(file)
    expect(code).toBe(4)
    expect(report.totals.failed).toBe(report.totals.failures.unexpected)
    expect(report.thresholds).toMatchObject([{ ok: false }])
  })

  test('is killed in mid-run: failures are counted, the report is saved and says so', async () => {
    const folder = temporaryFolder()
    const started = new Volley([
      ...['run', 'scenarios/line-loopback.yaml', '-d', '2s', '--warmup', '0s', '--out', folder],
      ...['--set', 'reconnect.backoff=20ms..50ms'],
    ])
    await started.says(/ {2}1s /)
    const servers = childrenOf(started.process.pid!)
    expect(servers).toHaveLength(1)
    process.kill(servers[0]!, 'SIGKILL')
    const { code, stdout } = await started.ended
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
    expect(code).toBe(2)
    expect(report.error).toBe('the target ended during the run: it was killed by SIGKILL')
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('it was killed by SIGKILL')
    expect(report.findings.map((finding: { code: string }) => finding.code)).not.toContain('conservation')
    expect(report.totals.failures['connect-refused']).toBeGreaterThan(0)
    expect((report.totals.failures.reset ?? 0) + (report.totals.failures['closed-early'] ?? 0)).toBeGreaterThan(0)
    expect(report.totals.completed).toBeGreaterThan(0)
    expect(balances(report)).toBe(true)
  })

  test('comes back: the connections are opened again', async () => {
    let chunks = 0
    const { url } = await listen(socket => {
      socket.on('data', bytes => {
        if (++chunks % 20 === 0) socket.destroy()
        else socket.write(bytes)
      })
    })
    const { report } = await run(url, ...short)
    expect(report.totals.connects).toBeGreaterThan(4)
    expect(report.totals.completed).toBeGreaterThan(report.totals.connects)
    expect(balances(report)).toBe(true)
  })
})

describe('bad input is refused with the place, the value and what was wanted, exit 2', () => {
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

  test('what a later version has', async () => {
    const text = await faultsOf(
      'name: x\ntarget: { address: "ws://127.0.0.1:1" }\nprotocol: raw\nloop: [{ send: a }]\n',
    )
    expect(text).toContain('is not in this version of volley')
  })

  test('a port in use', async () => {
    const { port } = await listen(() => {})
    const { code, stderr } = await volley('serve', 'echo', '--listen', `127.0.0.1:${port}`)
    expect(code).toBe(2)
    expect(stderr).toContain(`cannot listen on tcp://127.0.0.1:${port}: the port is in use`)
  })

  test('a command that does not start a server', async () => {
    const text = await faultsOf(
      'name: x\ntarget: { command: "echo broken on {port} >&2; exit 7" }\nprotocol: raw\nloop: [{ send: a }]\n',
    )
    expect(text).toContain('it exited with code 7')
    expect(text).toMatch(/broken on \d+/)
  })

  test('more connections than file descriptors, before anything is sent', async ({ skip }) => {
    const most = fileDescriptorsMax()
    if (!Number.isFinite(most)) skip('this machine does not tell its limit')
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

test('a run ended by Ctrl-C saves what it has, says so, and leaves no child behind', async () => {
  const folder = temporaryFolder()
  const started = new Volley(['run', 'scenarios/echo-loopback.yaml', '-d', '20s', '--out', folder])
  await started.says(/ {2}1s /)
  const children = childrenOf(started.process.pid!)
  expect(children).toHaveLength(1)
  started.process.kill('SIGINT')
  const { code, stdout } = await started.ended
  expect(code).toBe(130)
  expect(stdout).toContain('interrupted')
  const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))
  expect(report.interrupted).toBe(true)
  expect(report.server.requests).toBe(report.totals.completed + report.totals.inFlightAtEnd)
  expect(existsSync(`/proc/${children[0]}`)).toBe(false)
})

test('a second Ctrl-C ends at once, and takes the command with it', async () => {
  const serve = "require('net').createServer(s=>s.pipe(s)).listen({port})"
  const file = scenarioFile(
    `name: x\ntarget: { command: "${process.execPath} -e \\"${serve}\\"" }\nprotocol: raw\nduration: 20s\nloop: [{ send: a }]\n`,
  )
  const started = new Volley(['run', file, '--out', temporaryFolder()])
  await started.says(/ {2}1s /)
  const children = descendantsOf(started.process.pid!)
  expect(children.length).toBeGreaterThan(1)
  started.process.kill('SIGINT')
  started.process.kill('SIGINT')
  expect((await started.ended).code).toBe(130)
  await allGone(children)
})

test('Ctrl-C while the target starts ends the wait', async () => {
  const file = scenarioFile('name: x\ntarget: { command: "sleep 30 # {port}" }\nprotocol: raw\nloop: [{ send: a }]\n')
  const started = new Volley(['run', file, '--out', temporaryFolder()])
  await waitUntil(() => descendantsOf(started.process.pid!).length > 1)
  const children = descendantsOf(started.process.pid!)
  started.process.kill('SIGINT')
  const { code, stderr } = await started.ended
  expect(code).toBe(130)
  expect(stderr).toContain('interrupted')
  await allGone(children)
})

test('a fixed reply length holds against the echo server too', async () => {
  const { code, report } = await run(
    'scenarios/echo-loopback.yaml',
    ...short,
    '--send',
    'hello',
    '--protocol',
    '{raw: {reply: {bytes: 5}}}',
  )
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
})

test.each([
  ['a server of ours', 'serve: echo'],
  [
    'a command',
    `command: "exec ${process.execPath} -e 'require(\\"net\\").createServer(s=>s.pipe(s)).listen({port})'"`,
  ],
])('killing volley itself takes the target with it: %s', async (_, target) => {
  const file = scenarioFile(`name: x\ntarget: { ${target} }\nprotocol: raw\nduration: 20s\nloop: [{ send: a }]\n`)
  const started = new Volley(['run', file, '--out', temporaryFolder()])
  await started.says(/ {2}1s /)
  const children = descendantsOf(started.process.pid!)
  expect(children.length).toBeGreaterThan(0)
  started.process.kill('SIGKILL')
  await started.ended
  await allGone(children)
})

test('thresholds that fail give exit 1, and a name out of the environment is not shown', async () => {
  const file = scenarioFile(`
name: x
target: { serve: echo }
protocol: line
loop: [{ send: "token \${SECRET}" }]
thresholds: [throughput > 90M/s]
`)
  const folder = temporaryFolder()
  const { code, stdout } = await new Volley(['run', file, '-d', '300ms', '--warmup', '0s', '--out', folder], {
    SECRET: 'opensesame',
  }).ended
  expect(code).toBe(1)
  expect(stdout).toContain('FAIL')
  for (const name of readdirSync(folder)) {
    expect(readFileSync(join(folder, name), 'utf8')).not.toContain('opensesame')
  }
})

function childrenOf(pid: number): number[] {
  return spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)])
    .stdout.toString()
    .split('\n')
    .map(Number)
    .filter(child => child > 0)
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap(child => [child, ...descendantsOf(child)])
}

async function waitUntil(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited 10 s in vain')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

function allGone(children: readonly number[]): Promise<void> {
  return waitUntil(() => children.every(pid => !existsSync(`/proc/${pid}`)))
}
