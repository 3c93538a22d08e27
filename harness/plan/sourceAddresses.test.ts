import { expect, test } from 'vitest'
import type { Scenario } from '../scenario/scenario.ts'
import { loopbackSources, type PortsOfAddress } from './sourceAddresses.ts'

type Settings = Pick<Scenario, 'sourceAddresses' | 'reconnect' | 'load' | 'connections'>

const backoff = { min: 100, max: 5000 }
const churn: Settings = {
  connections: 10,
  load: { mode: 'loop', pipeline: 1 },
  reconnect: { when: 'every-request', backoff },
}
const resetting = { when: 'every-request', close: 'reset', backoff } as const
const steady: Settings = { ...churn, reconnect: { when: 'failure', backoff } }
const local = { scheme: 'tcp', host: '127.0.0.1', port: 80 } as const
const ports: PortsOfAddress = { count: 28_232, waitSeconds: 1 }

const count = (settings: Settings, more: { workers?: number; ports?: PortsOfAddress | undefined } = {}) =>
  loopbackSources(settings, local, more.workers ?? 1, 'ports' in more ? more.ports : ports)?.length ?? 1

test('loopbackSources() takes addresses for a connection with each request', () => {
  expect(loopbackSources(churn, local, 1, ports)).toEqual([2, 3, 4, 5, 6, 7].map(last => `127.0.0.${last}`))
  expect(count(churn, { workers: 4 })).toBe(23)
  expect(loopbackSources(churn, { ...local, scheme: 'tls', tls: {} }, 1, ports)).toHaveLength(6)
})

test('loopbackSources() takes no more than 64 addresses', () => {
  expect(count(churn, { workers: 256 })).toBe(64)
  expect(count(churn, { ports: { count: 50, waitSeconds: 60 } })).toBe(64)
})

test('loopbackSources() takes as many as the rate needs', () => {
  const at = (rate: number) => ({ ...churn, load: { mode: 'rate', rate, pipeline: 1 } as const })
  expect(count(at(1000))).toBe(1)
  expect(count(at(10_000))).toBe(2)
  const stages = [{ duration: 1000, to: 20_000 }]
  expect(count({ ...churn, load: { mode: 'rate', stages, pipeline: 1 } })).toBe(3)
})

test('loopbackSources() takes addresses for more connections than one has ports', () => {
  expect(count({ ...steady, connections: 25_000 })).toBe(1)
  expect(count({ ...steady, connections: 28_232 })).toBe(2)
  expect(count({ ...steady, connections: 100_000 })).toBe(4)
})

test.each<[string, Settings, Parameters<typeof loopbackSources>[1], PortsOfAddress | undefined]>([
  ['connections that stay open', steady, local, ports],
  ['none', { ...churn, sourceAddresses: [] }, local, ports],
  ['addresses of the scenario', { ...churn, sourceAddresses: ['127.0.0.9'] }, local, ports],
  ['connections that end with a reset', { ...churn, reconnect: resetting }, local, ports],
  ['another machine', churn, { ...local, host: '10.0.0.1' }, ports],
  ['IPv6', churn, { ...local, host: '::1' }, ports],
  ['UDP', churn, { ...local, scheme: 'udp' }, ports],
  ['a unix socket', churn, { scheme: 'unix', path: '/s' }, ports],
  ['a system that does not say its ports', churn, local, undefined],
])('loopbackSources() takes none for %s', (_, settings, address, known) => {
  expect(loopbackSources(settings, address, 1, known)).toBeUndefined()
})
