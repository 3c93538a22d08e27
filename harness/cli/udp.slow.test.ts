import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { datagramScenario, expectCountedByServer, listenUdp } from './testing/datagrams.ts'
import { balances, cleanUp, Invocation, run } from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-d', '1s', '--warmup', '0s']

describe.each(['epoll', 'node'])('volley run over UDP with --transport %s', transport => {
  const flags = [...quick, '--transport', transport]

  test.each([
    ['echo', ['protocol: line', 'loop: [{ send: "hello {{seq}}", expect: echo }]']],
    ['echo', ['protocol: frame', 'loop: [{ send: "hello {{seq}}", expect: echo }]']],
    ['tlv', ['protocol: tlv', 'loop: [{ send: { type: 1, body: hello }, expect: echo }]']],
    ['rpc', ['protocol: rpc', 'load: { pipeline: 16 }', 'loop: [{ send: { type: 1, body: hello }, expect: echo }]']],
  ])('agrees with the %s server', async (name, lines) => {
    await expectCountedByServer(datagramScenario(`{ serve: ${name}, over: udp }`, ...lines), ...flags, '-c', '4')
  })

  test('counts the datagrams that a relay loses as lost, and accounts for every request', async () => {
    const file = datagramScenario('{ serve: echo, over: udp, relay: { loss: 5% } }')
    const { code, report } = await run(file, ...flags, '-c', '20', '--timeout', '100ms', '--seed', '5')
    expect(code).toBe(0)
    const { totals, datagrams, server, findings, latencyMs } = report
    expect(totals.failures).toEqual({ timeout: datagrams!.lost })
    expect(datagrams!.lost).toBeGreaterThan(10)
    expect(totals.failed).toBe(datagrams!.lost)
    expect(datagrams!.duplicates).toBe(0)
    expect(balances(report)).toBe(true)
    expect(server!.requests).toBeGreaterThanOrEqual(totals.completed)
    expect(server!.requests).toBeLessThan(totals.sent)
    expect(findings.map(({ code }) => code)).not.toContain('conservation')
    // Nearly a tenth of the requests, or of their replies, is lost.
    expect(latencyMs.response.lowerBounds).toContain('p95')
    expect(latencyMs.response.p95).toBeGreaterThanOrEqual(100)
    // Each lost datagram has cost its socket.
    expect(totals.connects).toBeGreaterThanOrEqual(20 + datagrams!.lost - 20)
  })

  test('counts failures when the server exits, and does not crash', async () => {
    let answered = 0
    const socket = dgram.createSocket('udp4')
    socket.on('message', (bytes, from) => {
      if (++answered === 50) socket.close()
      else if (bytes.length > 0) socket.send(bytes, from.port, from.address)
    })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const url = `udp://127.0.0.1:${socket.address().port}`
    // Datagrams that the server had received when it closed are lost; the kernel reports that the next one has no
    // receiver.
    const { code, report } = await run(url, ...flags, '-c', '1', '--timeout', '100ms')
    expect(report.findings[0]).toMatchObject({ code: 'target-gone', severity: 'invalid' })
    expect(code).toBe(4)
    expect(report.totals.failures.reset).toBeGreaterThan(0)
    expect(balances(report)).toBe(true)
  })
})

test('volley talk over UDP reports that the last reply is missing', async () => {
  const silent = await listenUdp((bytes, reply) => String(bytes) === 'hello\n' && reply(bytes))
  const flags = ['--protocol', 'line', '--timeout', '300ms']
  const half = new Invocation(['talk', silent, ...flags], { stdin: 'hello\nworld\n' }).ended
  const stderr = 'no reply to "world" within 300ms (--timeout waits longer, --no-wait sends all lines at once)\n'
  expect(await half).toEqual({ code: 2, stdout: 'hello\n', stderr })
})
