import { expect, test } from 'vitest'
import { connectionShortage, loadingShortage } from './descriptors.ts'

test('connectionShortage() is undefined while there are descriptors for all', () => {
  expect(connectionShortage(100, 164, false)).toBeUndefined()
  expect(connectionShortage(1_000_000, Number.POSITIVE_INFINITY, false)).toBeUndefined()
})

test('connectionShortage() says how many connections there may be, and how to have more', () => {
  expect(connectionShortage(101, 164, true)).toEqual({
    message: '101 connections need more file descriptors than this process may have open (164)',
    hint: 'ask for at most 100 connections, or raise the limit: "ulimit -n 165"',
  })
  // Nobody can ask for no connections.
  expect(connectionShortage(10, 64, true)!.hint).toBe('raise the limit: "ulimit -n 74"')
})

test('connectionShortage() does not send a user who is not root to a command that is refused', () => {
  const { hint } = connectionShortage(20_000, 1024, false)!
  expect(hint).toContain('raise the limit: "ulimit -n 20064" in a new shell; where that is refused, root raises it in')
})

test.each([
  ['run mine.yaml', 'volley needs 256 file descriptors, and this process may have 64 open', 256],
  ['run h:1 -c 100 -n 5', 'volley with 100 connections needs 256 file descriptors', 256],
  ['h:1 --connections=500', 'volley with 500 connections needs 564 file descriptors', 564],
  ['-c5 h:1', 'volley with 5 connections needs 256 file descriptors', 256],
  ['run h:1 -c many', 'volley needs 256 file descriptors', 256],
])('loadingShortage() says what %s needs', (line, message, needed) => {
  const shortage = loadingShortage(line.split(' '), 64, true)
  expect(shortage.message.slice(0, message.length)).toBe(message)
  expect(shortage.hint).toBe(`raise the limit: "ulimit -n ${needed}"`)
})
