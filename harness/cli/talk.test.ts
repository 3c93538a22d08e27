import { createInterface } from 'node:readline'
import { PassThrough, Readable } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { acknowledgedWords } from '../protocols/bareText.ts'
import { createProtocol } from '../protocols/catalog.ts'
import { protocolSpec } from '../protocols/spec.ts'
import { clientFrame, frame, upgraded } from '../protocols/testing/webSocketFrames.ts'
import { createTransport } from '../transports/catalog.ts'
import { Conversation } from './conversation.ts'
import { until } from './testing/programs.ts'
import { cleanUp, Invocation, listen, volley } from './testing/volley.ts'

afterEach(cleanUp)

interface Talking {
  readonly input: Readable
  /** A terminal; without it the input is a pipe. */
  readonly screen?: PassThrough
  readonly waits?: boolean
  print(text: string): void
}

/** A conversation in lines with a server on this machine. */
function conversation(port: number, { input, screen, waits = false, print }: Talking): Conversation {
  return new Conversation({
    transport: createTransport('node', { address: { scheme: 'tcp', host: '127.0.0.1', port }, links: 1 }),
    protocol: createProtocol(protocolSpec('line')),
    type: undefined,
    key: undefined,
    lines: createInterface({ input, ...(screen && { output: screen }), prompt: '>>> ' }),
    isPrompting: screen !== undefined,
    waits,
    replyMs: 5000,
    io: { stdout: { write: print }, stderr: { write: print } },
  })
}

/** A server of lines that answers each after a while; with `together` only once so many have come. */
async function lineServer({ together = 1, silentAfter = Number.POSITIVE_INFINITY } = {}) {
  const lines: string[] = []
  /** Lines that came although one before them had no reply. */
  const counts = { early: 0 }
  const { url, port } = await listen(socket => {
    let rest = ''
    let unanswered = 0
    let held: string[] = []
    socket.on('data', bytes => {
      const parts = (rest + bytes).split('\n')
      rest = parts.pop()!
      counts.early += unanswered === 0 ? parts.length - 1 : parts.length
      unanswered += parts.length
      lines.push(...parts)
      held.push(...parts)
      if (lines.length < together || lines.length > silentAfter) return
      const answered = held
      held = []
      setTimeout(() => {
        unanswered -= answered.length
        socket.write(answered.map(line => `${line}!\n`).join(''))
      }, 5)
    })
  })
  return { url, port, lines, counts }
}

const talk = (url: string, stdin: string, ...flags: string[]) =>
  new Invocation(['talk', url, ...flags], { stdin }).ended

test('volley talk sends each line of a pipe after the reply to the one before, and ignores empty lines', async () => {
  const { url, lines, counts } = await lineServer()
  expect(await talk(url, 'a\n\nb\n\n\nc\n')).toEqual({ code: 0, stdout: 'a!\nb!\nc!\n', stderr: '' })
  expect(lines).toEqual(['a', 'b', 'c'])
  expect(counts.early).toBe(0)
})

test('volley talk --no-wait sends the lines at once, and waits for all replies at the end', async () => {
  const { url, lines } = await lineServer({ together: 3 })
  expect(await talk(url, 'a\nb\nc\n', '--no-wait')).toEqual({ code: 0, stdout: 'a!\nb!\nc!\n', stderr: '' })
  expect(lines).toEqual(['a', 'b', 'c'])
})

test.each(['q', 'Q'])('a line %s in a pipe loses no reply, and nothing after it is sent', async leaving => {
  for (const flags of [[], ['--no-wait']]) {
    const { url, lines } = await lineServer()
    expect(await talk(url, `a\nb\n${leaving}\nc\nd\n`, ...flags)).toEqual({ code: 0, stdout: 'a!\nb!\n', stderr: '' })
    expect(lines).toEqual(['a', 'b'])
  }
})

test('volley talk says for how long it has waited for which reply', async () => {
  const silent = await lineServer({ silentAfter: 1 })
  expect(await talk(silent.url, 'a\nb\nc\nq\n', '--timeout', '50ms')).toEqual({
    code: 2,
    stdout: 'a!\n',
    stderr:
      'no reply to "b" within 50ms; the lines after it were not sent (--timeout waits longer, --no-wait sends all lines at once)\n',
  })
  expect(silent.lines).toEqual(['a', 'b'])
  const other = await lineServer({ together: 9 })
  expect(await talk(other.url, 'a\nb\nc\n', '--timeout', '50ms', '--no-wait')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'no reply to "a" within 50ms; 3 messages in all have no reply (--timeout waits longer)\n',
  })
})

