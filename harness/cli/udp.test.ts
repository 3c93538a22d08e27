import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { balances, cleanUp, cleanUpWith, run, scenarioFile, Volley, volley } from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-d', '1s', '--warmup', '0s']

/** A server over UDP that is told of each datagram, and how to answer it; closed with the test. */
async function listen(handle: (bytes: Buffer, reply: (bytes: Uint8Array) => void) => void): Promise<string> {
  const socket = dgram.createSocket('udp4')
  socket.on('message', (bytes, from) => handle(bytes, reply => socket.send(reply, from.port, from.address)))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  cleanUpWith(() => socket.close())
  return `udp://127.0.0.1:${socket.address().port}`
}

function scenario(target: string, ...lines: readonly string[]): string {
  const given = lines.length > 0 ? lines : ['protocol: line', 'loop: [{ send: "hello {{seq}}", expect: echo }]']
  return scenarioFile(['name: datagrams', `target: ${target}`, ...given].join('\n'))
}

describe.each(['epoll', 'node'])('volley run over UDP with --transport %s', transport => {
  const flags = [...quick, '--transport', transport]

  test('takes a URL, and what comes back for the reply, whatever its length', async () => {
    const url = await listen((bytes, reply) => bytes.length > 0 && reply(Buffer.from(`you said ${bytes}`)))
    const { code, report, stdout } = await run(url, ...flags, '-c', '2', '--send', 'x')
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(report.totals.completed).toBeGreaterThan(100)
    expect(report.transport).toBe(transport === 'node' ? 'udp' : 'epoll')
    expect(report.target).toBe(url)
    expect(report.datagrams).toEqual({ lost: 0, duplicates: 0, reordered: 0 })
    expect(stdout).toContain('datagrams  0 lost, 0 duplicates, 0 reordered')
  })

  test.each([
    ['echo', ['protocol: line', 'loop: [{ send: "hello {{seq}}", expect: echo }]']],
    ['echo', ['protocol: frame', 'loop: [{ send: "hello {{seq}}", expect: echo }]']],
    ['tlv', ['protocol: tlv', 'loop: [{ send: { type: 1, body: hello }, expect: echo }]']],
    ['rpc', ['protocol: rpc', 'load: { pipeline: 16 }', 'loop: [{ send: { type: 1, body: hello }, expect: echo }]']],
  ])('loads the %s server by one word, and is of one mind with it', async (name, lines) => {
    const { code, report } = await run(scenario(`{ serve: ${name}, over: udp }`, ...lines), ...flags, '-c', '4')
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(balances(report)).toBe(true)
    expect(report.server?.requests).toBe(report.totals.sent)
    expect(report.target).toMatch(/^udp:\/\//)
  })

  test('takes for lost what a relay loses, and conserves every request', async () => {
    const file = scenario('{ serve: echo, over: udp, relay: { loss: 5% } }')
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
    // Each of them has cost its socket.
    expect(totals.connects).toBeGreaterThanOrEqual(20 + datagrams!.lost - 20)
  })

  test('counts it when the server goes away, and does not crash', async () => {
    let answered = 0
    const socket = dgram.createSocket('udp4')
    socket.on('message', (bytes, from) => {
      if (++answered === 50) socket.close()
      else if (bytes.length > 0) socket.send(bytes, from.port, from.address)
    })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const url = `udp://127.0.0.1:${socket.address().port}`
    // What it had taken when it went is lost; that nobody takes the next is told.
    const { code, report } = await run(url, ...flags, '-c', '1', '--timeout', '100ms')
    expect(code).toBe(0)
    expect(report.totals.failures.reset).toBeGreaterThan(0)
    expect(balances(report)).toBe(true)
  })
})

test('volley run tells lost, doubled and overtaken replies apart by their ids', async () => {
  let count = 0
  let held: (() => void) | undefined
  const url = await listen((bytes, reply) => {
    if (bytes.length === 0) return
    count++
    if (count % 100 === 10) return
    if (count % 100 === 20) held = () => reply(bytes)
    else reply(bytes)
    if (count % 100 === 30) reply(bytes)
    if (count % 100 === 24) held?.()
  })
  const file = scenario(`{ address: "${url}" }`, 'protocol: rpc', 'loop: [{ send: { body: hi }, expect: echo }]')
  const { report } = await run(file, '-n', '1000', '-c', '1', '-p', '8', '--timeout', '200ms')
  expect(report.datagrams).toEqual({ lost: 10, duplicates: 10, reordered: 10 })
  expect(report.totals).toMatchObject({ sent: 1000, completed: 990, failed: 10, connects: 1 })
})

test('volley run says that nobody is there, and how to start a server', async () => {
  const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  const { code, stderr } = await volley('run', `udp://127.0.0.1:${port}`, ...quick)
  expect(code).toBe(2)
  expect(stderr).toContain(`cannot reach udp://127.0.0.1:${port}: connection refused`)
  expect(stderr).toContain(`volley serve echo --listen udp://127.0.0.1:${port}`)
})

test('volley refuses a datagram that is too long when the scenario is loaded, and says where', async () => {
  const lines = ['protocol: raw', 'loop: [{ send: { random: 65508 } }]']
  const file = scenario('{ serve: echo, over: udp }', ...lines)
  const { code, stderr } = await volley('validate', file)
  expect(code).toBe(2)
  expect(stderr).toMatch(/test\.yaml:4:16 +loop\[0\]\.send: a datagram has at most 65507 bytes, not 65508$/m)
})

test('volley talk sends what is typed in datagrams, shows the replies, and says which one is missing', async () => {
  const answering = await listen((bytes, reply) => bytes.length > 0 && reply(Buffer.from(`you said ${bytes}`)))
  const talk = new Volley(['talk', answering, '--protocol', 'raw'], {}, 'hello\nworld\n').ended
  expect(await talk).toEqual({ code: 0, stdout: 'you said hello\nyou said world\n', stderr: '' })
  const silent = await listen((bytes, reply) => String(bytes) === 'hello\n' && reply(bytes))
  const half = new Volley(['talk', silent, '--protocol', 'line'], {}, 'hello\nworld\n').ended
  expect(await half).toEqual({ code: 2, stdout: 'hello\n', stderr: 'no reply to the last message\n' })
  const odd = await listen((bytes, reply) => bytes.length > 0 && reply(Buffer.from('no end of a line')))
  const malformed = new Volley(['talk', odd, '--protocol', 'line'], {}, 'hello\n').ended
  expect(await malformed).toEqual({ code: 2, stdout: '', stderr: 'the reply is not a line message\n' })
})

test('volley talk says all that does not go over UDP, and volley torture that it is for TCP', async () => {
  const talk = await volley('talk', 'udp://127.0.0.1:1', '--protocol', 'http', '--key', 'k')
  expect(talk.code).toBe(2)
  expect(talk.stderr).toMatch(/--protocol +expected raw, line, frame, tlv or rpc over UDP, got http/)
  expect(talk.stderr).toMatch(/--key +needs TCP/)
  const torture = await volley('torture', 'udp://127.0.0.1:1', '--protocol', 'tlv')
  expect(torture).toMatchObject({ code: 2 })
  expect(torture.stderr).toContain('it works over TCP, not over UDP')
})
