import { once } from 'node:events'
import type net from 'node:net'
import tls from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { certificate } from '../transports/testing/certificate.ts'
import { answer, servers } from './testing/httpConnections.ts'
import { cleanUp, cleanUpWith, Invocation, listen, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

test('volley run opens connections anew over TLS', async () => {
  const server = tls.createServer(certificate, socket => answer(socket, servers[0]![1], 1)).listen(0, '127.0.0.1')
  cleanUpWith(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const file = scenarioFile(`
name: tls
target: { address: "tls://127.0.0.1:${port}" }
tls: { insecure: true }
protocol: http
connections: 2
requests: 12
loop: [{ send: GET /, expect: { contains: ok } }]
`)
  const { report } = await run(file)
  expect(report.totals).toMatchObject({ sent: 12, completed: 12, failures: {} })
})

test('volley talk shows replies that end their connection, and goes on over another', async () => {
  let connections = 0
  const { url } = await listen(socket => {
    connections++
    answer(socket, number => `HTTP/1.0 200 OK\r\n\r\nreply ${number} of a connection`, 1)
  })
  const talk = await new Invocation(['talk', url, '--protocol', 'http'], { stdin: 'GET /\nGET /\nGET /\n' }).ended
  expect(talk).toEqual({ code: 0, stdout: 'reply 1 of a connection\n'.repeat(3), stderr: '' })
  // One more checks that the server is up.
  expect(connections).toBe(4)
  const { url: closing } = await listen(socket => answer(socket, servers[0]![1], 1))
  const second = await new Invocation(['talk', closing, '--protocol', 'http'], { stdin: 'GET /\nGET /\n' }).ended
  expect(second).toEqual({ code: 0, stdout: 'ok\nok\n', stderr: '' })
})

test('volley talk sends the next message once the last is answered, as a server may close before it reads it', async () => {
  const { url } = await listen(socket => {
    socket.on('error', () => {})
    socket.once('data', bytes => {
      // What has not been read makes this a reset, and a body without a length is then not known to be whole.
      const isAlone = bytes.toString().split('GET ').length === 2
      socket.write('HTTP/1.0 200 OK\r\n\r\nok', () => (isAlone ? socket.end() : socket.resetAndDestroy()))
    })
  })
  const talk = await new Invocation(['talk', url, '--protocol', 'http'], { stdin: 'GET /a\nGET /b\n' }).ended
  expect(talk).toEqual({ code: 0, stdout: 'ok\nok\n', stderr: '' })
  const { url: keeping } = await listen(socket =>
    answer(socket, number => `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${number}\r\n`, 9),
  )
  const second = await new Invocation(['talk', keeping, '--protocol', 'http'], { stdin: 'GET /a\nGET /b\nGET /c\n' })
    .ended
  expect(second).toEqual({ code: 0, stdout: '1\n2\n3\n', stderr: '' })
})

test('volley talk says that the server has closed the connection when a reply is cut off', async () => {
  const { url } = await listen(socket => answer(socket, () => 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok', 1))
  const talk = await new Invocation(['talk', url, '--protocol', 'http'], { stdin: 'GET /\n' }).ended
  const shown = '"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nok"'
  expect(talk).toEqual({
    code: 2,
    stdout: '',
    stderr: `the server closed the connection; 40 bytes came that are no whole message: ${shown}\n`,
  })
})
