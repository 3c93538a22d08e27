import pc from 'picocolors'
import { simulate } from '../../engine/client/testing/simulate.ts'
import { assembleReport } from '../../report/assemble.ts'
import { renderSummary } from '../../report/formats/summary.ts'
import { sampleReport } from '../../report/testing/samples.ts'
import { exitCodeOf } from '../../run/run.ts'
import type { Scenario } from '../../scenario/scenario.ts'
import type { MemoryConnection, MemoryServer } from '../../transports/memory.ts'
import type { Ran } from './volley.ts'

/** A server in memory that gives each message back after so many milliseconds; one request in flight a connection. */
export function echoAfter(delayMs: (connection: MemoryConnection) => number): MemoryServer {
  return { received: (connection, bytes) => connection.send(bytes, delayMs(connection)) }
}

/** Runs one worker against a server in memory, in simulated time, and makes the report; its exit code is that of --strict. */
export async function simulated(
  server: MemoryServer,
  settings: Partial<Scenario>,
  cores: { readonly clientCores?: number; readonly serverCores?: number } = {},
): Promise<Ran> {
  const { scenario, collector, measured, endedAtMs } = await simulate(server, { name: 'simulated', ...settings }, cores)
  const { tool, target, seed, environment, startedAt } = sampleReport
  const report = assembleReport(
    {
      facts: { tool, target, seed, environment, startedAt, scenario, transport: 'memory', workers: 1 },
      stepNames: ['ping'],
      isExtended: false,
      endedAt: endedAtMs,
      targetIsLocal: true,
      clockDriftMs: 0,
      host: {},
      interrupted: false,
    },
    collector,
    measured,
  )
  return {
    code: exitCodeOf(report, true),
    stdout: renderSummary(report, 'report.json', pc.createColors(false)),
    report,
  }
}
