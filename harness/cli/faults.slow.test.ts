import { afterEach, describe, expect, test } from 'vitest'
import { descendantsOf, isRunning, until } from './testing/programs.ts'
import { balances, cleanUp, listen, run, scenarioFile, spawnRun } from './testing/volley.ts'

afterEach(cleanUp)

const short = ['-d', '600ms', '--warmup', '0s', '-c', '4', '--set', 'reconnect.backoff=20ms..50ms']

describe('a target that misbehaves is counted, and the run ends in time with a report', () => {
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

  test('sends an unexpected reply', async () => {
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

  test('closes connections at times: they are opened again', async () => {
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

test('killing volley itself ends the command that it started', async () => {
  const command = `exec ${process.execPath} -e 'require(\\"net\\").createServer(s=>s.pipe(s)).listen({port})'`
  const file = scenarioFile(
    `name: x\ntarget: { command: "${command}" }\nprotocol: raw\nduration: 20s\nloop: [{ send: a }]\n`,
  )
  const { volley } = spawnRun([file])
  await volley.says(' over tcp://')
  const children = descendantsOf(volley.process.pid!)
  expect(children.length).toBeGreaterThan(0)
  volley.process.kill('SIGKILL')
  await volley.ended
  await until('the end of all children', () => !children.some(isRunning))
})
