import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { exitCode } from '../harness/errors.ts'
import { parseFlags } from './command.ts'
import { Processes } from './processes.ts'
import { endWithUs, runScenarioRecord } from './scenarioRun.ts'
import { tallyOf } from './tally.ts'

const secondsMax = 60
const runsMax = 1000
const overtimeMs = 60_000

/**
 * Loads that nothing is wrong with. Those by a plan are answered in milliseconds: beside a reply in a twentieth of one
 * the wake-ups of a shared machine are a true finding.
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
 * Runs healthy loads in turn and counts what the audit says of each. That a saturated loop is limited by its client is
 * true where the two share a machine; the rest it says by mistake, or of what else the machine did.
 */
async function main(): Promise<number> {
  const command = new Command('npm run healthy-runs --')
    .description('Counts how often the audit doubts runs that nothing is wrong with.')
    .option('--runs <n>', 'how many runs, of all kinds together', '100')
    .option('--seconds <n>', 'length of each, without its warm-up', '3')
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
  // What is kept of this machine is not to be that of a single disturbed measurement, nor the user's.
  process.env['XDG_CACHE_HOME'] = join(folder, `cache-${run % 10}`)
  const lifeMs = seconds * 2000 + overtimeMs
  const { findings, verdict } = await runScenarioRecord(processes, { scenario, folder, lifeMs })
  const doubts = findings.filter(({ severity }) => severity !== 'note')
  console.log(`${String(run + 1).padStart(4)}  ${kind.padEnd(18)}${verdict.padEnd(9)}${doubts.map(told).join(', ')}`)
  return { kind, verdict, codes: doubts.map(({ code }) => code) }
}

function told({ code, value, limit }: { code: string; value: number; limit: number }): string {
  return `${code} ${Number(value.toPrecision(3))} (${Number(limit.toPrecision(3))})`
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max
}
