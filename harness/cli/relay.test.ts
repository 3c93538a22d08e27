import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { dirname, join } from 'node:path'
import tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { certificate } from '../transports/testing/certificate.ts'
import { balances, cleanUp, cleanUpWith, run, scenarioFile, temporaryFolder, Volley } from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-d', '1s', '--warmup', '0s', '-c', '4']

function scenario(target: string, more = ''): string {
  return scenarioFile(
    `name: far\ntarget: ${target}\nprotocol: line\nloop: [{ send: "hello {{seq}}", expect: echo }]\n${more}`,
  )
}

describe('volley run through a relay', () => {
  test.each(['epoll', 'node'])('takes a round trip at least, and the server counts what was sent: %s', async name => {
    const file = scenario('{ serve: echo, relay: { rtt: 50ms, rate: 50mbit } }')
    const { code, report, stdout } = await run(file, ...quick, '--transport', name)
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(balances(report)).toBe(true)
    expect(report.totals.completed).toBeGreaterThan(8)
    expect(report.latencyMs.response.p50).toBeGreaterThanOrEqual(50)
    expect(report.server?.requests).toBe(report.totals.sent)
    expect(report.server?.cpuMicrosPerRequest).toBeGreaterThan(0)
    expect(report.scenario.target).toEqual({ serve: 'echo', options: {}, relay: { rtt: 50, rate: 50_000_000 } })
    expect(report.target).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/)
    expect(unwrapped(stdout)).toContain(`line over ${report.target} through a relay: rtt 50 ms, 50 Mbit/s server`)
  })

  test('waits for what is on its way at the end, however far that is', async () => {
    const { report } = await run(scenario('{ serve: echo, relay: { rtt: 600ms } }'), ...quick, '--timeout', '300ms')
    expect(report.totals.failures.timeout).toBeGreaterThan(0)
    expect(report.server?.requests).toBe(report.totals.sent)
  })

  test('meets the resets and the late segments that it asks for', async () => {
    const { report } = await run(scenario('{ serve: echo, relay: { reset: 20%, loss: 10% } }'), ...quick, '--seed', '3')
    expect(report.totals.failures.reset).toBeGreaterThan(0)
    expect(report.latencyMs.response.max).toBeGreaterThanOrEqual(200)
    expect(balances(report)).toBe(true)
  })

  test('speaks TLS to the server behind it, whose certificate must be that of its own address', async () => {
    const server = tls
      .createServer(certificate, socket => socket.on('error', () => {}).pipe(socket))
      .listen(0, '127.0.0.1')
    cleanUpWith(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const target = `{ address: "tls://localhost:${port}", relay: { rtt: 20ms } }`
    const file = scenario(target, 'tls: { ca: ca.pem }\n')
    writeFileSync(join(dirname(file), 'ca.pem'), certificate.cert)
    const { code, report } = await run(file, ...quick)
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(report.latencyMs.response.p50).toBeGreaterThanOrEqual(20)
    // The handshake is bytes, and takes its time.
    expect(report.latencyMs.connect.max).toBeGreaterThanOrEqual(20)
  })

  test('leads to a unix socket', async () => {
    const path = join(temporaryFolder(), 'echo.sock')
    const server = net.createServer(socket => socket.on('error', () => {}).pipe(socket)).listen(path)
    cleanUpWith(() => server.close())
    await once(server, 'listening')
    const { code, report } = await run(scenario(`{ address: "unix:${path}", relay: {} }`), ...quick)
    expect(code).toBe(0)
    expect(report.totals.completed).toBeGreaterThan(100)
    expect(report.target).toMatch(/^tcp:\/\/127\.0\.0\.1:/)
  })

  test('tells of a relay that dies, and leaves no process behind', async () => {
    const folder = temporaryFolder()
    const file = scenario('{ serve: echo, relay: { rtt: 10ms } }')
    const volley = new Volley(['run', file, '-n', '1M', '-c', '2', '--no-live', '--out', folder])
    await volley.says(/ok [1-9]/)
    const children = childrenOf(volley.process.pid!)
    expect(children.map(({ name }) => name).sort()).toEqual(['echo', 'relay'])
    process.kill(children.find(({ name }) => name === 'relay')!.pid, 'SIGKILL')
    const { code, stdout } = await volley.ended
    expect(code).toBe(2)
    expect(unwrapped(stdout)).toContain('the target ended during the run: its relay was killed by SIGKILL')
    for (const { pid } of children) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})

/** A summary whatever its lines are broken at. */
function unwrapped(stdout: string): string {
  return stdout.replaceAll(/\s+/g, ' ')
}

/** The servers that a process has started, by the first argument of each. */
function childrenOf(pid: number): { readonly pid: number; readonly name: string }[] {
  const ids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).map(Number)
  return ids.map(id => ({ pid: id, name: readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0')[2]! }))
}