test('volley talk reads no more of a pipe than it may have unanswered, and goes on once there are replies', async () => {
  const { port, lines } = await lineServer({ together: 1000 })
  const pieces = Array.from({ length: 20 }, (_, piece) => Array.from({ length: 100 }, (_, line) => `${piece} ${line}`))
  /** Pieces read, when the server has begun to answer. */
  let readBefore = 0
  let read = 0
  function* input() {
    for (const piece of pieces) {
      read++
      yield Buffer.from(`${piece.join('\n')}\n`)
    }
  }
  const printed: string[] = []
  const over = conversation(port, {
    input: Readable.from(input()),
    waits: false,
    print(text) {
      if (printed.length === 0) readBefore = read
      printed.push(text)
    },
  })
  expect(await over.run()).toBe(0)
  expect(lines).toEqual(pieces.flat())
  expect(printed).toEqual(pieces.flat().map(line => `${line}!\n`))
  expect(readBefore).toBeGreaterThanOrEqual(10)
  expect(readBefore).toBeLessThan(15)
})

test('volley talk says what is wrong with its flags', async () => {
  expect(await volley('talk', 'tcp://127.0.0.1:1', '--timeout', 'soon')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--timeout +expected a time from 10ms to 1h such as 5s, got "soon"/),
  })
  expect((await volley('talk', 'tcp://127.0.0.1:1', '--protocol', 'http', '--no-wait')).stderr).toContain(
    '--no-wait: with protocol http each message waits, as a reply may end its connection',
  )
  const { stderr } = await volley('talk', 'http://127.0.0.1:1/', '--no-wait', '--timeout', '1s')
  expect(stderr).toMatch(/--no-wait +cannot be combined with an HTTP URL/)
  expect(stderr).toMatch(/--timeout +cannot be combined with an HTTP URL/)
})

test.each(['q\n', 'Q\n', ''])('at a terminal the prompt is >>>, and %j leaves', async leaving => {
  const { port, lines } = await lineServer()
  const [input, screen] = [new PassThrough(), new PassThrough()]
  let shown = ''
  screen.on('data', text => {
    shown += text
  })
  const printed: string[] = []
  const over = conversation(port, {
    input,
    screen,
    print(text) {
      printed.push(text)
      if (printed.length === 2) input.end(leaving)
    },
  })
  input.write('hello\n\nworld\n')
  expect(await over.run()).toBe(0)
  expect(printed).toEqual(['hello!\n', 'world!\n'])
  expect(lines).toEqual(['hello', 'world'])
  expect(shown).toMatch(/^>>> /)
})

test('volley talk upgrades a connection of WebSocket, answers pings, and says when a server does not', async () => {
  const flags = ['--protocol', '{ broadcast: { framing: websocket } }']
  const pongs: string[] = []
  const { url } = await listen(socket => {
    let rest: Buffer | undefined
    socket.on('data', chunk => {
      if (rest === undefined) socket.write(upgraded)
      rest = rest === undefined ? Buffer.alloc(0) : Buffer.concat([rest, chunk])
      for (let sent = clientFrame(rest); sent !== undefined; sent = clientFrame(rest)) {
        rest = rest.subarray(sent.length)
        if (sent.type === 0x8a) pongs.push(sent.body.toString())
        else {
          const { message } = JSON.parse(sent.body.toString())
          const acknowledgement = JSON.stringify({ client_ip: 'a', message: `a: ${acknowledgedWords}` })
          socket.write(Buffer.concat([frame(0x89, message), frame(0x01, acknowledgement.slice(0, 9))]))
          socket.write(frame(0x80, acknowledgement.slice(9)))
        }
      }
    })
  })
  expect(await talk(url, 'hello\nthere\n', ...flags)).toEqual({
    code: 0,
    stdout: `a: ${acknowledgedWords}\na: ${acknowledgedWords}\n`,
    stderr: '',
  })
  await until('two pongs', () => pongs.length === 2)
  expect(pongs).toEqual(['hello', 'there'])
  const other = await listen(socket => socket.on('data', () => socket.end('HTTP/1.1 404 Not Found\r\n\r\n')))
  expect(await talk(other.url, 'hello\n', ...flags)).toEqual({
    code: 2,
    stdout: '',
    stderr: 'the server does not upgrade the connection: "HTTP/1.1 404 Not Found\\r\\n\\r\\n"\n',
  })
})

test('volley talk takes the names of protocols in URLs, not as a format', async () => {
  const { code, stderr } = await volley('talk', 'tcp://127.0.0.1:1', '--protocol', 'websocket')
  expect(code).toBe(2)
  expect(stderr).toContain(
    'websocket is a description, which only scenarios and URLs have: ws://host, or "volley protocol',
  )
  const other = await volley('talk', 'ws://127.0.0.1:1', '--no-wait')
  expect(other.stderr).toMatch(/--no-wait +cannot be combined with a URL of a protocol by its name, which has it/)
})
