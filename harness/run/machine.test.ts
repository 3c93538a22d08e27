import type { NetworkInterfaceInfo } from 'node:os'
import { expect, test } from 'vitest'
import { isOnThisMachine, serverCpuMeter, serverProcesses } from './machine.ts'

const four = (address: string, cidr: string) =>
  ({ address, cidr, family: 'IPv4', netmask: '', mac: '', internal: false }) satisfies NetworkInterfaceInfo
const six = (address: string, cidr: string) =>
  ({ ...four(address, cidr), family: 'IPv6', scopeid: 2 }) satisfies NetworkInterfaceInfo
const interfaces = {
  eth0: [four('192.168.1.7', '192.168.1.7/24'), six('fe80::7', 'fe80::7/64')],
  docker0: [four('172.17.0.1', '172.17.0.1/16'), six('fd01::1', 'fd01::1/64')],
}
const at = (host: string) => ({ scheme: 'tcp', host, port: 80 }) as const

test.each([
  ['127.0.0.9', true],
  ['::1', true],
  ['192.168.1.7', true],
  ['192.168.1.8', false],
  ['fe80::7%eth0', true],
  ['fe80::8%eth0', false],
  ['172.17.0.2', true],
  ['fd01::2', true],
  ['172.18.0.2', false],
])('isOnThisMachine() at %s: %s', (host, isHere) => {
  expect(isOnThisMachine(at(host), interfaces)).toBe(isHere)
})

test('isOnThisMachine() at a unix socket', () => {
  expect(isOnThisMachine({ scheme: 'unix', path: '/s' }, {})).toBe(true)
})

const target = { address: at('127.0.0.1'), requests: () => undefined, ended: () => undefined, stop: async () => {} }

test('serverProcesses() are those that the run started, and unknown on another machine', () => {
  const started = { pid: process.pid, group: false }
  expect(serverProcesses({ ...target, process: started })).toMatchObject({ processes: [started], isHidden: false })
  expect(serverProcesses({ ...target, found: at('192.0.2.1') })).toMatchObject({ processes: [], isHidden: false })
  const elsewhere = serverProcesses({ ...target, process: started, found: at('192.0.2.1') })
  expect(elsewhere).toMatchObject({ processes: [started], isHidden: false })
})

test('serverProcesses() are hidden where nothing is found on this machine', () => {
  const found = { scheme: 'unix', path: '/no/such/socket' } as const
  expect(serverProcesses({ ...target, found })).toMatchObject({ processes: [], isHidden: true })
})

test('serverCpuMeter() adds up processes, and knows nothing without one', () => {
  expect(serverCpuMeter({ processes: [] })()).toBeUndefined()
  const own = { pid: process.pid, group: false }
  const [one, two] = [[own], [own, { ...own }]].map(processes => serverCpuMeter({ processes })())
  if (process.platform !== 'linux') expect(one).toBeUndefined()
  else expect(two!).toBeGreaterThanOrEqual(2 * one!)
})

test.skipIf(process.platform !== 'linux')('serverCpuMeter() counts a process from when it was found', () => {
  const own = { pid: process.pid, group: false }
  const processes = [own]
  const read = serverCpuMeter({ processes })
  const before = read()!
  processes.push({ ...own })
  const after = read()!
  expect(after).toBeGreaterThanOrEqual(before)
  expect(after).toBeLessThan(before + Math.max(before, 0.1))
})
