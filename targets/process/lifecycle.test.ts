import { afterEach, expect, test, vi } from 'vitest'
import { noCounters, type ServerCounters } from '../server/counters.ts'
import type { ManagedServer } from '../server/managedServer.ts'
import { advanceUntil, useRealTime, useVirtualTime } from '../testing/virtualTime.ts'
import { serverTexts, serveUntilStopped, statsLine } from './lifecycle.ts'

test('statsLine() shows what a server did in a second', () => {
  const time = new Date(2026, 10, 21, 9, 30, 13)
  const after = { ...noCounters, requests: 276_380, connections: 10, bytesIn: 5_200_000, bytesOut: 5_200_000 }
  expect(statsLine(noCounters, after, 2, time)).toBe(
    '09:30:13  connections 10   138,190 requests/s   in 2.48 MiB/s   out 2.48 MiB/s',
  )
  expect(statsLine(after, { ...after, rejected: 3 }, 1, time)).toBe(
    '09:30:13  connections 10         0 requests/s   in 0 B/s   out 0 B/s   rejected 3',
  )
  const slow = { ...after, buffersFull: 2, buffersDrained: 1 }
  expect(statsLine(after, slow, 1, time)).toBe(
    '09:30:13  connections 10         0 requests/s   in 0 B/s   out 0 B/s   buffer full 2   drained 1',
  )
  const broadcast = { ...after, requests: 276_480, deliveries: 1900, dropped: 2 }
  expect(statsLine(after, broadcast, 1, time)).toBe(
    '09:30:13  connections 10       100 requests/s     1,900 deliveries/s   in 0 B/s   out 0 B/s   dropped 2',
  )
})

/** Runs a server whose counters the test sets; `signal` does what SIGTERM would do. */
function serving(server: Partial<ManagedServer> & { counters(): ServerCounters }, { quiet = false } = {}) {
  const lines: string[] = []
  const errors: string[] = []
  const before = process.listeners('SIGTERM')
  const output = {
    title: 'echo',
    quiet,
    texts: serverTexts,
    print: (line: string) => void lines.push(line.replace(/^\d\d:\d\d:\d\d {2}/, '')),
    printError: (line: string) => void errors.push(line),
  }
  const address = { host: '127.0.0.1', port: 1 }
  const over = serveUntilStopped({ address, stop: async () => {}, ...server }, output)
  const [signal] = process.listeners('SIGTERM').filter(listener => !before.includes(listener))
  cleanups.push(() => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.removeListener(name, signal!)
  })
  return { lines, errors, over, signal: () => void signal!('SIGTERM') }
}

const cleanups: (() => void)[] = []
afterEach(() => {
  useRealTime()
  for (const cleanup of cleanups.splice(0)) cleanup()
})

test('serveUntilStopped() prints how many requests were not answered, and exits with 1', async () => {
  const stopped: number[] = []
  const server = {
    unanswered: 0,
    counters: () => noCounters,
    async stop(answerMs = 0) {
      stopped.push(answerMs)
      this.unanswered = 1200
    },
  }
  const { errors, over, signal } = serving(server, { quiet: true })
  signal()
  expect(await over).toBe(1)
  expect(errors).toEqual(['1,200 pending requests were not answered within 60 s'])
  expect(stopped).toEqual([60_000])
})

test('serveUntilStopped() counts the part of a second at the end, so that all lines add up to the total', async () => {
  useVirtualTime()
  let counters = { ...noCounters, connections: 2 }
  const { lines, over, signal } = serving({ counters: () => counters })
  counters = { ...counters, requests: 712_000, bytesIn: 9_000, bytesOut: 9_000 }
  await vi.advanceTimersByTimeAsync(1000)
  counters = { ...counters, requests: 712_843, bytesIn: 10_024, bytesOut: 9_001, rejected: 1 }
  await vi.advanceTimersByTimeAsync(310)
  counters = { ...counters, connections: 0 }
  signal()
  expect(await over).toBe(0)
  expect(lines).toEqual([
    'echo',
    'connections 2   712,000 requests/s   in 8.79 KiB/s   out 8.79 KiB/s',
    'connections 0   843 requests in the last 0.3 s   in 1 KiB   out 1 B   rejected 1',
    'stopped; 712,843 requests in all, 10,024 bytes in, 9,001 bytes out',
  ])
})

test('serveUntilStopped() prints no last line where nothing came, and with quiet the total alone', async () => {
  useVirtualTime()
  let counters: ServerCounters = { ...noCounters, connections: 1 }
  const servers = [serving({ counters: () => counters }), serving({ counters: () => counters }, { quiet: true })]
  counters = { ...counters, requests: 1, bytesIn: 5 }
  await vi.advanceTimersByTimeAsync(1500)
  counters = { ...counters, connections: 0 }
  for (const { signal, over } of servers) {
    signal()
    expect(await over).toBe(0)
  }
  const total = 'stopped; 1 request in all, 5 bytes in, 0 bytes out'
  expect(servers[0]!.lines.slice(2)).toEqual([total])
  expect(servers[1]!.lines).toEqual(['echo', total])
})

test('serveUntilStopped() counts in other processes before it prints the total, and says where they did not answer', async () => {
  useVirtualTime()
  let counters = noCounters
  const answering = serving({
    counters: () => counters,
    async refresh() {
      counters = { ...noCounters, requests: 7 }
    },
    broken: Promise.resolve('a worker was killed by SIGKILL'),
  })
  expect(await answering.over).toBe(1)
  expect(answering.errors).toEqual(['the server stops: a worker was killed by SIGKILL'])
  expect(answering.lines.at(-1)).toBe('stopped at once; 7 requests in all, 0 bytes in, 0 bytes out')

  const never = new Promise<void>(() => {})
  const silent = serving({ counters: () => counters, stop: () => never, refresh: () => never })
  silent.signal()
  silent.signal()
  expect(await advanceUntil(silent.over)).toBe(1)
  expect(silent.lines).toEqual(['echo', 'stopped at once; at least 7 requests in all, 0 bytes in, 0 bytes out'])
})
