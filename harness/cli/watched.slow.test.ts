import { afterEach, expect, test } from 'vitest'
import { builtFile } from '../built.ts'
import { countsOf, runPythonClient, startPython } from './testing/python.ts'
import { balances, cleanUp, Invocation, run, scenarioFile, spawnVolley } from './testing/volley.ts'

afterEach(cleanUp)

const portOf = (url: string) => new URL(url).port

/** A reference server in a process of its own, whose output is read once it has stopped. */
async function serve(...args: string[]) {
  const server = spawnVolley([...args, '--listen', '127.0.0.1:0'], { main: builtFile('targets/main') })
  await server.says('listening on ')
  return {
    url: `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`,
    async stop(): Promise<string> {
      server.process.kill('SIGTERM')
      const { code, stdout } = await server.ended
      expect(code).toBe(0)
      return stdout
    },
  }
}

/** The messages that a log shows on one way: their lengths, reads or writes, and texts. */
function logged(output: string, way: 'in' | 'out') {
  const line = new RegExp(`  ${way} +(\\d+) bytes?  (?:read|write) (\\d+)  "(.*)"$`, 'gm')
  return [...output.matchAll(line)].map(([, bytes, call, text]) => ({ bytes: Number(bytes), call, text: text! }))
}

test('volley serve --log messages shows how a 15-byte buffer cuts what a client in Python writes at once', async ({
  skip,
}) => {
  const server = await serve('echo', '--naive', '15', '--reply', 'echo', '--log', 'connections,messages')
  interface Written {
    readonly bytesSent: number
    readonly sent: string
    readonly received: string
  }
  const client = await runPythonClient<Written>(skip, 'echo_writer.py', portOf(server.url), '10')
  const output = await server.stop()
  expect(client.received).toBe(client.sent)
  const [reads, writes] = [logged(output, 'in'), logged(output, 'out')]
  expect(reads.every(({ bytes }) => bytes <= 15)).toBe(true)
  // Ten messages of 25 bytes: each of them is cut, and none is lost.
  expect(reads.length).toBeGreaterThanOrEqual(17)
  expect(reads.map(({ text }) => text).join('')).toBe(client.sent)
  expect(writes.map(({ text }) => text).join('')).toBe(client.received)
  const { bytesSent: bytes } = client
  const total = `stopped; ${reads.length} requests in all, ${bytes} bytes in, ${bytes} bytes out\n`
  expect(output.endsWith(total)).toBe(true)
  const closed = `in ${reads.length} messages, ${bytes} bytes; out ${writes.length} messages, ${bytes} bytes;`
  expect(output).toMatch(/ {2}127\.0\.0\.1:\d+ {2}opened, 1 connection open\n/)
  expect(output).toContain(closed)
})

test('the lines of volley serve and its total count what a client in Python has sent', async ({ skip }) => {
  const server = await serve('tlv', '--reply', 'server', '--reply-type', '1', '--workers', '2')
  interface Counted {
    readonly types: Record<string, number>
    readonly texts: Record<string, number>
  }
  const counted = await runPythonClient<Counted>(skip, 'tlv_client.py', portOf(server.url), '403')
  expect(counted).toEqual({ sent: 403, types: { 1: 403 }, texts: { server: 403 } })
  const output = await server.stop()
  expect(output).toContain(`stopped; 403 requests in all, ${(403 * 19).toLocaleString('en-US')} bytes in, `)
  // It all takes less than a second: without a line for the last part of one there may be none.
  expect(output).toMatch(/ [\d,]+ requests(?:\/s| in the last [\d.]+ )/)
})

test('a server that a scenario starts answers under the type of its options', async () => {
  const file = scenarioFile(`
name: reply-type
target: { serve: tlv, options: { reply: server, replyType: 1, noDelay: false, receiveBuffer: 64KiB } }
protocol: tlv
connections: 2
requests: 200
loop:
  - { send: { type: 7, body: "hello world" }, expect: { type: 1, body: server } }
`)
  const { code, report } = await run(file)
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ completed: 200, failed: 0 })
  expect(report.server?.requests).toBe(200)
})

test.for(['auto', 'node'])(
  'a run with settings of sockets counts what a server in Python counts: %s',
  async (transport, { skip }) => {
    const settings = transport === 'node' ? 'noDelay: false' : 'noDelay: false, receiveBuffer: 64KiB, sendBuffer: 32KiB'
    const { server, address } = await startPython(skip, 'buffers_server.py')
    const file = scenarioFile(`
name: sockets
target: { address: "${address}" }
protocol: line
connections: 3
transport: ${transport}
socket: { ${settings} }
load: { pipeline: 4 }
requests: 300
loop:
  - { send: "{{seq}} {{random 20}}", expect: echo }
`)
    const { code, report, stdout } = await run(file)
    expect(code).toBe(0)
    expect(report.totals).toMatchObject({ completed: 300, failed: 0 })
    expect(balances(report)).toBe(true)
    expect(stdout).toContain('noDelay off')
    const { buffers, ...counts } = (await countsOf(server)) as unknown as { readonly buffers: (number[] | null)[] }
    expect(counts).toEqual({ requests: 300, bytesIn: report.totals.bytesSent })
    if (transport === 'node') return expect(report.socketBuffers).toBeUndefined()
    expect(report.socketBuffers).toEqual({ receiveBuffer: 65_536, sendBuffer: 32_768 })
    expect(stdout).toContain('receive buffer 64 KiB')
    if (buffers.includes(null)) return skip('the kernel does not say what buffers sockets have')
    // The kernel reserves twice as much as is set.
    expect(buffers).toEqual([[131_072, 65_536]])
  },
)

test('the sockets of volley serve have the buffers that a client in Python finds them to have', async ({ skip }) => {
  const flags = ['--receive-buffer', '64KiB', '--send-buffer', '32KiB', '--no-delay', 'off']
  for (const more of [[], ['--workers', '2']]) {
    const server = await serve('echo', '--protocol', 'line', ...flags, ...more)
    interface Found {
      readonly reply: string
      readonly buffers: readonly number[] | null
    }
    const { reply, buffers } = await runPythonClient<Found>(skip, 'buffers_client.py', portOf(server.url))
    expect(reply).toBe('hello\n')
    const output = await server.stop()
    expect(output).toMatch(/^echo listening on .*, receive buffer 64 KiB, send buffer 32 KiB, noDelay off\n/)
    expect(output).toContain('stopped; 1 request in all, 6 bytes in, 6 bytes out')
    if (buffers === null) return skip('the kernel does not say what buffers sockets have')
    expect(buffers).toEqual([131_072, 65_536])
  }
})

test('volley talk sends a server in Python each line after a reply, and nothing after q', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'line_server.py')
  const stdin = 'one\n\ntwo\nthree\nq\nfour\nfive\n'
  const { code, stdout, stderr } = await new Invocation(['talk', address], { stdin }).ended
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'one\ntwo\nthree\n', stderr: '' })
  expect(await countsOf(server)).toEqual({ lines: 3, early: 0, texts: ['one', 'two', 'three'] })
})

test('volley talk --no-wait sends all lines at once, and none of the replies to those before q is lost', async ({
  skip,
}) => {
  const { server, address } = await startPython(skip, 'line_server.py')
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`)
  const stdin = `${lines.join('\n')}\nQ\nmore\n`
  const { code, stdout, stderr } = await new Invocation(['talk', address, '--no-wait'], { stdin }).ended
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${lines.join('\n')}\n`, stderr: '' })
  const counts = await countsOf(server)
  expect(counts).toMatchObject({ lines: 20, texts: lines })
  expect(counts['early']).toBeGreaterThan(0)
})
