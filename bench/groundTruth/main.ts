import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { isDoubt } from '../../harness/audit/finding.ts'
import { exitCode, messageOf } from '../../harness/errors.ts'
import type { Report } from '../../harness/report/record.ts'
import { parseFlags } from '../command.ts'
import { Processes } from '../processes.ts'
import { endWithUs, runScenarioRecord } from '../scenarioRun.ts'
import { type Experiment, experiments } from './experiments.ts'
import { type Judgement, judge } from './judge.ts'

const secondsMin = 10
const secondsMax = 600
const overtimeMs = 60_000
/** A run may be extended by its own length. */
const lengthsMax = 2

const processes = new Processes()
endWithUs(processes, exitCode.interrupted)

process.exit(await main())

async function main(): Promise<number> {
  const command = new Command('npm run ground-truth --')
    .description('Runs volley against servers whose answer is known, and compares its figures with that.')
    .option('--seconds <n>', 'length of most experiments', '60')
    .option('--only <ids>', 'only these experiments, such as G4,G12')
  const end = parseFlags(command)
  if (end !== undefined) return end
  const { seconds: text, only } = command.opts<{ seconds: string; only?: string }>()
  const seconds = Number(text)
  if (!Number.isInteger(seconds) || seconds < secondsMin || seconds > secondsMax) {
    console.error(`--seconds: expected a whole number from ${secondsMin} to ${secondsMax}, got "${text}"`)
    return exitCode.couldNotRun
  }
  const ids = only?.split(',').map(id => id.trim().toUpperCase())
  const chosen = experiments(seconds).filter(
    ({ id }) => ids === undefined || ids.includes(id.split(' ')[0]!.toUpperCase()),
  )
  if (chosen.length === 0) {
    console.error(`--only: there is no experiment "${only}"`)
    return exitCode.couldNotRun
  }
  const folder = mkdtempSync(join(tmpdir(), 'volley-truth-'))
  let wrong = 0
  try {
    for (const experiment of chosen) wrong += await show(experiment, seconds, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(wrong === 0 ? '\nno figure is wrong without a finding' : `\n${wrong} figures are wrong without a finding`)
  return wrong === 0 ? exitCode.pass : exitCode.failed
}

/** Runs one experiment and prints its figures; returns how many are wrong without a finding. */
async function show(experiment: Experiment, seconds: number, folder: string): Promise<number> {
  console.log(`\n${experiment.id}   ${experiment.title}`)
  const lifeMs = lengthsMax * seconds * 1000 + overtimeMs
  let report: Report
  try {
    report = await runScenarioRecord(processes, { scenario: scenarioOf(experiment), folder, lifeMs })
  } catch (error) {
    console.log(`  ${messageOf(error)}`)
    return experiment.truth.length
  }
  const judgements = judge(experiment, report)
  console.log('             shown     truth     error  interval')
  for (const judgement of judgements) console.log(row(judgement))
  const codes = report.findings.filter(isDoubt).map(({ code }) => code)
  console.log(`  ${report.verdict}${codes.length > 0 ? `: ${[...new Set(codes)].join(', ')}` : ''}`)
  return judgements.filter(({ outcome }) => outcome === 'WRONG').length
}

function scenarioOf({ id, settings, server, target = {} }: Experiment) {
  return {
    name: id.replace(' ', '-'),
    target: { serve: 'echo', options: server, ...target },
    protocol: 'line',
    loop: [{ send: 'hello', expect: 'echo' }],
    ...settings,
  }
}

function row({ figure, value, isBound, shown, halfWidth, outcome }: Judgement): string {
  const bound = isBound ? '> ' : ''
  const cells = [
    shown === undefined ? '-' : `${bound}${significant(shown)}`,
    `${bound}${significant(value)}`,
    shown === undefined ? '-' : `${((shown / value - 1) * 100).toFixed(1)} %`,
    halfWidth === undefined ? '' : `± ${significant(halfWidth)}`,
  ]
  return `  ${figure.padEnd(6)}${cells.map(cell => cell.padStart(10)).join('')}   ${outcome}`
}

function significant(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)))
}
