import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { dirname, join } from 'node:path'
import tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { certificate } from '../transports/testing/certificate.ts'
import { childrenOf, isRunning } from './testing/programs.ts'
import { expectRoundTrips, farScenario, unwrapped } from './testing/relay.ts'
import { balances, cleanUp, cleanUpWith, run, startRun, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-d', '1s', '--warmup', '0s', '-c', '4']

describe('volley run through a relay', () => {
  test.each(['epoll', 'node'])('takes at least the round trip, and the server counts what was sent: %s', async name => {
    await expectRoundTrips(...quick, '--transport', name)
  })

  test('waits at the end for what is still on its way, however long the round trip', async () => {
    const { report } = await run(farScenario('{ serve: echo, relay: { rtt: 600ms } }'), ...quick, '--timeout', '300ms')
    expect(report.totals.failures.timeout).toBeGreaterThan(0)
    expect(report.server?.requests).toBe(report.totals.sent)
  })

  test('sees the resets and the late segments that the scenario asks for', async () => {
    const { report } = await run(
      farScenario('{ serve: echo, relay: { reset: 20%, loss: 10% } }'),
      ...quick,
      '-d',
      '1s',
      '--seed',
      '3',
    )
    expect(report.totals.failures.reset).toBeGreaterThan(0)
    expect(report.latencyMs.response.max).toBeGreaterThanOrEqual(200)
    expect(balances(report)).toBe(true)
  })

  test('speaks TLS with the server behind it, whose certificate must match its own address', async () => {
    const server = tls
      .createServer(certificate, socket => socket.on('error', () => {}).pipe(socket))
      .listen(0, '127.0.0.1')
    cleanUpWith(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const target = `{ address: "tls://localhost:${port}", relay: { rtt: 20ms } }`
    const file = farScenario(target, 'tls: { ca: ca.pem }\n')
    writeFileSync(join(dirname(file), 'ca.pem'), certificate.cert)
    const { code, report } = await run(file, ...quick)
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(report.latencyMs.response.p50).toBeGreaterThanOrEqual(20)
    // The TLS handshake passes through the relay too.
    expect(report.latencyMs.connect.max).toBeGreaterThanOrEqual(20)
  })

  test('reaches a unix socket', async () => {
    const path = join(temporaryFolder(), 'echo.sock')
    const server = net.createServer(socket => socket.on('error', () => {}).pipe(socket)).listen(path)
    cleanUpWith(() => server.close())
    await once(server, 'listening')
    const { code, report } = await run(farScenario(`{ address: "unix:${path}", relay: {} }`), ...quick)
    expect(code).toBe(0)
    expect(report.totals.completed).toBeGreaterThan(0)
    expect(report.target).toMatch(/^tcp:\/\/127\.0\.0\.1:/)
  })

  test('reports a relay that dies, and leaves no process behind', async () => {
    const file = farScenario('{ serve: echo, relay: { rtt: 10ms } }')
    const { volley, ended } = startRun([file, '-n', '1M', '-c', '2'])
    await volley.says(/ok [1-9]/)
    const children = childrenOf(process.pid)
    expect(children.map(serverOf).sort()).toEqual(['echo', 'relay'])
    process.kill(children.find(child => serverOf(child) === 'relay')!, 'SIGKILL')
    const { code, stdout } = await ended()
    expect(code).toBe(2)
    expect(unwrapped(stdout)).toContain('the target ended during the run: its relay was killed by SIGKILL')
    expect(children.filter(isRunning)).toEqual([])
  })
})

/** The first argument of a server that was started for a run. */
function serverOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[2]!
}
