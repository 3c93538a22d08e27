import { join } from 'node:path'
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { LiveAudit } from '../audit/live.ts'
import { renderScreen, type ScreenRun } from '../live/screen.ts'
import { renderRunsTable } from '../report/formats/runsTable.ts'
import { renderSummary } from '../report/formats/summary.ts'
import type { Report } from '../report/record.ts'
import { LiveReplies } from '../run/liveReplies.ts'
import { prepareScenario } from '../run/prepare.ts'
import type { runScenario } from '../run/run.ts'
import { searchScenario } from '../run/search.ts'
import { titleOf } from '../run/title.ts'
import { parseScenario } from '../scenario/load.ts'
import { Secrets } from '../shownBytes.ts'
import { cellCount } from '../terminal/cells.ts'
import type { TerminalSize } from '../terminal/size.ts'
import type { MemoryServer } from '../transports/memory.ts'
import { closedLoop, echoAfter, echoOneAtATime, type SimulatedRun, simulated } from './testing/simulated.ts'

const sizes = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 60, rows: 15 },
]
const colors = pc.createColors(false)
const path = 'reports/simulated/2026-11-28T09-30-12Z/report.json'

/** What a user has seen: the screen shortly before the end of the run, then the summary. */
interface Seen {
  readonly run: SimulatedRun
  readonly search?: ScreenRun['search']
  /** In place of that of the run. */
  readonly report?: Report
  readonly after?: (size: TerminalSize) => string
}

function screenOf({ run, search }: Seen, size: { columns: number; rows: number }): string {
  const { collector, endedAtMs, report } = run
  const { scenario } = report
  const totalMs = scenario.warmup === 'auto' ? scenario.duration : scenario.duration + scenario.warmup
  const progress = { elapsedMs: totalMs - 100, totalMs, phase: 'measuring' } as const
  const facts = { ...report, scenario }
  const audit = new LiveAudit({
    collector,
    run: { facts, targetIsLocal: true },
    host: () => ({}),
    clockDriftMs: () => 0,
  })
  const replies = new LiveReplies(collector, { facts, stepNames: ['ping'], secrets: new Secrets([], []) })
  const plan = { warmupMs: 0, lengthMs: totalMs, workers: [{ transport: 'epoll' as const }] }
  const title = titleOf(scenario, report.target, plan)
  const notes = [...replies.notes(totalMs), ...audit.notes(endedAtMs)]
  const shown = { title, ...(search && { search }) }
  return renderScreen(shown, collector.snapshot(progress), notes, size, colors)
}

function seenText(seen: Seen, size: { columns: number; rows: number }): string {
  const screen = screenOf(seen, size)
  const lines = screen.split('\n')
  expect(lines.length).toBeLessThan(size.rows)
  expect(lines.filter(line => cellCount(line) >= size.columns)).toEqual([])
  const summary = renderSummary(seen.report ?? seen.run.report, path, colors, size)
  expect(summary.split('\n').filter(line => cellCount(line) > size.columns && line.includes(' ', 13))).toEqual([])
  const parts = [screen, summary, ...(seen.after === undefined ? [] : [seen.after(size)])]
  return `${parts.map(part => part.trimEnd()).join(`\n${'~'.repeat(size.columns)}\n`)}\n`
}

/** Answers after 2 ms, until it closes everything and refuses. */
function dyingAt(deathMs: number): MemoryServer {
  return {
    ...echoAfter(() => 2),
    accepted: (connection, now) => connection.close(deathMs - now),
    refuses: (_, now) => (now < deathMs ? undefined : 'connect-refused'),
  }
}

/** Speaks HTTP, whatever it is sent. */
const speaksHttp: MemoryServer = {
  received: connection => {
    connection.send(Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'), 0.5)
    connection.close(0.6)
  },
}

async function searchSeen(): Promise<Seen> {
  const text =
    'name: simulated\ntarget: { address: "tcp://127.0.0.1:1" }\nprotocol: line\nconnections: 100\nduration: 10s\nload: { mode: search, rate: 200/s }\nloop: [{ send: ping }]\nthresholds: [p99 < 20ms]\n'
  const loaded = parseScenario(text, 'simulated.yaml', [], {})
  const probes: Omit<Seen, 'report'>[] = []
  const runProbe: typeof runScenario = async ({ scenario }, _, { search } = {}) => {
    const run = await simulated(echoOneAtATime(1.2), { ...scenario, warmup: 0 })
    probes.push({ run, ...(search && { search }) })
    return { report: run.report }
  }
  const { report } = await searchScenario(loaded, await prepareScenario(loaded), {}, runProbe)
  return { ...probes[6]!, report }
}

async function environmentsSeen(): Promise<Seen> {
  const times = { loopback: 0.05, lan: 0.3, remote: 75 }
  const runs: SimulatedRun[] = []
  for (const [name, ms] of Object.entries(times)) {
    runs.push(
      await simulated(
        echoAfter(() => ms),
        { name: `echo ${name}`, connections: 4, duration: 6000 },
      ),
    )
  }
  return {
    run: runs[2]!,
    after: size =>
      renderRunsTable(
        runs.map(({ report }) => report),
        colors,
        size,
      ),
  }
}

const kinds: Record<string, () => Promise<Seen>> = {
  healthy: async () => ({ run: await closedLoop() }),
  dying: async () => {
    const thresholds = [{ expression: 'p99 < 50ms', metric: 'p99', operator: '<', limit: 50 }] as const
    return { run: await simulated(dyingAt(4500), { connections: 20, duration: 8000, thresholds }) }
  },
  wrongProtocol: async () => {
    const protocol = { name: 'tlv', maxFrame: 1_048_576 } as const
    const loop = [{ send: { type: 1, body: 'hello' }, think: 0 }]
    return { run: await simulated(speaksHttp, { protocol, loop, connections: 4, duration: 6000 }) }
  },
  search: searchSeen,
  environments: environmentsSeen,
}

/** `npx vitest -u` writes them anew: read each as a tired user would. */
test.each(Object.entries(kinds))('the screens of a run: %s', async (name, seen) => {
  const shown = await seen()
  for (const size of sizes) {
    const file = join('testing', 'screens', `${name}-${size.columns}x${size.rows}.txt`)
    await expect(seenText(shown, size)).toMatchFileSnapshot(file)
  }
})
