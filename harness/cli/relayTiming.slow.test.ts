import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import { loadCLibrary } from '../cLibrary.ts'
import { Program } from './testing/programs.ts'
import { countsOf, startPython } from './testing/python.ts'
import { balances, cleanUp, run, scenarioFile, startServer } from './testing/volley.ts'

afterEach(cleanUp)

const library = loadCLibrary()
if (typeof library === 'string') console.warn(`skipped: round trips below 2 ms, because ${library}`)
const testFine = test.skipIf(typeof library === 'string')

const rounds = 200

/** Starts a relay to a server on this machine; returns its port. */
async function startRelay(to: string, ...flags: string[]): Promise<number> {
  const { url } = await startServer(['relay', '--to', to, ...flags])
  return Number(/\d+$/.exec(url)![0])
}

/** The round trips of a client in Python, to each of several ports in turn, in milliseconds, the shortest first. */
async function roundTrips(over: 'tcp' | 'udp', bytes: number, ports: readonly number[]): Promise<number[][]> {
  const script = join(packageRoot, 'harness/cli/testing/round_trips.py')
  const client = new Program('python3', [script, 'client', over, String(bytes), String(rounds), ...ports.map(String)])
  const measured = JSON.parse(await client.says(/^(\{.*\})$/m)) as Record<string, number[]>
  await client.end()
  return ports.map(port => measured[port]!.map(nanoseconds => nanoseconds / 1e6).toSorted((a, b) => a - b))
}

function medianOf(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)]!
}

/**
 * A timer that counts milliseconds makes 2 ms of 300 us. What else takes time on a busy machine is the same for all three
 * ways, whose round trips alternate.
 */
for (const over of ['tcp', 'udp'] as const) {
  testFine(
    `a relay adds 300 us to round trips over ${over}, never less, and not what a longer one adds`,
    async ({ skip }) => {
      const { server, address } = await startPython(skip, 'round_trips.py', 'server', over)
      const to = address.replace('tcp', over)
      const near = await startRelay(to, '--rtt', '300us')
      const far = await startRelay(to, '--rtt', '2ms')
      const [direct, through, throughFar] = await roundTrips(over, 100, [Number(/\d+$/.exec(to)![0]), near, far])
      expect(through![0]).toBeGreaterThanOrEqual(0.3)
      expect(throughFar![0]).toBeGreaterThanOrEqual(2)
      expect(medianOf(through!)).toBeGreaterThan(medianOf(direct!))
      const shareOfDifference = (medianOf(throughFar!) - medianOf(through!)) / (2 - 0.3)
      expect(shareOfDifference).toBeGreaterThan(0.5)
      const counts = await countsOf(server)
      expect(counts['bytesIn']).toBe(3 * rounds * 100)
    },
  )
}

testFine('nothing comes early through jitter, a rate or both, below a millisecond', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'round_trips.py', 'server', 'tcp')
  const cases: [flags: string[], leastMs: number][] = [
    [['--rtt', '300us', '--jitter', '100us'], 0.2],
    // 12,500 bytes take 100 us; on their way back they are behind the first ones, which the server has sent back by then.
    [['--rate', '1gbit'], 0.1],
    [['--rtt', '300us', '--jitter', '50us', '--rate', '1gbit'], 0.35],
  ]
  const ports = await Promise.all(cases.map(([flags]) => startRelay(address, ...flags)))
  const measured = await roundTrips('tcp', 12_500, ports)
  for (const [index, [, leastMs]] of cases.entries()) {
    expect(measured[index]![0]).toBeGreaterThanOrEqual(leastMs)
  }
  expect(await countsOf(server)).toMatchObject({ connections: 3, bytesIn: 3 * rounds * 12_500 })
})

testFine(
  'volley run through a relay of 300 us: the server counts what was sent, and nothing comes early',
  async ({ skip }) => {
    const { server, address } = await startPython(skip, 'round_trips.py', 'server', 'tcp')
    const file = scenarioFile(`
name: lan
target: { address: "${address}", relay: { rtt: 300us } }
protocol: raw
connections: 10
duration: 500ms
warmup: 0s
loop: [{ send: Hello World!, expect: echo }]
`)
    const { code, report, stdout } = await run(file)
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(balances(report)).toBe(true)
    expect(report.latencyMs.response.p50).toBeGreaterThanOrEqual(0.3)
    expect(stdout).toContain('rtt 300 us')
    const { bytesIn } = await countsOf(server)
    expect(bytesIn).toBe(report.totals.sent * 'Hello World!'.length)
  },
)
