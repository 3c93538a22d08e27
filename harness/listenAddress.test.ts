import { expect, test } from 'vitest'
import { formatListen, parseListen, parseServerAddress, parseUdpListen } from './listenAddress.ts'

test('parseListen() reads host and port, a port alone, and a path', () => {
  expect(parseListen('127.0.0.1:8080')).toEqual({ host: '127.0.0.1', port: 8080 })
  expect(parseListen('tcp://example.org:80')).toEqual({ host: 'example.org', port: 80 })
  expect(parseListen('[::1]:0')).toEqual({ host: '::1', port: 0 })
  expect(parseListen('unix:/tmp/a.sock')).toEqual({ path: '/tmp/a.sock' })
  expect(parseListen('unix:a.sock')).toEqual({ path: 'a.sock' })
})

test('parseListen() uses the loopback address when there is no host', () => {
  expect(parseListen('8080')).toEqual({ host: '127.0.0.1', port: 8080 })
  expect(parseListen(':8080')).toEqual({ host: '127.0.0.1', port: 8080 })
})

test('parseListen() refuses what is not an address', () => {
  for (const text of [
    '',
    'host',
    'host:',
    'a b:80',
    '::1:80',
    '1.2.3.4:65536',
    'http://a:80',
    'tcp://a:80/',
    '[1.2.3.4]:80',
    'unix:',
    '-1',
  ]) {
    expect(parseListen(text)).toBeUndefined()
  }
})

test('formatListen() writes an address that parseListen() reads', () => {
  for (const text of ['tcp://127.0.0.1:8080', 'tcp://[::1]:8080', 'unix:/tmp/a.sock']) {
    expect(formatListen(parseListen(text)!)).toBe(text)
  }
})

test('parseUdpListen() reads what parseListen() reads after udp://, except a path', () => {
  expect(parseUdpListen('udp://127.0.0.1:8080')).toEqual({ host: '127.0.0.1', port: 8080 })
  expect(parseUdpListen('udp://[::1]:0')).toEqual({ host: '::1', port: 0 })
  expect(parseUdpListen('udp://8080')).toEqual({ host: '127.0.0.1', port: 8080 })
  for (const text of ['127.0.0.1:8080', 'udp://', 'udp://unix:/a', 'udp://tcp://h:1', 'udp://h']) {
    expect(parseUdpListen(text)).toBeUndefined()
  }
})

test('parseServerAddress() reads both, and says which it was', () => {
  const address = { host: '127.0.0.1', port: 8080 }
  expect(parseServerAddress('8080')).toEqual({ address, overUdp: false })
  expect(parseServerAddress('udp://8080')).toEqual({ address, overUdp: true })
  for (const text of ['x', 'udp://x', 'udp://unix:/a']) expect(parseServerAddress(text)).toBeUndefined()
})
