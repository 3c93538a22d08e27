import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { connectErrorText, firstToAccept } from './probe.ts'
import { certificate } from './testing/certificate.ts'
import type { Address, TlsSettings } from './transport.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function portOf(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => {
    socket.on('error', () => {})
    sockets.add(socket)
  })
  server.listen(0, '127.0.0.1')
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return (server.address() as net.AddressInfo).port
}

const tcp = (host: string, port: number): Address => ({ scheme: 'tcp', host, port })

describe('firstToAccept()', () => {
  test('tries each address in turn', async () => {
    const port = await portOf(net.createServer())
    const here = tcp('127.0.0.1', port)
    expect(await firstToAccept([tcp('127.0.0.2', port), here, tcp('127.0.0.3', port)], 5000)).toBe(here)
  })

  test('names each address that was tried, and its reason', async () => {
    const port = await portOf(net.createServer())
    const tried = [tcp('127.0.0.2', port), { scheme: 'unix', path: '/nowhere/a.sock' } as const]
    await expect(firstToAccept(tried, 5000)).rejects.toThrow(/^127\.0\.0\.2: .+; \/nowhere\/a\.sock: no such socket$/)
    await expect(firstToAccept(tried.slice(1), 5000)).rejects.toThrow(/^no such socket$/)
  })

  test('goes on after an address that does not answer in time', async () => {
    const silent = await portOf(net.createServer())
    const port = await portOf(net.createServer())
    const address: Address = { scheme: 'tls', host: '127.0.0.1', port: silent }
    expect(await firstToAccept([address, tcp('127.0.0.1', port)], 500)).toEqual(tcp('127.0.0.1', port))
    await expect(firstToAccept([address], 50)).rejects.toThrow(/^no answer within 50ms$/)
  })

  test('ends with the reason of its signal', async () => {
    const silent = await portOf(net.createServer())
    const address: Address = { scheme: 'tls', host: '127.0.0.1', port: silent }
    const stop = new AbortController()
    const first = firstToAccept([address, address], 5000, stop.signal)
    stop.abort(new Error('stopped'))
    await expect(first).rejects.toThrow('stopped')
  })
})

describe('a server that wants a client certificate', () => {
  const wanting = { ...certificate, requestCert: true, ca: certificate.cert }
  const client: TlsSettings = { insecure: true }
  const own: TlsSettings = { ...client, cert: certificate.cert, key: certificate.key }
  const secure = (port: number, settings: TlsSettings): Address => {
    return { scheme: 'tls', host: '127.0.0.1', port, tls: settings }
  }

  test.each([
    ['TLSv1.3', 'the server wants a client certificate: set tls.cert and tls.key'],
    ['TLSv1.2', 'the server refused the TLS handshake: it wants a client certificate (tls.cert and tls.key)'],
  ] as const)('is named as such over %s', async (maxVersion, message) => {
    const port = await portOf(tls.createServer({ ...wanting, maxVersion }))
    await expect(firstToAccept([secure(port, client)], 5000)).rejects.toThrow(message)
    await firstToAccept([secure(port, own)], 5000)
  })

  test('is no matter where the server does without', async () => {
    const port = await portOf(tls.createServer({ ...wanting, rejectUnauthorized: false }))
    await firstToAccept([secure(port, client)], 5000)
  })
})

test('connectErrorText() gives the message of an error that it does not know', () => {
  expect(connectErrorText({ name: 'Error', message: 'odd', code: 'EODD' })).toBe('odd')
  expect(connectErrorText({ name: 'Error', message: '', code: 'EODD' })).toBe('EODD')
  expect(connectErrorText({ name: 'Error', message: 'connect', code: 'ERR_SSL_WRONG_VERSION_NUMBER' })).toBe(
    'the server answered something other than TLS',
  )
})
