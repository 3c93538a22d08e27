import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { isDoubt } from '../harness/audit/finding.ts'
import { exitCode } from '../harness/errors.ts'
import { parseFlags } from './command.ts'
import { Processes } from './processes.ts'
import { endWithUs, runScenarioRecord } from './scenarioRun.ts'
import { tallyOf } from './tally.ts'

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
  },
} as const

const processes = new Processes()
endWithUs(processes, exitCode.interrupted)

process.exit(await main())

/**
 * Runs healthy loads in turn and counts the findings of the audit. That the client limits a saturated loop is true if
 * client and server share a machine; other findings are mistakes, or caused by other work on the machine.
 */
async function main(): Promise<number> {
  const command = new Command('npm run healthy-runs --')
    .description('Counts how often the audit doubts healthy runs.')
    .option('--runs <n>', 'number of runs, over all kinds', '100')
    .option('--seconds <n>', 'length of each run, without its warm-up', '3')
  const end = parseFlags(command)
  if (end !== undefined) return end
  const { runs: runsText, seconds: secondsText } = command.opts<{ runs: string; seconds: string }>()
  const [runs, seconds] = [Number(runsText), Number(secondsText)]
  if (!isWhole(runs, runsMax) || !isWhole(seconds, secondsMax)) {
    console.error(`expected whole numbers: --runs from 1 to ${runsMax}, --seconds from 1 to ${secondsMax}`)
    return exitCode.couldNotRun
  }
  const folder = mkdtempSync(join(tmpdir(), 'volley-healthy-'))
  try {
    const found = []
    for (let run = 0; run < runs; run++) found.push(await runOne(folder, run, seconds))
    console.log(tallyOf(found))
    return exitCode.pass
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runOne(folder: string, run: number, seconds: number) {
  const names = Object.keys(kinds) as (keyof typeof kinds)[]
  const kind = names[run % names.length]!
  const loop = [{ send: kind.startsWith('tlv') ? { type: 1, body: 'hello' } : 'hello' }]
  const scenario = { name: `healthy-${run}`, duration: `${seconds}s`, loop, ...kinds[kind] }
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
