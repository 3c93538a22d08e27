import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { afterEach, describe, expect, test } from 'vitest'
import type { Report } from '../report/record.ts'
import { until } from './testing/programs.ts'
import { cleanUp, cleanUpWith, listen, run, scenarioFile, spawnRun, startServer } from './testing/volley.ts'

afterEach(cleanUp)

const line = ['--protocol', 'line', '--send', 'hi']

/** The code of the finding that comes first, apart from notes and from what is missing for a verdict. */
function leading({ findings }: Report): string | undefined {
  return findings.find(({ severity }) => severity === 'suspect' || severity === 'invalid')?.code
}

function finding({ findings }: Report, code: string): Report['findings'][number] | undefined {
  return findings.find(found => found.code === code)
}

/** The second that a finding names, after `word`. */
function secondOf({ findings }: Report, code: string, word: string): number {
  const message = findings.find(found => found.code === code)?.message ?? ''
  return Number(new RegExp(`${word} (\\d+(?:\\.\\d)?)`).exec(message)?.[1])
}

/** A program that does nothing but compute, until the test is over. */
function busyProgram(): void {
  const child = spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' })
  cleanUpWith(() => child.kill('SIGKILL'))
}

describe('a server that is gone', () => {
  test('killed: invalid, dated, exit 4, and nothing else leads', async () => {
    const server = await startServer(['echo', '--protocol', 'line'])
    const { volley, ended } = spawnRun([server.url, ...line, '-c', '10', '-d', '6s', '--warmup', '1s'])
    await volley.says(/ {2}3s /)
    server.process.kill('SIGKILL')
    const { code, report, stdout } = await ended()
    expect(leading(report)).toBe('target-gone')
    expect(report.verdict).toBe('invalid')
    expect(code).toBe(4)
    expect(secondOf(report, 'target-gone', 'from second')).toBeGreaterThanOrEqual(2)
    expect(secondOf(report, 'target-gone', 'from second')).toBeLessThanOrEqual(5)
    // Whatever else runs on this machine is true too.
    const others = report.findings.filter(({ code }) => code !== 'target-gone' && code !== 'machine-busy')
    expect(others.filter(found => found.severity !== 'note' && found.explainedBy === undefined)).toEqual([])
    expect(report.availability).toBeLessThan(0.9)
    expect(stdout).toContain('did not come back')
    expect(stdout).not.toContain('Infinity')
  })

  test('an availability threshold fails although the share of errors is small', async () => {
    const server = await startServer(['echo', '--protocol', 'line'])
    const limits = 'thresholds=["errors < 5%", "availability > 99.9%"]'
    const { volley, ended } = spawnRun([server.url, ...line, '-d', '5s', '--warmup', '1s', '--set', limits])
    await volley.says(/ {2}3s /)
    server.process.kill('SIGKILL')
    const { report } = await ended()
    expect(report.thresholds.map(({ expression, ok }) => [expression, ok])).toEqual([
      ['errors < 5%', true],
      ['availability > 99.9%', false],
    ])
  })

  test('killed and started again: suspect, dated, exit 0', async () => {
    const server = await startServer(['echo', '--protocol', 'line'])
    const { volley, ended } = spawnRun([server.url, ...line, '-d', '9s', '--warmup', '1s'])
    await volley.says(/ {2}2s /)
    server.process.kill('SIGKILL')
    await volley.says(/ {2}5s /)
    const again = spawn(process.execPath, [
      ...['dist/targets/main.js', 'echo', '--protocol', 'line', '--listen', new URL(server.url).host],
    ])
    cleanUpWith(() => again.kill('SIGKILL'))
    const { code, report } = await ended()
    expect(leading(report)).toBe('target-gone')
    expect(finding(report, 'target-gone')).toMatchObject({
      severity: 'suspect',
      message: expect.stringContaining('came back'),
    })
    expect(code).toBe(0)
  })

  test('stopped: answered nothing until the end', async () => {
    const server = await startServer(['echo', '--protocol', 'line'])
    cleanUpWith(() => server.process.kill('SIGCONT'))
    const { volley, ended } = spawnRun([server.url, ...line, '-d', '7s', '--warmup', '1s'])
    await volley.says(/ {2}3s /)
    server.process.kill('SIGSTOP')
    const { code, report } = await ended()
    expect(leading(report)).toBe('target-gone')
    expect(finding(report, 'target-gone')!.message).toContain('answered nothing')
    expect(report.verdict).toBe('invalid')
    expect(code).toBe(4)
  })
})

test('a flood of messages that nobody asked for: the pairs of requests and replies are not trusted', async () => {
  const { url } = await listen(socket => {
    const timer = setInterval(() => socket.write('NOTICE\n'), 20)
    socket.on('close', () => clearInterval(timer))
    socket.on('data', bytes => setTimeout(() => !socket.destroyed && socket.write(`${bytes}`), 5))
  })
  const { report } = await run(url, ...line, '-c', '4', '-d', '6s', '--warmup', '1s')
  expect(leading(report)).toBe('unpaired')
  expect(['suspect', 'invalid']).toContain(report.verdict)
  // A notice may have been taken for the reply, and the reply for one message too many.
  expect(finding(report, 'unpaired')!.message).toMatch(/such as "(hi|NOTICE)"/)
})

