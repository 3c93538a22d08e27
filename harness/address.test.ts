import { expect, test } from 'vitest'
import { addressFamily, addressForms, checkAddress } from './address.ts'
import { InvalidValue } from './invalidValue.ts'

test.each([
  ['tcp://127.0.0.1:8080', 'tcp'],
  ['tcp://my-host.example.org:1/', 'tcp'],
  ['udp://127.0.0.1:9000', 'udp'],
  ['tls://[::1]:65535', 'tls'],
  ['tcp://[fe80::1%eth0]:80', 'tcp'],
  ['unix:/tmp/volley.sock', 'unix'],
  ['unix:///tmp/volley.sock', 'unix'],
])('checkAddress() takes %s', (text, scheme) => {
  expect(checkAddress(text)).toBe(scheme)
})

test.each([
  ['127.0.0.1:8080', addressForms],
  ['tcp://127.0.0.1', addressForms],
  ['tcp://::1:80', addressForms],
  ['tcp://[127.0.0.1]:80', addressForms],
  ['tcp://[::1:80', addressForms],
  ['tcp://me@host:80', addressForms],
  ['tcp://host:80/path', addressForms],
  ['TCP://host:80', addressForms],
  ['unix:relative.sock', addressForms],
  ['unix:/', addressForms],
  ['http://host:80/', 'an address, not a URL: tcp://host:port with protocol http'],
  ['https://host', 'an address, not a URL: tls://host:port with protocol http'],
  ['redis://host', 'an address, not a URL: tcp://host:port with protocol resp'],
  ['rediss://host', 'an address, not a URL: tls://host:port with protocol resp'],
  ['tcp://host:0', 'a port from 1 to 65535, got 0'],
  ['tcp://host:65536', 'a port from 1 to 65535, got 65536'],
  [`unix:/${'a'.repeat(107)}`, 'a path of at most 107 bytes, as unix sockets have'],
])('checkAddress() refuses %s', (text, message) => {
  expect(() => checkAddress(text)).toThrow(new InvalidValue(message))
})

test.each([
  ['tcp://127.0.0.1:80', 4],
  ['tls://[::1]:80', 6],
  ['tcp://localhost:80', 0],
  ['unix:/tmp/volley.sock', 0],
])('addressFamily() knows that of %s', (text, family) => {
  expect(addressFamily(text)).toBe(family)
})
