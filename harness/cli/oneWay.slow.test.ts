import { afterEach, describe, expect, test } from 'vitest'
import { countsOf, startPython } from './testing/python.ts'
import { balances, cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

const syslog = '<13>Nov 27 18:00:00 volley test: {{seq}} {{random 40}}'

/** Runs a scenario with the lines against a server that only listens; returns the report and what the server counted. */
async function runAgainstSink(skip: (why: string) => void, lines: string, ...args: string[]) {
  const { server, address } = await startPython(skip, 'sink_server.py', ...args)
  const target = args.includes('udp') ? address.replace('tcp:', 'udp:') : address
  const file = scenarioFile(`name: sink\ntarget: { address: "${target}" }\nprotocol: line\nwarmup: 0s\n${lines}`)
  const { code, report, stdout } = await run(file)
  const counts = await countsOf(server)
  expect(balances(report)).toBe(true)
  return { code, report, stdout, counts }
}

describe.each(['epoll', 'node'])('requests that expect no reply, over %s', transport => {
  test('are counted as the server counts them, in a loop', async ({ skip }) => {
    const { code, report, stdout, counts } = await runAgainstSink(
      skip,
      `transport: ${transport}\nconnections: 3\nduration: 1s\nloop: [{ send: "${syslog}", expect: nothing }]\n`,
    )
    const { totals, latencyMs, window } = report
    expect(totals.failures).toEqual({})
    expect(totals.completed).toBeGreaterThan(1000)
    expect(totals.oneWay).toBe(totals.completed)
    expect(window.completed).toBe(totals.completed)
    expect(latencyMs.response.count).toBe(0)
    expect(counts).toMatchObject({ lines: totals.sent, bytes: totals.bytesSent, cut: 0 })
    expect(stdout).toContain('none is expected: a request counts once this machine has sent it')
    expect(code).toBe(0)
  })

  test('wait for a server that reads slowly, and none is cut at the end', async ({ skip }) => {
    const { report, counts } = await runAgainstSink(
      skip,
      `transport: ${transport}\nconnections: 2\nload: { pipeline: 64 }\nduration: 1s\nloop: [{ send: "${syslog} {{random 2000}}", expect: nothing }]\n`,
      'slow',
    )
    const { totals } = report
    expect(totals.failures).toEqual({})
    // It reads 3.2 MB a second of each connection; the kernel holds some more.
    expect(totals.bytesSent).toBeLessThan(40e6)
    expect(report.findings.map(({ code }) => code)).not.toContain('target-gone')
    expect(counts).toMatchObject({ lines: totals.sent, bytes: totals.bytesSent, cut: 0 })
  })

  test('come between requests that are answered, and in the handshake', async ({ skip }) => {
    const { code, report, stdout, counts } = await runAgainstSink(
      skip,
      `transport: ${transport}\nconnections: 2\nload: { pipeline: 4 }\nrequests: 1000
connect: [{ send: "hello", expect: nothing }, { send: "ask me", expect: echo }, { send: "ready", expect: nothing }]
loop: [{ send: "${syslog}", expect: nothing }, { send: "ask {{seq}}", expect: echo }]\n`,
    )
    const { totals, latencyMs, steps } = report
    expect(totals).toMatchObject({ failures: {}, sent: 1000, completed: 1000, handshakes: { sent: 6, completed: 6 } })
    expect(counts).toMatchObject({ lines: 1006, cut: 0 })
    expect(counts['asked']).toBe(latencyMs.response.count + 2)
    expect(steps[0]).toMatchObject({ oneWay: totals.oneWay, response: { count: 0 } })
    expect(steps[1]!.response.count).toBe(1000 - totals.oneWay!)
    expect(stdout).toContain(`${totals.oneWay} of them expect no reply`)
    expect(code).toBe(0)
  })

  test('leave as planned at a rate, each in a datagram of its own', async ({ skip }) => {
    const { code, report, counts } = await runAgainstSink(
      skip,
      `transport: ${transport}\nconnections: 4\nload: { rate: 2000 }\nrequests: 2000\nloop: [{ send: "requests:{{random 1..9}}|c", expect: nothing }]\n`,
      'udp',
    )
    const { totals } = report
    expect(totals).toMatchObject({ failures: {}, sent: 2000, completed: 2000, oneWay: 2000, inFlightAtEnd: 0 })
    expect(counts).toMatchObject({ lines: 2000, bytes: totals.bytesSent })
    expect(code).toBe(0)
  })
})
