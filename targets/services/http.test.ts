import { afterEach, expect, test } from 'vitest'
import { bytesOf, textOf } from '../../harness/protocols/testing/bytes.ts'
import { type RunningServer, startServer } from '../server/tcp.ts'
import { Client } from '../testing/client.ts'
import { createHttpServer, helloText } from './http.ts'

let server: RunningServer
const clients: Client[] = []

async function start(reply?: string, maxFrame = 1024): Promise<void> {
  const service = createHttpServer({ host: 'localhost', maxFrame }, reply)
  server = await startServer({ listen: { host: '127.0.0.1', port: 0 }, service })
}

async function connect(halfOpen = false): Promise<Client> {
  const client = await Client.connect(server.address, halfOpen)
  clients.push(client)
  return client
}

/** The server's answer to `text`, up to the end where it closes the connection. */
async function answer(text: string, replyBytes?: number): Promise<string> {
  const client = await connect()
  client.write(text)
  return textOf(replyBytes === undefined ? await client.takeAll() : await client.take(replyBytes))
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy()
  await server?.stop()
})

const hello = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello World!\n'
const helloAndClose =
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 13\r\n\r\nHello World!\n'
const helloAndKeep = helloAndClose.replace('close', 'keep-alive')

test('createHttpServer() answers every request of a connection, in pieces and pipelined', async () => {
  await start(helloText)
  const requests =
    'GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody' +
    'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n'
  expect(await answer(requests, 3 * hello.length)).toBe(hello.repeat(3))
  const client = await connect()
  for (const character of requests) {
    client.write(character)
    await new Promise(setImmediate)
  }
  expect(textOf(await client.take(3 * hello.length))).toBe(hello.repeat(3))
  expect(server.counters()).toMatchObject({ requests: 6, rejected: 0, bytesOut: 6 * hello.length })
})

test('createHttpServer() closes the connection when a request asks for it, and answers nothing after it', async () => {
  await start(helloText)
  const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  for (const close of [
    'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
    'GET / HTTP/1.1\r\nAccept: */*\r\ncONNECTION:Upgrade ,  CLOSE\t\r\nX: y\r\n\r\n',
    'GET / HTTP/1.1\nConnection: keep-alive\nConnection: close\n\n',
    'GET / HTTP/1.0\r\nHost: a\r\n\r\n',
  ]) {
    expect(await answer(get + close + get)).toBe(hello + helloAndClose)
  }
})

test('createHttpServer() confirms that it keeps a connection open when a request asks for it', async () => {
  await start(helloText)
  const requests =
    'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET / HTTP/1.1\r\nConnection: keep-alive, x\r\n\r\n' +
    'GET / HTTP/1.1\r\nConnection: closed\r\nConnections: close\r\nX: close\r\n\r\n'
  expect(await answer(requests, 2 * helloAndKeep.length + hello.length)).toBe(helloAndKeep + helloAndKeep + hello)
})

test('createHttpServer() answers HEAD with the head alone', async () => {
  await start(helloText)
  const heads = hello.slice(0, -13) + helloAndClose.slice(0, -13)
  expect(await answer('HEAD / HTTP/1.1\r\n\r\nHEAD / HTTP/1.1\r\nConnection: close\r\n\r\n')).toBe(heads)
})

test('createHttpServer() answers with the body of the request when it has no text', async () => {
  await start(undefined, 1_000_000)
  const head = (length: number) => `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n\r\n`
  expect(await answer('POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello', head(5).length + 5)).toBe(`${head(5)}hello`)
  expect(await answer('GET / HTTP/1.1\r\n\r\n', head(0).length)).toBe(head(0))
  const chunks = 'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n'
  expect(await answer(chunks, head(5).length + 5)).toBe(`${head(5)}hello`)
  const large = 'x'.repeat(200_000)
  const echoed = head(200_000).length + 200_000
  expect(await answer(`POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n${large}`, echoed)).toBe(head(200_000) + large)
})

test('createHttpServer() answers 400 to a malformed request, and closes the connection', async () => {
  await start(helloText)
  const refusal =
    'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 10\r\n\r\nmalformed\n'
  expect(await answer('GET / HTTP/1.1\r\n\r\nnonsense\r\n\r\nGET / HTTP/1.1\r\n\r\n')).toBe(hello + refusal)
  expect(await answer('POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab')).toBe(refusal)
  expect(server.counters()).toMatchObject({ requests: 1, rejected: 2 })
})

test('createHttpServer() answers 413 to a request that is too long, however much of it has come in, and closes', async () => {
  await start(helloText)
  const refusal =
    'HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 10\r\n\r\n'
  expect(await answer('POST / HTTP/1.1\r\nContent-Length: 4294967296\r\n\r\n')).toBe(`${refusal}too large\n`)
  const body = 'x'.repeat(1_000_000)
  expect(await answer(`POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n${body}`)).toBe(`${refusal}too large\n`)
  expect(await answer(`GET /${'x'.repeat(2000)}`)).toBe(`${refusal}too large\n`)
})

test('createHttpServer() answers with a limit of a few bytes for requests', async () => {
  await start(helloText, 18)
  expect(await answer('GET / HTTP/1.1\r\n\r\n', hello.length)).toBe(hello)
})

test('createHttpServer() answers what came before the client closed its side', async () => {
  await start(helloText)
  const client = await connect(true)
  client.socket.end(bytesOf('GET / HTTP/1.1\r\n\r\nGET / HTT'))
  expect(textOf(await client.takeAll())).toBe(hello)
})
