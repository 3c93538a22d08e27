import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { UserError } from '../errors.ts'
import { isLocal, parseAddress, resolveAddresses } from './resolve.ts'

test('parseAddress() reads an address, with settings for TLS where it has it', () => {
  expect(parseAddress('tcp://[::1]:80')).toEqual({ scheme: 'tcp', host: '::1', port: 80 })
  expect(parseAddress('tcp://h:80', { insecure: true })).toEqual({ scheme: 'tcp', host: 'h', port: 80 })
  expect(parseAddress('tls://h:443')).toEqual({ scheme: 'tls', host: 'h', port: 443, tls: {} })
  expect(parseAddress('tls://h:443', { insecure: true })).toMatchObject({ tls: { insecure: true } })
})

test('parseAddress() takes the path of a unix socket as it is, relative or not', () => {
  expect(parseAddress('unix:///run/a.sock')).toEqual({ scheme: 'unix', path: '/run/a.sock' })
  expect(parseAddress('unix:a.sock')).toEqual({ scheme: 'unix', path: 'a.sock' })
})

test('parseAddress() throws a UserError for other texts', () => {
  expect(() => parseAddress('h')).toThrow(UserError)
  expect(() => parseAddress('tcp://h:0')).toThrow('expected a port from 1 to 65535, got 0')
})

test('resolveAddresses() takes all addresses of a host in their order, and TLS keeps its name', async () => {
  const hosts = async () => ['::1', '127.0.0.1', '127.0.0.1']
  expect(await resolveAddresses({ scheme: 'tcp', host: 'h', port: 80 }, undefined, hosts)).toEqual([
    { scheme: 'tcp', host: '::1', port: 80 },
    { scheme: 'tcp', host: '127.0.0.1', port: 80 },
  ])
  const named = { scheme: 'tls', host: 'h', port: 443, tls: { insecure: true } } as const
  expect((await resolveAddresses(named, undefined, hosts))[1]).toEqual({
    ...named,
    host: '127.0.0.1',
    tls: { servername: 'h', insecure: true },
  })
  const numeric = { scheme: 'tcp', host: '::1', port: 80 } as const
  expect(await resolveAddresses(numeric, undefined, () => Promise.reject(new Error('not looked up')))).toEqual([
    numeric,
  ])
})

test('resolveAddresses() takes only addresses of the family of the source addresses', async () => {
  const address = { scheme: 'tcp', host: 'h', port: 80 } as const
  const hosts = async () => ['::1', '127.0.0.1']
  expect(await resolveAddresses(address, 4, hosts)).toEqual([{ ...address, host: '127.0.0.1' }])
  await expect(resolveAddresses(address, 6, async () => ['127.0.0.1'])).rejects.toThrow(
    'the host "h" has no IPv6 address, which sourceAddresses ask for',
  )
})

test('resolveAddresses() names a host that there is not', async () => {
  const missing = () => Promise.reject(Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }))
  await expect(resolveAddresses({ scheme: 'tcp', host: 'h', port: 80 }, undefined, missing)).rejects.toThrow(
    'cannot find the host "h": there is no host of this name',
  )
})

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:7f00:1', true],
  ['0.0.0.0', true],
  ['::', true],
  ['192.0.2.1', false],
  ['2001:db8::1', false],
  ['::ffff:192.0.2.1', false],
  ['127.example', false],
])('isLocal() of %s is %s', (host, expected) => {
  expect(isLocal({ scheme: 'tcp', host, port: 80 })).toBe(expected)
})

test('isLocal() knows the addresses of this machine', () => {
  const own = Object.values(networkInterfaces()).flatMap(found => found ?? [])
  for (const { address } of own) expect(isLocal({ scheme: 'tcp', host: address, port: 80 })).toBe(true)
})
