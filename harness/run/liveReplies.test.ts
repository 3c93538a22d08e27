import { expect, test } from 'vitest'
import { lineServer, simulate } from '../engine/client/testing/simulate.ts'
import { sampleReport } from '../report/testing/samples.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { Secrets } from '../shownBytes.ts'
import type { MemoryServer } from '../transports/memory.ts'
import { LiveReplies } from './liveReplies.ts'

const frame = {
  name: 'frame',
  lengthOffset: 0,
  lengthBytes: 4,
  endian: 'big',
  lengthAdjustment: 0,
  maxFrame: 1024,
} as const

async function repliesOf(server: MemoryServer, settings: Partial<Scenario>): Promise<LiveReplies> {
  const { collector, scenario } = await simulate(server, { timeout: 60_000, duration: 1500, ...settings })
  const { tool, target, seed, environment, startedAt } = sampleReport
  const facts = { tool, target, seed, environment, startedAt, scenario, transport: 'memory', workers: 1 }
  const firstRequest = Buffer.from('Hello World!')
  return new LiveReplies(collector, { facts, stepNames: ['loop[0]'], secrets: new Secrets(), firstRequest })
}

test('LiveReplies says after a second that nothing came, with what to try', async () => {
  const live = await repliesOf({}, { loop: [{ send: 'Hello World!', think: 0 }] })
  expect(live.notes(999)).toEqual([])
  const [note, ...others] = live.notes(1000)
  expect(note).toMatch(/^0 bytes came to 13 sent \("Hello World!"\): is protocol line right\? .*--protocol frame/)
  expect(others).toEqual([])
  expect(live.notes(5000)).toEqual([note])
})

test('LiveReplies shows the beginning of a frame that does not go on', async () => {
  const server: MemoryServer = { received: connection => connection.send(Buffer.from([0, 0, 0, 100, 1, 2, 3, 4])) }
  const live = await repliesOf(server, { protocol: frame })
  expect(live.notes(1000)).toEqual([
    expect.stringMatching(/^8 bytes came to 8 sent .*, but no whole message: is protocol frame right\?/),
    'unfinished: 8 bytes, the beginning of a frame of 104: hex 0000: 00 00 00 64 01 02 03 04',
  ])
})

test('LiveReplies shows what came in place of what was expected, at once and in the same words', async () => {
  const loop = [{ send: 'a', expect: { matches: '^YES' }, think: 0 }]
  const live = await repliesOf(
    lineServer(1, () => 'OK user:1'),
    { loop },
  )
  expect(live.notes(10)).toEqual(['unexpected: expected ^YES, got "OK user:1"'])
  expect(live.notes(2000)).toEqual(live.notes(10))
})
