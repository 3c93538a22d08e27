import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { builtFile, packageRoot } from '../harness/built.ts'
import { printError } from '../harness/cli/errors.ts'
import { type ExitCode, exitCode, UserError } from '../harness/errors.ts'
import { prepareFolder } from '../harness/report/save.ts'
import { runBench } from './bench.ts'
import type { Goal } from './goal.ts'
import { goals } from './goals/catalog.ts'
import { Processes } from './processes.ts'
import { saveResults } from './results.ts'
import { renderResults } from './screen.ts'

const roundsMax = 100
const secondsMin = 0.2
const secondsMax = 60
const quick = { rounds: 2, seconds: 0.2 } as const

interface Flags {
  readonly rounds: string
  readonly seconds: string
  readonly only?: string
  readonly quick?: true
  readonly out: string
}

const processes = new Processes()
const stop = new AbortController()
// Every process that was started ends with this one.
process.on('exit', () => processes.endAll())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second signal means now.
    if (stop.signal.aborted) process.exit(exitCode.interrupted)
    stop.abort()
    processes.endAll()
  })
}

process.exit(await main())

async function main(): Promise<ExitCode> {
  const command = new Command('npm run bench --')
    .description(
      'Compares volley with other load generators and with a C client, and checks the goals P1 to P12; takes about twelve minutes.',
    )
    .option('--rounds <n>', 'rounds, in each of which every side runs once', '5')
    .option('--seconds <n>', 'length of a round', '2')
    .option('--only <goals>', 'only these goals, such as P1,P3')
    .option('--quick', 'two rounds of 0.2 s, to check that everything runs; the figures are meaningless')
    .option('--out <folder>', 'the folder of the results', join(packageRoot, 'bench/results'))
    .exitOverride()
  try {
    command.parse()
    const flags = command.opts<Flags>()
    return await bench(flags)
  } catch (error) {
    if (stop.signal.aborted) {
      process.stderr.write('interrupted: nothing was saved\n')
      return exitCode.interrupted
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.pass : exitCode.couldNotRun
    if (!(error instanceof UserError)) throw error
    printError(error, process.stderr)
    return exitCode.couldNotRun
  }
}

async function bench(flags: Flags): Promise<ExitCode> {
  const settings = flags.quick
    ? quick
    : {
        rounds: numberOf('--rounds', flags.rounds, 1, roundsMax, true),
        seconds: numberOf('--seconds', flags.seconds, secondsMin, secondsMax, false),
      }
  const chosen = chooseGoals(flags.only)
  if (!existsSync(builtFile('harness/cli/main'))) throw new UserError('volley is not built', 'npm run build')
  // Before the minutes of measuring, so that a wrong folder is reported at once.
  await prepareFolder(flags.out)
  const results = await runBench({
    goals: chosen,
    settings,
    processes,
    signal: stop.signal,
    log: text => process.stderr.write(`${text}\n`),
  })
  process.stdout.write(`\n${renderResults(results)}`)
  process.stdout.write(`\nresults  ${await saveResults(results, flags.out)}\n`)
  // A missed goal is not an error: times on a shared machine are noisy.
  return exitCode.pass
}

function numberOf(flag: string, text: string, min: number, max: number, isWhole: boolean): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (value >= min && value <= max && (!isWhole || Number.isInteger(value))) return value
  const kind = isWhole ? 'a whole number' : 'a number'
  throw new UserError([{ place: flag, message: `expected ${kind} from ${min} to ${max}, got "${text}"` }])
}

function chooseGoals(only: string | undefined): readonly Goal[] {
  if (only === undefined) return goals
  const ids = only.split(',').map(id => id.trim().toUpperCase())
  const unknown = ids.filter(id => !goals.some(goal => goal.id === id))
  if (unknown.length === 0) return goals.filter(goal => ids.includes(goal.id))
  const known = goals.map(goal => goal.id).join(', ')
  throw new UserError([{ place: '--only', message: `expected goals from ${known}, got "${unknown.join(', ')}"` }])
}
