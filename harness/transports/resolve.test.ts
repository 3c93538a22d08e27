import { expect, test } from 'vitest'
import { UserError } from '../errors.ts'
import { parseAddress } from './resolve.ts'

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
