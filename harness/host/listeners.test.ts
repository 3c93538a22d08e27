import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { findListeners } from './listeners.ts'
import { systemFiles } from './systemFiles.ts'
import { InventedProcesses } from './testing/inventedProcesses.ts'

const self = 100
const tcp = (host: string, port = 8080) => ({ scheme: 'tcp', host, port }) as const
const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
const row = (local: string, state: string, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`

/** A machine with volley and `nginx`, whose master and worker both hold the socket of port 8080 at 127.0.0.1. */
function machine(): InventedProcesses {
  const files = new InventedProcesses()
  files.start(50, 'bash')
  files.start(self, 'node', 50)
  files.start(200, 'nginx', 50)
  files.start(201, 'nginx', 200)
  files.others.set('/proc/net/tcp', header + row('0100007F:1F90', '0A', 77) + row('0100007F:1F90', '01', 79))
  files.others.set('/proc/200/fd/6', 'socket:[77]')
  files.others.set('/proc/201/fd/6', 'socket:[77]')
  files.others.set('/proc/201/fd/7', 'socket:[79]')
  return files
}

test('findListeners() finds the process that the others which hold the socket descend from', () => {
  const found = { processes: [{ pid: 200, group: true }], areForwarders: false, isSelf: false }
  expect(findListeners(tcp('127.0.0.1'), machine(), self)).toEqual(found)
  expect(findListeners({ ...tcp('127.0.0.1'), scheme: 'tls' }, machine(), self)).toEqual(found)
})

test.each([
  ['another port', tcp('127.0.0.1', 8081)],
  ['another address', tcp('127.0.0.2')],
  ['another scheme', { ...tcp('127.0.0.1'), scheme: 'udp' } as const],
  ['a path', { scheme: 'unix', path: '/run/x' } as const],
])('findListeners() finds nothing at %s', (_, address) => {
  expect(findListeners(address, machine(), self).processes).toEqual([])
})

test('findListeners() prefers the socket at the address to one at all addresses', () => {
  const files = machine()
  files.start(300, 'other')
  files.others.set('/proc/net/tcp6', header + row('00000000000000000000000000000000:1F90', '0A', 88))
  files.others.set('/proc/300/fd/3', 'socket:[88]')
  expect(findListeners(tcp('127.0.0.1'), files, self).processes).toEqual([{ pid: 200, group: true }])
  expect(findListeners(tcp('192.168.1.7'), files, self).processes).toEqual([{ pid: 300, group: true }])
  expect(findListeners(tcp('::1'), files, self).processes).toEqual([{ pid: 300, group: true }])
})

test('findListeners() finds several processes that each have a socket of their own', () => {
  const files = machine()
  files.start(300, 'worker')
  const tables = row('0100007F:1F90', '0A', 77) + row('0100007F:1F90', '0A', 78)
  files.others.set('/proc/net/tcp', header + tables)
  files.others.set('/proc/300/fd/3', 'socket:[78]')
  expect(findListeners(tcp('127.0.0.1'), files, self).processes.map(({ pid }) => pid)).toEqual([200, 300])
})

test('findListeners() finds servers of UDP and of unix sockets', () => {
  const files = machine()
  files.others.set('/proc/net/udp', header + row('00000000:1F90', '07', 77))
  files.others.set(
    '/proc/net/unix',
    'Num RefCount Protocol Flags Type St Inode Path\n0: 2 0 00010000 0001 01 77 /run/x\n0: 3 0 00000000 0001 03 5 /run/x\n',
  )
  const found = [{ pid: 200, group: true }]
  expect(findListeners({ ...tcp('127.0.0.1'), scheme: 'udp' }, files, self).processes).toEqual(found)
  expect(findListeners({ scheme: 'unix', path: '/run/x' }, files, self).processes).toEqual(found)
})

test('findListeners() tells a program that passes connections on', () => {
  const files = new InventedProcesses()
  files.start(200, 'docker-proxy')
  files.others.set('/proc/net/tcp', header + row('00000000:1F90', '0A', 77))
  files.others.set('/proc/200/fd/4', 'socket:[77]')
  expect(findListeners(tcp('127.0.0.1'), files, self).areForwarders).toBe(true)
})

test('findListeners() takes a process that has started this one for itself only', () => {
  const files = machine()
  files.others.set('/proc/50/fd/6', 'socket:[77]')
  expect(findListeners(tcp('127.0.0.1'), files, self).processes).toEqual([{ pid: 50, group: false }])
})

test('findListeners() tells when this process itself listens', async () => {
  const server = net.createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const found = findListeners(tcp('127.0.0.1', port), systemFiles, process.pid)
  expect(found).toEqual({ processes: [], areForwarders: false, isSelf: process.platform === 'linux' })
})

test.skipIf(process.platform !== 'linux')('findListeners() finds a process of this machine', async () => {
  const child = spawn(
    process.execPath,
    ['-e', `require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port) })`],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const [text] = await once(child.stdout, 'data')
  const found = findListeners(tcp('127.0.0.1', Number(text)), systemFiles, process.pid)
  expect(found.processes).toEqual([{ pid: child.pid, group: true }])
})
