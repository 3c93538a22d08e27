import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import type { SocketSettings } from '../socketOptions.ts'
import { type OpenSocket, openSockets, whyNoSockets } from '../testing/openSockets.ts'
import { chooseTransport, createTransport, type TransportName } from './catalog.ts'
import { certificate } from './testing/certificate.ts'
import { type Address, finished, type Loop } from './transport.ts'

const wakesMax = 2000
const cleanups: (() => unknown)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

/** A server of a scheme in this thread; the kernel accepts its connections also while the thread waits. */
async function serve(scheme: 'tcp' | 'tls' | 'udp'): Promise<Address> {
  const host = '127.0.0.1'
  if (scheme === 'udp') {
    const socket = dgram.createSocket('udp4').bind(0, host)
    await once(socket, 'listening')
    cleanups.push(() => socket.close())
    return { scheme, host, port: socket.address().port }
  }
  const server = scheme === 'tls' ? tls.createServer(certificate) : net.createServer()
  server.on('connection', (socket: net.Socket) => void socket.on('error', () => {}).resume())
  server.listen(0, host)
  await once(server, 'listening')
  cleanups.push(() => server.close())
  const { port } = server.address() as net.AddressInfo
  return scheme === 'tls' ? { scheme, host, port, tls: { ca: certificate.cert } } : { scheme, host, port }
}

/** The options of the connection that a transport opens with these settings. */
async function optionsOf(name: TransportName, address: Address, socket?: SocketSettings): Promise<OpenSocket> {
  const transport = createTransport(name, { address, links: 1, ...(socket && { socket }) })
  const { port, scheme } = address as Extract<Address, { port: number }>
  let found: OpenSocket[] | undefined
  let wakes = 0
  const loop: Loop = {
    opened() {
      found = openSockets('remote', port, scheme === 'udp' ? 'udp' : 'tcp')
    },
    received() {},
    closed(_link, cause) {
      throw new Error(`not connected: ${cause}`)
    },
    wake: now => (found !== undefined || wakes++ > wakesMax ? finished : now + 5),
  }
  transport.connect(0)
  await transport.run(loop)
  expect(found).toHaveLength(1)
  return found![0]!
}

const asked = { receiveBuffer: 32_768, sendBuffer: 16_384, noDelay: false }

test.each([
  ['node', 'tcp'],
  ['node', 'tls'],
  ['epoll', 'tcp'],
] as const)('the %s transport sends at once over %s, unless the settings say otherwise', async (name, scheme) => {
  if (whyNoSockets !== undefined) return console.warn(`skipped: options of sockets: ${whyNoSockets}`)
  const address = await serve(scheme)
  expect(await optionsOf(name, address)).toMatchObject({ noDelay: true })
  expect(await optionsOf(name, address, { noDelay: true })).toMatchObject({ noDelay: true })
  expect(await optionsOf(name, address, { noDelay: false })).toMatchObject({ noDelay: false })
})

test.each([
  ['epoll', 'tcp'],
  ['epoll', 'udp'],
  ['udp', 'udp'],
] as const)('the %s transport sets the buffers over %s', async (name, scheme) => {
  if (whyNoSockets !== undefined) return console.warn(`skipped: options of sockets: ${whyNoSockets}`)
  const address = await serve(scheme)
  const { receiveBuffer, sendBuffer } = asked
  expect(await optionsOf(name, address, { receiveBuffer, sendBuffer })).toMatchObject({ receiveBuffer, sendBuffer })
  const [plain, one] = [await optionsOf(name, address), await optionsOf(name, address, { sendBuffer })]
  expect(one).toMatchObject({ sendBuffer, receiveBuffer: plain.receiveBuffer })
  expect(plain.sendBuffer).not.toBe(sendBuffer)
})

test('chooseTransport() refuses buffers over the node transport, and has the one that can set them', () => {
  const tcp = { scheme: 'tcp', host: '127.0.0.1', port: 1 } as const
  expect(() => chooseTransport('node', tcp, asked)).toThrow(
    'socket.receiveBuffer and socket.sendBuffer need the epoll transport over TCP: transport is node',
  )
  expect(() => chooseTransport('auto', { ...tcp, scheme: 'tls' }, asked)).toThrow('over TCP: TLS runs over node')
  expect(chooseTransport('node', tcp, { noDelay: false })).toEqual({ name: 'node' })
  expect(chooseTransport('node', { ...tcp, scheme: 'udp' }, asked)).toEqual({ name: 'udp' })
  if (whyNoSockets === undefined) expect(chooseTransport('auto', tcp, asked)).toEqual({ name: 'epoll' })
})
