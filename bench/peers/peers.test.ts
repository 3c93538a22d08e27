import { expect, test } from 'vitest'
import { describePeers, parseVersion, pathOf } from './peers.ts'

test.each([
  ['cc', 'cc (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright (C) 2022 Free Software Foundation, Inc.', '12.2.0'],
  ['cc', 'Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu', '14.0.6'],
  ['taskset', 'taskset from util-linux 2.38.1\n', '2.38.1'],
  ['wrk', 'wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer', '4.1.0-3+b2'],
  ['autocannon', 'autocannon v9.0.0\nnode v20.20.2\n', '9.0.0'],
  ['nginx', '\nnginx version: nginx/1.22.1', '1.22.1'],
  ['redis-server', 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64', '7.0.15'],
  ['redis-benchmark', 'redis-benchmark 7.0.15', '7.0.15'],
  ['sockperf', 'sockperf, version 3.7-no.git\n   compiled 2021-08-23 12:14:23', '3.7-no.git'],
  ['pgbench', 'pgbench (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)', '15.14'],
  ['setpriv', 'setpriv from util-linux 2.38.1', '2.38.1'],
  ['mosquitto', 'mosquitto version 2.0.11\n\nmosquitto is an MQTT v5.0/v3.1.1/v3.1 broker.', '2.0.11'],
  ['hey', 'Usage: hey [options...] <url>', 'version unknown'],
] as const)('parseVersion() finds the version of %s', (name, text, version) => {
  expect(parseVersion(name, text)).toBe(version)
})

test('a program that is not installed has no version, and is named as the reason if it is needed', () => {
  const peers = new Map([['wrk', { path: '/usr/bin/wrk', version: '4.1.0' }]] as const)
  expect(describePeers(peers)).toContainEqual({ name: 'wrk', version: '4.1.0' })
  expect(describePeers(peers)).toContainEqual({ name: 'sockperf' })
  expect(pathOf(peers, 'wrk')).toBe('/usr/bin/wrk')
  expect(() => pathOf(peers, 'sockperf')).toThrow('sockperf is not installed')
})
