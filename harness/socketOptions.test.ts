import { expect, test } from 'vitest'
import { describeSocket, grantedBuffers, type SocketCalls } from './socketOptions.ts'

/** A kernel that gives at most so many bytes, and doubles what it gives, as Linux does. */
function kernel(bytesMax: number, bytesMin = 0): SocketCalls & { readonly open: number } {
  const buffers = new Map([
    [8, 1000],
    [7, 2000],
  ])
  const calls = {
    open: 0,
    socket: () => 40 + ++calls.open,
    close: () => --calls.open,
    setsockopt(_descriptor: number, _level: number, name: number, value: Int32Array) {
      buffers.set(name, Math.max(bytesMin, 2 * Math.min(bytesMax, value[0]!)))
      return 0
    },
    getsockopt(_descriptor: number, _level: number, name: number, value: Int32Array) {
      value[0] = buffers.get(name)!
      return 0
    },
  }
  return calls
}

test('grantedBuffers() says what the kernel gives of what is asked for, and closes its socket', () => {
  const calls = kernel(212_992)
  expect(grantedBuffers(calls, { receiveBuffer: 65_536, sendBuffer: 4 * 1024 * 1024 })).toEqual({
    receiveBuffer: 65_536,
    sendBuffer: 212_992,
  })
  expect(grantedBuffers(calls, { receiveBuffer: 5000 })).toEqual({ receiveBuffer: 5000 })
  expect(calls.open).toBe(0)
  expect(grantedBuffers({ ...calls, socket: () => -1 }, { receiveBuffer: 5000 })).toEqual({})
})

test('describeSocket() says what was asked for where the kernel gives something else', () => {
  const asked = { receiveBuffer: 65_536, sendBuffer: 4 * 1024 * 1024, noDelay: false }
  expect(describeSocket(asked, grantedBuffers(kernel(212_992), asked))).toEqual([
    'receive buffer 64 KiB',
    'send buffer 208 KiB (4 MiB asked for, more than net.core.wmem_max)',
    'noDelay off',
  ])
  const tiny = { receiveBuffer: 1 }
  expect(describeSocket(tiny, grantedBuffers(kernel(212_992, 2304), tiny))).toEqual([
    'receive buffer 1.13 KiB (1 B asked for, less than the kernel allows)',
  ])
  // Where the kernel cannot be asked, the buffer is as it was asked for.
  expect(describeSocket(asked)).toEqual(['receive buffer 64 KiB', 'send buffer 4 MiB', 'noDelay off'])
  expect(describeSocket({})).toEqual([])
})
