import { afterEach, describe, expect, test } from 'vitest'
import { childrenOf, isRunning } from './testing/programs.ts'
import { balances, cleanUp, listen, scenarioFile, spawnRun, startRun, volley } from './testing/volley.ts'

afterEach(cleanUp)

/** Requests are in flight nearly all the time, and the processor is left to other tests. */
const slowServer = `name: slow
target: { serve: echo, options: { poolSize: unlimited, serviceTime: "fixed:5ms" } }
protocol: line
connections: 4
loop: [{ send: hello }]
`

describe('a target that misbehaves is counted, and the run ends in time with a report', () => {
  test('is killed during the run: failures are counted, and the report names the cause', async () => {
    const flags = ['-d', '1500ms', '--warmup', '0s', '--set', 'reconnect.backoff=20ms..50ms']
    const started = startRun([scenarioFile(slowServer), ...flags])
    await started.volley.says(/ {2}1s /)
    const servers = childrenOf(process.pid)
    expect(servers).toHaveLength(1)
    process.kill(servers[0]!, 'SIGKILL')
    const { code, stdout, report } = await started.ended()
    expect(code).toBe(2)
    expect(report.error).toBe('the target ended during the run: it was killed by SIGKILL')
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('it was killed by SIGKILL')
    expect(report.findings.map(finding => finding.code)).not.toContain('conservation')
    expect(report.totals.failures['connect-refused']).toBeGreaterThan(0)
    expect((report.totals.failures.reset ?? 0) + (report.totals.failures['closed-early'] ?? 0)).toBeGreaterThan(0)
    expect(report.totals.completed).toBeGreaterThan(0)
    expect(balances(report)).toBe(true)
  })
})

describe('bad input is refused, exit 2', () => {
  test('a port in use', async () => {
    const { port } = await listen(() => {})
    const { code, stderr } = await volley('serve', 'echo', '--listen', `127.0.0.1:${port}`)
    expect(code).toBe(2)
    expect(stderr).toContain(`cannot listen on tcp://127.0.0.1:${port}: the port is in use`)
  })

  test('a command that does not start a server', async () => {
    const file = scenarioFile(
      'name: x\ntarget: { command: "echo broken on {port} >&2; exit 7" }\nprotocol: raw\nloop: [{ send: a }]\n',
    )
    const { code, stderr, stdout } = await volley('run', file)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).not.toMatch(/^ {4}at /m)
    expect(stderr).toContain('it exited with code 7')
    expect(stderr).toMatch(/broken on \d+/)
  })
})

test('a run ended by Ctrl-C saves its report, prints that it was interrupted, and leaves no child behind', async () => {
  const { volley, ended } = spawnRun([scenarioFile(slowServer), '-d', '20s'])
  await volley.says(/ {2}1s /)
  const children = childrenOf(volley.process.pid!)
  expect(children).toHaveLength(1)
  volley.process.kill('SIGINT')
  const { code, stdout, report } = await ended()
  expect(code).toBe(130)
  expect(stdout).toContain('interrupted')
  expect(report.interrupted).toBe(true)
  expect(report.server!.requests).toBe(report.totals.completed + report.totals.inFlightAtEnd)
  expect(isRunning(children[0]!)).toBe(false)
})
