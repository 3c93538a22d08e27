import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { load, override, run } from '../api.ts'
import { packageRoot } from '../built.ts'
import { skipWithout } from './testing/programs.ts'
import { balances } from './testing/volley.ts'

const folder = join(packageRoot, 'scenarios')
const files = readdirSync(folder).filter(file => file.endsWith('.yaml'))

/** A few hundred requests instead of seconds; `connections` where the file has thousands. */
const shorter: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  'once.yaml': [],
  'sticky-packets.yaml': [],
  'many-connections.yaml': [
    ['connections', 200],
    ['requests', 200],
  ],
}

// Every scenario over both transports, for longer, and as it is shipped: scenarios.slow.test.ts.
test.for(files)('%s runs without a failure, and every request is accounted for', async (file, { skip }) => {
  if (file.startsWith('redis')) skipWithout('redis-server', '--version', 'redis-server', skip)
  const settings = shorter[file] ?? [['requests', 200]]
  // A busy machine may exceed the time in its threshold.
  const isLossy = file === 'udp-lossy.yaml'
  const overrides = [...settings, ...(isLossy ? [['thresholds', []] as const] : [])]
  const loaded = await load(join(folder, file), { overrides: overrides.map(([path, value]) => override(path, value)) })
  const report = await run(loaded, { ceiling: 'never' })
  expect(report.error).toBeUndefined()
  const { totals, datagrams, server, scenario } = report
  const lost = isLossy ? datagrams!.lost : 0
  expect(totals.failures).toEqual(lost > 0 ? { timeout: lost } : {})
  expect(totals.completed).toBe(totals.sent - lost)
  expect(totals.completed).toBeGreaterThan(0)
  expect(balances(report)).toBe(true)
  expect(report.thresholds.filter(({ ok }) => !ok)).toEqual([])
  const errors = report.findings.filter(({ code }) => code === 'conservation' || (code === 'errors' && !isLossy))
  expect(errors).toEqual([])
  if ('serve' in scenario.target && !isLossy) {
    expect(server?.requests).toBe(totals.completed + totals.inFlightAtEnd + totals.handshakes.sent)
  }
})
