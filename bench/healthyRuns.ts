import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { isDoubt } from '../harness/audit/finding.ts'
import { exitCode } from '../harness/errors.ts'
import { formatPercent } from '../harness/units.ts'
import { parseFlags } from './command.ts'
import { Processes } from './processes.ts'
import { endWithUs, runScenarioRecord } from './scenarioRun.ts'
import { shareDoubtedBeside, shareLedBy, tallyOf } from './tally.ts'

const secondsMax = 60
const runsMax = 1000
const overtimeMs = 60_000

/**
 * Loads without faults. Replies in mode rate take milliseconds: next to a reply in 0.05 ms the wake-ups of a shared
 * machine would be a true finding.
 */
const kinds = {
  'echo, saturated': { protocol: 'line', target: { serve: 'echo' } },
  'tlv, pipelined': { protocol: 'tlv', target: { serve: 'tlv' }, load: { pipeline: 16 } },
  'delay line, loop': {
    protocol: 'line',
    target: { serve: 'echo', options: { poolSize: 'unlimited', serviceTime: 'fixed:5ms' } },
    connections: 50,
  },
  'delay line, 1k/s': {
    protocol: 'line',
    target: { serve: 'echo', options: { poolSize: 'unlimited', serviceTime: 'fixed:5ms' } },
    connections: 100,
    load: { rate: 1000 },
  },
  'queue, 300/s': {
    protocol: 'line',
    target: { serve: 'echo', options: { serviceTime: 'fixed:1ms' } },
    connections: 50,
    load: { rate: 300 },
    // With so few requests the server's code is being compiled for so long: p50 falls from 1.5 to 1.15 ms, and the audit says so.
    warmup: '10s',
  },
} as const

/** What else runs on the machine. */
const machines = {
  quiet: { title: 'on the machine as it is', busyPrograms: 0 },
  busy: { title: 'beside two busy programs', busyPrograms: 2 },
} as const
type Machine = keyof typeof machines

const processes = new Processes()
endWithUs(processes, exitCode.interrupted)

process.exit(await main())

/**
 * Runs healthy loads one after the other and counts the findings of the audit: first on the machine as it is, then with
 * busy programs beside. On a quiet machine no finding is to lead but `machine-busy`, for nothing keeps other programs
 * away; beside busy programs it is to lead in nearly every run that is doubted.
 */
async function main(): Promise<number> {
  const command = new Command('npm run healthy-runs --')
    .description('Counts how often the audit doubts healthy runs, on a quiet machine and beside busy programs.')
    .option('--runs <n>', 'number of runs, over all kinds, for each of the two', '100')
    .option('--seconds <n>', 'length of each run, without its warm-up', '12')
    .addOption(new Option('--only <machine>', 'one of the two').choices(Object.keys(machines)))
  const end = parseFlags(command)
  if (end !== undefined) return end
  const options = command.opts<{ runs: string; seconds: string; only?: Machine }>()
  const [runs, seconds] = [Number(options.runs), Number(options.seconds)]
  if (!isWhole(runs, runsMax) || !isWhole(seconds, secondsMax)) {
    console.error(`expected whole numbers: --runs from 1 to ${runsMax}, --seconds from 1 to ${secondsMax}`)
    return exitCode.couldNotRun
  }
  const folder = mkdtempSync(join(tmpdir(), 'volley-healthy-'))
  try {
    for (const machine of Object.keys(machines) as Machine[]) {
      if (options.only === undefined || options.only === machine) await runAll(machine, { runs, seconds, folder })
    }
    return exitCode.pass
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs all kinds on a machine in one condition, and prints the table of their findings. */
async function runAll(
  machine: Machine,
  { runs, seconds, folder }: { runs: number; seconds: number; folder: string },
): Promise<void> {
  console.log(`${machines[machine].title}:`)
  const lifeMs = runs * (seconds * 2000 + overtimeMs)
  const busy = Array.from({ length: machines[machine].busyPrograms }, () =>
    processes.start({ program: 'sh', args: ['-c', 'while :; do :; done'] }, { lifeMs }),
  )
  try {
    const found = []
    for (let run = 0; run < runs; run++) found.push(await runOne(join(folder, machine), run, seconds))
    const led = shareLedBy('machine-busy', found)
    console.log(`\n${tallyOf(found)}`)
    console.log(
      `doubted for another cause than machine-busy: ${formatPercent(shareDoubtedBeside('machine-busy', found))}`,
    )
    console.log(`of those doubted, machine-busy leads in: ${led === undefined ? '-' : formatPercent(led)}\n`)
  } finally {
    await Promise.all(busy.map(child => child.stop()))
  }
}

async function runOne(folder: string, run: number, seconds: number) {
  const names = Object.keys(kinds) as (keyof typeof kinds)[]
  const kind = names[run % names.length]!
  const loop = [{ send: kind.startsWith('tlv') ? { type: 1, body: 'hello' } : 'hello' }]
  const scenario = { name: `healthy-${run}`, duration: `${seconds}s`, loop, ...kinds[kind] }
  mkdirSync(folder, { recursive: true })
  // A separate cache for every ten runs: neither the user's, nor one disturbed measurement for all.
  process.env['XDG_CACHE_HOME'] = join(folder, `cache-${run % 10}`)
  const lifeMs = seconds * 2000 + overtimeMs
  const { findings, verdict } = await runScenarioRecord(processes, { scenario, folder, lifeMs })
  const doubts = findings.filter(isDoubt)
  console.log(
    `${String(run + 1).padStart(4)}  ${kind.padEnd(18)}${verdict.padEnd(9)}${doubts.map(describe).join(', ')}`,
  )
  return { kind, verdict, codes: doubts.map(({ code }) => code) }
}

function describe({ code, value, limit }: { code: string; value: number; limit: number }): string {
  return `${code} ${Number(value.toPrecision(3))} (${Number(limit.toPrecision(3))})`
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max
}
