import { expect, test } from 'vitest'
import { noCounters } from '../server/counters.ts'
import { serveUntilStopped, statsLine } from './lifecycle.ts'

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

test('serveUntilStopped() prints how many requests were not answered, and exits with 1', async () => {
  const errors: string[] = []
  const stopped: number[] = []
  const before = process.listeners('SIGTERM')
  const server = {
    address: { host: '127.0.0.1', port: 1 },
    unanswered: 0,
    counters: () => noCounters,
    async stop(answerMs = 0) {
      stopped.push(answerMs)
      this.unanswered = 1200
    },
  }
  const output = {
    title: 'echo',
    quiet: true,
    line: statsLine,
    print() {},
    printError: (line: string) => errors.push(line),
  }
  const over = serveUntilStopped(server, output)
  const [stop] = process.listeners('SIGTERM').filter(listener => !before.includes(listener))
  stop!('SIGTERM')
  expect(await over).toBe(1)
  expect(errors).toEqual(['1,200 pending requests were not answered within 60 s'])
  expect(stopped).toEqual([60_000])
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.removeListener(signal, stop!)
})
