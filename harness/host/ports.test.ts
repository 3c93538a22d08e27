import { expect, test } from 'vitest'
import { readPorts, readTimeWait } from './ports.ts'
import { systemFiles } from './systemFiles.ts'

const usual = { isLoopback: true, isBoundFirst: false }

function filesOf(texts: Readonly<Record<string, string>>) {
  const short = (path: string) => texts[path.split('/').at(-1)!]
  return { text: short, names: () => [], link: () => undefined }
}

const range = { ip_local_port_range: '32768\t60999\n' }

test.each([
  ['2, on loopback', { tcp_tw_reuse: '2\n' }, usual, 1],
  ['2, to another machine', { tcp_tw_reuse: '2\n' }, { ...usual, isLoopback: false }, 60],
  ['1, to another machine', { tcp_tw_reuse: '1\n' }, { ...usual, isLoopback: false }, 1],
  ['0', { tcp_tw_reuse: '0\n' }, usual, 60],
  ['not known', {}, usual, 60],
  ['2, with a delay of its own', { tcp_tw_reuse: '2\n', tcp_tw_reuse_delay: '250\n' }, usual, 0.25],
  ['2, without timestamps', { tcp_tw_reuse: '2\n', tcp_timestamps: '0\n' }, usual, 60],
  ['2, where the port is bound first', { tcp_tw_reuse: '2\n' }, { ...usual, isBoundFirst: true }, 60],
])('readPorts() knows when a port is free again with tcp_tw_reuse %s', (_, texts, options, waitSeconds) => {
  expect(readPorts(filesOf({ ...range, ...texts }), options)).toEqual({ count: 28_232, waitSeconds })
})

test.each([[{}], [{ ip_local_port_range: 'x' }], [{ ip_local_port_range: '9 1' }]])(
  'readPorts() without a range: %o',
  texts => {
    expect(readPorts(filesOf(texts), usual)).toBeUndefined()
  },
)

test('readTimeWait() counts the connections in TIME_WAIT', () => {
  const sockstat = 'sockets: used 40\nTCP: inuse 1 orphan 0 tw 139 alloc 1 mem 48\nUDP: inuse 0 mem 128\n'
  expect(readTimeWait(filesOf({ sockstat }))).toBe(139)
  expect(readTimeWait(filesOf({}))).toBeUndefined()
})

test.skipIf(process.platform !== 'linux')('readPorts() and readTimeWait() read this machine', () => {
  expect(readPorts(systemFiles, usual)!.count).toBeGreaterThan(0)
  expect(readTimeWait(systemFiles)).toBeGreaterThanOrEqual(0)
})