test('every reply 40 ms late: the note names delayed acknowledgements', async () => {
  const { url } = await listen(socket => {
    socket.on('data', bytes => setTimeout(() => !socket.destroyed && socket.write(`${bytes}`), 40))
  })
  const { report } = await run(url, ...line, '-c', '10', '-d', '6s', '--warmup', '1s', '--transport', 'epoll')
  const notes = report.findings.filter(({ severity }) => severity === 'note').map(({ message }) => message)
  expect(notes.join('\n')).toContain('delayed ACK')
  expect(leading(report)).not.toBe('retransmits')
})

test('busy programs beside it: they lead, by name', async () => {
  for (let program = 0; program < availableParallelism(); program++) busyProgram()
  const server = await startServer(['echo', '--protocol', 'line'])
  const { ended } = spawnRun([server.url, ...line, '-c', '10', '-d', '7s', '--warmup', '1s'])
  const { report, stdout } = await ended()
  expect(leading(report)).toBe('machine-busy')
  expect(report.verdict).not.toBe('trusted')
  expect(finding(report, 'machine-busy')!.message).toContain('sh')
  expect(stdout.indexOf('machine-busy')).toBeGreaterThan(0)
})

test('this process stopped for two seconds: the stall is ours', async () => {
  const server = await startServer(['echo', '--protocol', 'line'])
  const { volley, ended } = spawnRun([server.url, ...line, '-c', '10', '-d', '7s', '--warmup', '1s'])
  await volley.says(/ {2}3s /)
  volley.process.kill('SIGSTOP')
  await new Promise(resolve => setTimeout(resolve, 2000))
  volley.process.kill('SIGCONT')
  const { report } = await ended()
  expect(finding(report, 'client-stalled')).toMatchObject({ severity: 'suspect' })
  expect(secondOf(report, 'client-stalled', 'at second')).toBeGreaterThanOrEqual(2)
  expect(['client-stalled', 'machine-busy']).toContain(leading(report))
  // The server answered all the time.
  expect(finding(report, 'target-gone')).toBeUndefined()
})

/** What makes even the shortest run suspect. */
const ownCauses = ['machine-busy', 'client-stalled', 'steal']

test('too short for a verdict: unproven, exit 0, and 4 with --strict', async () => {
  const server = await startServer(['echo', '--protocol', 'line'])
  // Less than a second says nothing of other programs either.
  const short = [server.url, ...line, '-d', '500ms', '--warmup', '0s']
  const { code, report, stdout } = await run(...short)
  expect(report.verdict).toBe('unproven')
  expect(code).toBe(0)
  expect(stdout).toContain('unproven')
  expect((await run(...short, '--strict')).code).toBe(4)
  const few = await run(server.url, ...line, '-n', '3')
  // Another program that runs for a moment is most of what so short a run has to itself.
  expect(few.report.verdict === 'unproven' || ownCauses.includes(leading(few.report) ?? '')).toBe(true)
})

test('interrupted after a second: unproven, exit 130', async () => {
  const server = await startServer(['echo', '--protocol', 'line'])
  const { volley, ended } = spawnRun([server.url, ...line, '-d', '20s', '--warmup', '0s'])
  await volley.says(/ {2}1s /)
  volley.process.kill('SIGINT')
  const { code, report } = await ended()
  expect(code).toBe(130)
  expect(report.verdict === 'unproven' || leading(report) === 'machine-busy').toBe(true)
})

test('a server that stalls in a closed loop: the note says what a loop cannot see', async () => {
  const server = await startServer(['echo', '--protocol', 'line', '--stall', '1s/4s'])
  const { report } = await run(server.url, ...line, '-c', '10', '-d', '7s', '--warmup', '1s')
  expect(finding(report, 'closed-loop')).toMatchObject({ severity: 'note' })
  expect(finding(report, 'closed-loop')!.hint).toMatch(/-R \d/)
  expect(finding(report, 'target-gone')).toBeUndefined()
})

test('more workers than cores are a finding', async () => {
  const server = await startServer(['echo', '--protocol', 'line'])
  const { report } = await run(server.url, ...line, '-c', '10', '-w', '100', '-d', '6s', '--warmup', '1s')
  expect(finding(report, 'workers')).toMatchObject({ severity: 'suspect' })
  expect(finding(report, 'workers')!.message).toContain('100')
})

test('a search that the client ends: its last answer is not called the limit of the server', async () => {
  for (let program = 0; program < availableParallelism() + 1; program++) busyProgram()
  const scenario = scenarioFile(`name: search
target: { serve: echo, options: { poolSize: unlimited, serviceTime: "fixed:1ms" } }
protocol: line
connections: 50
duration: 2s
warmup: 500ms
load: { mode: search, rate: 1k/s }
loop: [{ send: hello }]
thresholds: [ "p99 < 2ms" ]
`)
  const { report, stdout } = await run(scenario)
  const client = ['client-lag', 'machine-busy', 'client-stalled', 'generator-busy', 'arrivals', 'client-limited']
  for (const probe of report.search!.probes) {
    if (probe.why.some(why => client.includes(why))) expect(probe.outcome).not.toBe('failed')
  }
  await until('the summary', () => stdout.includes('search'))
})
