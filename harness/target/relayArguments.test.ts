import type tls from 'node:tls'
import { expect, test } from 'vitest'
import { connectOptions } from '../transports/node.ts'
import type { Address } from '../transports/transport.ts'
import { addressThrough, relayArguments } from './relayArguments.ts'

const upstream: Address = { scheme: 'tcp', host: '127.0.0.1', port: 9000 }

test('relayArguments() are flags that a relay reads back', () => {
  const settings = { rtt: 0.1, jitter: 1e-7, rate: 50_000_000, loss: 0.07, stall: '1s/10s', reset: 1e-9 }
  expect(relayArguments(upstream, settings, 7).slice(1)).toEqual([
    ...['--to', 'tcp://127.0.0.1:9000', '--listen', '127.0.0.1:0', '--seed', '7', '--rtt', '0.100000ms'],
    ...['--jitter', '0.000000ms', '--rate', '50000000bit', '--loss', '7.000000000000%', '--stall', '1s/10s'],
    ...['--reset', '0.000000100000%'],
  ])
  expect(relayArguments({ scheme: 'unix', path: '/run/x.sock' }, {}, 1)).toEqual([
    'relay',
    '--to',
    'unix:/run/x.sock',
    '--listen',
    '127.0.0.1:0',
    '--seed',
    '1',
  ])
})

test('addressThrough() is the relay, and with TLS its certificate is still the upstream', () => {
  const relay: Address = { scheme: 'tcp', host: '127.0.0.1', port: 41233 }
  expect(addressThrough(relay, upstream)).toEqual(relay)
  expect(addressThrough(relay, { scheme: 'unix', path: '/run/x.sock' })).toEqual(relay)
  const secure: Address = { scheme: 'tls', host: '192.0.2.1', port: 443, tls: { servername: 'example.org' } }
  expect(relayArguments(secure, {}, 1)).toContain('tcp://192.0.2.1:443')
  expect(addressThrough(relay, secure)).toEqual({
    scheme: 'tls',
    host: '127.0.0.1',
    port: 41233,
    tls: { servername: 'example.org', verifiedHost: '192.0.2.1' },
  })
})

test('connectOptions() ask for the certificate of the upstream, unless a name is asked for', () => {
  const through = (servername?: string) => {
    const relay: Address = { scheme: 'tcp', host: '127.0.0.1', port: 41233 }
    const secure: Address = { scheme: 'tls', host: '192.0.2.1', port: 443, tls: servername ? { servername } : {} }
    return connectOptions(addressThrough(relay, secure)) as tls.ConnectionOptions
  }
  const certificateOf = (address: string) =>
    ({ subject: { CN: 'x' }, subjectaltname: `IP Address:${address}` }) as unknown as tls.PeerCertificate
  const check = through().checkServerIdentity!
  expect(check('127.0.0.1', certificateOf('192.0.2.1'))).toBeUndefined()
  expect(check('127.0.0.1', certificateOf('127.0.0.1'))).toBeInstanceOf(Error)
  expect(through()).toMatchObject({ host: '127.0.0.1', port: 41233 })
  expect(through('example.org')).toMatchObject({ servername: 'example.org' })
  expect(through('example.org').checkServerIdentity).toBeUndefined()
})
