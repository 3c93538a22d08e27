import type { Command } from 'commander'
import pc from 'picocolors'
import { type ExitCode, exitCode, type Fault, UserError } from '../errors.ts'
import { isProcess, type ProcessRef } from '../host/processes.ts'
import { list } from '../invalidValue.ts'
import { wantsColors } from '../live/live.ts'
import { describeProtocol } from '../protocols/describeProtocol.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { prepareScenario } from '../run/prepare.ts'
import type { Target } from '../scenario/scenario.ts'
import { wrapWords } from '../terminal/cells.ts'
import { trials } from '../torture/catalog.ts'
import { checkStream, openTorture } from '../torture/prepare.ts'
import { renderOutcome, renderTitle, renderTrial } from '../torture/table.ts'
import { type TortureOptions, type TortureResult, torture } from '../torture/torture.ts'
import type { Trial } from '../torture/trial.ts'
import { formatSetting } from '../units.ts'
import { toolVersion } from '../version.ts'
import { addSettings, overridesOf } from './flags.ts'
import type { CommandIo } from './io.ts'
import { readSources, textsOf } from './sources.ts'
import { loadWithRequest, sendOverride } from './validRequest.ts'
import { variableFaults } from './variables.ts'

interface TortureFlags extends Readonly<Record<string, unknown>> {
  readonly env?: string
  readonly send?: string
  readonly pid?: string
  readonly only?: string
  readonly json?: true
  readonly color: boolean
}

type Options = Omit<TortureOptions, 'onResult'>

/** The flags of `volley torture` that set keys of a scenario. */
export const settingNames = ['protocol', 'timeout', 'seed']
const columns = 80
const nameCells = 19

/** `volley torture`: tests how a server frames messages, and prints a table. */
export function addTorture(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  const command = program
    .command('torture')
    .description('test how a server frames messages: split, glued, malformed and unfinished ones')
    .argument(
      '<url | scenario>',
      'a URL as for run, or a scenario file or - for standard input, whose target and first step are used',
    )
  addSettings(command, settingNames)
    .option('--send <text or JSON>', 'the valid request: a text, or fields as in {"type": 1, "body": "hello"}')
    .option('--env <name>', 'an environment of the scenario')
    .option('--pid <n>', "watch the memory of the server's process, its group and its children")
    .option('--only <names>', 'only these trials, separated by commas')
    .option('--json', 'print the results as JSON')
    .option('--no-color', 'no colours, as with NO_COLOR')
    .addHelpText('after', trialsHelp)
    .action(async (source: string, flags: TortureFlags) => done(await tortureSource(source, flags, io)))
}

function trialsHelp(): string {
  const lines = trials.flatMap(({ name, does }) =>
    wrapWords(does, columns - nameCells - 2).map(
      (line, index) => `  ${(index === 0 ? name : '').padEnd(nameCells)}${line}`,
    ),
  )
  return `\nTrials:\n${lines.join('\n')}`
}

async function tortureSource(source: string, flags: TortureFlags, io: CommandIo): Promise<ExitCode> {
  const chosen = chosenTrials(flags.only)
  const [read] = await readSources([source], io)
  const { name, text } = read!
  const misspelt = variableFaults(io.env, textsOf([read!]))
  if (misspelt.length > 0) throw new UserError(misspelt)
  const overrides = overridesOf(flags, io.env, settingNames)
  const loaded = await loadWithRequest(name, {
    overrides: flags.send === undefined ? overrides : [...overrides, sendOverride(flags.send)],
    variables: io.env,
    ...(flags.env !== undefined && { environment: flags.env }),
    ...(text !== undefined && { text }),
  })
  checkStream(loaded)
  const watched = watchedProcess(flags.pid, loaded.scenario.target)
  const prepared = await prepareScenario(loaded)
  const { signal } = io
  const { settings, stop } = await openTorture({ ...prepared, source: name, loaded, watched, signal })
  try {
    const options = { ...settings, trials: chosen }
    return exitCodeOf(
      await (flags.json ? printJson(options, loaded.redacted.protocol, io) : printTable(options, flags, io)),
    )
  } catch (error) {
    if (error instanceof UserError && signal.aborted) return exitCode.interrupted
    throw error
  } finally {
    await stop()
  }
}

async function printTable(options: Options, flags: TortureFlags, io: CommandIo): Promise<TortureResult> {
  const colors = pc.createColors(wantsColors(io.stdout, flags, io.env))
  const print = (text: string) => io.stdout.write(text)
  let hasTitle = false
  const result = await torture({
    ...options,
    onResult(trial) {
      // With the first result: until then the torture may still fail as a whole.
      if (!hasTitle) print(renderTitle(titleOf(options), colors, io.stdout))
      hasTitle = true
      print(renderTrial(trial, options.process !== undefined, colors, io.stdout))
    },
  })
  print(renderOutcome(result.trials, result.interrupted, colors))
  return result
}

async function printJson(options: Options, protocol: ProtocolSpec, { stdout }: CommandIo): Promise<TortureResult> {
  const result = await torture({ ...options, onResult() {} })
  stdout.write(`${JSON.stringify(recordOf(options, protocol, result), null, 2)}\n`)
  return result
}

/** The record that `--json` prints; `protocol` is the scenario's, without secrets. */
export function recordOf(options: Options, protocol: ProtocolSpec, result: TortureResult) {
  const { target, subject, timeoutMs, seed, process: watched } = options
  return {
    schema: 'volley.torture/1',
    tool: { name: 'volley', version: toolVersion },
    target,
    protocol,
    requestBytes: subject.request.length,
    timeoutMs,
    seed,
    ...(watched && { watched }),
    ...result,
  }
}

function titleOf({ subject, target, timeoutMs, seed, process: watched }: Options) {
  return {
    protocol: [describeProtocol(subject.spec), ...(subject.layers ?? [])].join(' + '),
    target,
    requestBytes: subject.request.length,
    timeout: formatSetting(timeoutMs),
    seed,
    watched: watched && `process ${watched.pid}${watched.group ? ' with its group' : ''}`,
  }
}

function exitCodeOf({ trials: results, interrupted }: TortureResult): ExitCode {
  if (interrupted) return exitCode.interrupted
  return results.some(({ verdict }) => verdict === 'fail') ? exitCode.failed : exitCode.pass
}

/** The trials that `--only` names, or all; throws a UserError with every unknown name. */
export function chosenTrials(only: string | undefined): readonly Trial[] {
  if (only === undefined) return trials
  const known = trials.map(({ name }) => name)
  const names = only.split(',').map(name => name.trim())
  const faults = names
    .filter(name => !known.includes(name))
    .map((name): Fault => ({ place: '--only', message: `unknown trial "${name}"; there are ${list(known)}` }))
  if (faults.length > 0) throw new UserError(faults)
  return trials.filter(({ name }) => names.includes(name))
}

/** The process that `--pid` names; throws a UserError if it cannot be watched. */
export function watchedProcess(text: string | undefined, target: Target): ProcessRef | undefined {
  if (text === undefined) return undefined
  const fault = (message: string) => new UserError([{ place: '--pid', message }])
  if (!('address' in target) || 'command' in target) {
    throw fault('the scenario starts its server, so its process is known: leave this flag out')
  }
  if (!/^[1-9]\d{0,9}$/.test(text)) throw fault(`expected the id of a process, got "${text}"`)
  const pid = Number(text)
  if (!isProcess(pid)) {
    throw fault(`no process ${text} is visible here; memory can be watched on Linux, on the server's machine`)
  }
  return { pid, group: true }
}
