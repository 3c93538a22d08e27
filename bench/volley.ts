import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { builtFile, packageRoot } from '../harness/built.ts'
import type { Report } from '../harness/report/record.ts'
import { readReport } from '../harness/report/save.ts'
import { coresOver, finished } from './client.ts'
import { type Figures, loadFigures } from './figures.ts'
import type { Bench } from './goal.ts'
import type { Side } from './interleave.ts'
import { type Command, commandLine } from './processes.ts'

/** Node starts in about 0.2 s, and a worker's code is compiled in the first tenths of a second under load. */
const warmupMs = 600
const leadMs = 900
/** How much longer a run lasts than the window in which it is measured. */
const tailMs = 300
const overtimeMs = 60_000
/** A failed threshold is accepted here; an invalid run is not. */
const acceptedCodes = [0, 1]

export type Transport = 'node' | 'epoll'
export const transports: readonly Transport[] = ['node', 'epoll']

/** A run of volley: its target and its settings. */
export interface VolleyRun {
  /** A URL or a scenario file. */
  readonly target: string
  readonly transport: Transport
  readonly args: readonly string[]
  /** By default 1. */
  readonly workers?: number
  /** By default the client's core. */
  readonly cores?: string | undefined
}

/** The command that starts volley, and the folder of its report. */
export interface VolleyCommand extends Command {
  readonly out: string
}

/** The command of a run that is measured for `bench.settings.seconds`. */
export function volleyCommand(bench: Bench, run: VolleyRun): VolleyCommand {
  const out = mkdtempSync(join(bench.folder, 'run-'))
  const main = relative(packageRoot, builtFile('harness/cli/main'))
  const lengthMs = Math.round(bench.settings.seconds * 1000) + tailMs
  const time = ['--warmup', `${warmupMs}ms`, '-d', `${lengthMs}ms`]
  const workers = String(run.workers ?? 1)
  return {
    program: process.execPath,
    args: [main, 'run', run.target, '--transport', run.transport, '-w', workers, ...time, ...run.args, '--out', out],
    cores: 'cores' in run ? run.cores : bench.cores.client,
    out,
  }
}

/** Volley as a side of a comparison: its throughput, round trip, and CPU as read from outside. */
export function volleySide(bench: Bench, name: string, run: VolleyRun): Side {
  const command = volleyCommand(bench, { ...run, args: [...run.args, '--quiet'] })
  return {
    name,
    command: commandLine(command),
    run: async () => {
      const { report, cores } = await runVolley(bench, command)
      checkTransport(report, run.transport)
      return figuresOf(report, cores)
    },
  }
}

/** Runs it to its end and reads its report; throws if there is none, or for other exit codes or failed requests. */
export async function runVolley(
  { processes, settings }: Bench,
  command: VolleyCommand,
  codes: readonly number[] = acceptedCodes,
): Promise<{ report: Report; cores: number | undefined; stdout: string }> {
  const lengthMs = settings.seconds * 1000
  // The report of an earlier round must not be taken for this one's.
  await rm(join(command.out, 'report.json'), { force: true })
  const child = processes.start(command, { lifeMs: leadMs + lengthMs + overtimeMs })
  const cores = await coresOver(child, { leadMs, lengthMs })
  await finished(child, codes)
  const report = await readReport(command.out)
  if (report.totals.failed > 0) throw new Error(`${report.totals.failed} requests failed`)
  return { report, cores, stdout: child.stdout() }
}

/** The figures of a report, and the cores in use as read from outside. */
export function figuresOf(report: Report, cores: number | undefined): Figures {
  const { p50, p99 } = report.latencyMs.response
  return {
    ...(cores === undefined
      ? { requestsPerSecond: report.throughput.mean }
      : loadFigures(report.throughput.mean, cores)),
    ...(p50 !== undefined && { p50Micros: p50 * 1000 }),
    ...(p99 !== undefined && { p99Micros: p99 * 1000 }),
    ownCpuMicros: report.client.cpuMicrosPerRequest,
  }
}

/** Why volley cannot drive a target at all, as it says itself; undefined if it can. */
export async function whyNot({ processes, folder }: Bench, target: string): Promise<string | undefined> {
  const main = relative(packageRoot, builtFile('harness/cli/main'))
  const args = [main, 'run', target, '-n', '1', '-c', '1', '--quiet', '--out', mkdtempSync(join(folder, 'trial-'))]
  const child = processes.start({ program: process.execPath, args }, { lifeMs: overtimeMs })
  const end = await child.ended
  if (acceptedCodes.some(code => code === end)) return undefined
  return child.stderr().trim().split('\n')[0]!.replace(/\s+/g, ' ') || `volley ended with ${end}`
}

function checkTransport({ transport, transportReason }: Report, wanted: Transport): void {
  if (transport !== wanted) throw new Error(`ran on ${transport}, not on ${wanted}: ${transportReason}`)
}
