import { expect, test } from 'vitest'
import { addressForms, formatEndpoint, parseEndpoint, parseHostPort, unixPath, withScheme } from './address.ts'
import { InvalidValue } from './invalidValue.ts'

test.each([
  ['tcp://127.0.0.1:8080', { scheme: 'tcp', host: '127.0.0.1', port: 8080 }],
  ['127.0.0.1:8080', { scheme: 'tcp', host: '127.0.0.1', port: 8080 }],
  ['localhost:80/', { scheme: 'tcp', host: 'localhost', port: 80 }],
  ['[::1]:80', { scheme: 'tcp', host: '::1', port: 80 }],
  ['tcp://my-host.example.org:1/', { scheme: 'tcp', host: 'my-host.example.org', port: 1 }],
  ['tcp://my_host:0443', { scheme: 'tcp', host: 'my_host', port: 443 }],
  ['udp://127.0.0.1:9000', { scheme: 'udp', host: '127.0.0.1', port: 9000 }],
  ['tls://[::1]:65535', { scheme: 'tls', host: '::1', port: 65_535 }],
  ['tcp://[fe80::1%eth0]:80', { scheme: 'tcp', host: 'fe80::1%eth0', port: 80 }],
  ['unix:/tmp/volley.sock', { scheme: 'unix', path: '/tmp/volley.sock' }],
  ['unix:///tmp/volley.sock', { scheme: 'unix', path: '/tmp/volley.sock' }],
  ['unix:/a b\n', { scheme: 'unix', path: '/a b\n' }],
])('parseEndpoint() reads %s', (text, endpoint) => {
  expect(parseEndpoint(text)).toEqual(endpoint)
  expect(parseEndpoint(formatEndpoint(parseEndpoint(text)))).toEqual(endpoint)
})

test.each([
  ['127.0.0.1', addressForms],
  ['8080', addressForms],
  [':8080', addressForms],
  ['::1:80', 'an IPv6 address in brackets: [::1]:80'],
  ['localhost:80/path', addressForms],
  ['ws://h:80', 'an address, not a URL: tcp://host:port with protocol websocket'],
  ['wss://h', 'an address, not a URL: tls://host:port with protocol websocket'],
  ['tcp://127.0.0.1', addressForms],
  ['tcp://8080', addressForms],
  ['tcp://:8080', addressForms],
  ['tcp://::1:80', 'an IPv6 address in brackets: tcp://[::1]:80'],
  ['tcp://2001:db8::1:80', 'an IPv6 address in brackets: tcp://[2001:db8::1]:80'],
  ['tcp://1:2:80', addressForms],
  ['tcp://[127.0.0.1]:80', addressForms],
  ['tcp://[]:80', addressForms],
  ['tcp://[::1:80', addressForms],
  ['tcp://me@host:80', addressForms],
  ['tcp://host:80/path', addressForms],
  ['tcp://host:80//', addressForms],
  ['tcp://host:80\n', addressForms],
  ['TCP://host:80', addressForms],
  ['unix:relative.sock', addressForms],
  ['unix:/', addressForms],
  ['unix:', addressForms],
  ['unix:/a\0b', addressForms],
  ['http://host:80/', 'an address, not a URL: tcp://host:port with protocol http'],
  ['https://host', 'an address, not a URL: tls://host:port with protocol http'],
  ['redis://host', 'an address, not a URL: tcp://host:port with protocol resp'],
  ['rediss://host', 'an address, not a URL: tls://host:port with protocol resp'],
  ['tcp://host:0', 'a port from 1 to 65535, got 0'],
  ['tcp://host:65536', 'a port from 1 to 65535, got 65536'],
  [`unix:/${'a'.repeat(107)}`, 'a path of at most 107 bytes, the limit of unix sockets'],
])('parseEndpoint() refuses %j', (text, message) => {
  expect(() => parseEndpoint(text)).toThrow(new InvalidValue(message))
})

test.each([
  ['host:80', { host: 'host', port: 80 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  [':8080', { port: 8080 }],
  ['8080', { port: 8080 }],
])('parseHostPort() reads %s', (text, parts) => {
  expect(parseHostPort(text)).toEqual(parts)
})

test.each(['', 'host', 'host:', 'a b:80', '::1:80', '[::1]', '[1.2.3.4]:80', '1.2.3.4:65536', 'tcp://a:80', '-1'])(
  'parseHostPort() refuses "%s"',
  text => {
    expect(parseHostPort(text)).toBeUndefined()
  },
)

test('unixPath() takes any path, and nothing without unix: before it', () => {
  expect(['unix:/a', 'unix:///a', 'unix://a', 'unix:a', 'unix:', '/a'].map(unixPath)).toEqual([
    '/a',
    '/a',
    '//a',
    'a',
    '',
    undefined,
  ])
})

test.each([
  ['127.0.0.1:8080', 'tcp://127.0.0.1:8080'],
  ['[::1]:80', 'tcp://[::1]:80'],
  ['localhost:{port}', 'tcp://localhost:{port}'],
  ['udp://h:1', 'udp://h:1'],
  ['unix:/a:1', 'unix:/a:1'],
  ['tcp://h:1', 'tcp://h:1'],
])('withScheme() makes of %s %s', (address, expected) => {
  expect(withScheme(address)).toBe(expected)
})
