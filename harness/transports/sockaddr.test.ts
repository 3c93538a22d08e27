import { expect, test } from 'vitest'
import { internetAddress, internetAddressBytes, internetAddressText, unixAddress } from './sockaddr.ts'

test.each([
  ['127.0.0.1', 40001, '127.0.0.1:40001'],
  ['255.255.255.255', 65535, '255.255.255.255:65535'],
  ['0.0.0.0', 0, '0.0.0.0:0'],
  ['::1', 8080, '[::1]:8080'],
  ['::', 1, '[::]:1'],
  ['2001:DB8:0:0:1:0:0:1', 443, '[2001:db8::1:0:0:1]:443'],
  ['::ffff:10.0.0.7', 9, '[::ffff:10.0.0.7]:9'],
  ['fe80::1%2', 5, '[fe80::1]:5'],
])('internetAddressText() shows the address of %s, port %i', (host, port, text) => {
  const { bytes } = internetAddress(host, port)
  const buffer = new Uint8Array(4 + internetAddressBytes).fill(0xa5)
  buffer.set(bytes, 4)
  expect(internetAddressText(buffer.subarray(4))).toBe(text)
})

test('internetAddressText() is undefined for a unix socket', () => {
  expect(internetAddressText(unixAddress('/run/x.sock').bytes)).toBeUndefined()
})
