import type { Command } from 'commander'
import pc from 'picocolors'
import { createSingleRequests } from '../engine/client/singleRequests.ts'
import { type ExitCode, exitCode, type Fault, UserError } from '../errors.ts'
import { isProcess, type ProcessRef } from '../host/processes.ts'
import { list } from '../invalidValue.ts'
import { wantsColors } from '../live/live.ts'
import { composeProtocol } from '../protocols/composed.ts'
import { layerSettings } from '../protocols/layers/settings.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { describeProtocol } from '../protocols/spec.ts'
import { prepareScenario } from '../run/run.ts'
import { inEnvironment } from '../scenario/load.ts'
import { hasSecretAddress } from '../scenario/redact.ts'
import { addressedProtocol, isDatagramTarget } from '../scenario/resolve.ts'
import type { Target } from '../scenario/scenario.ts'
import { openTarget } from '../target/target.ts'
import { wrapWords } from '../terminal/cells.ts'
import { trials } from '../torture/catalog.ts'
import { renderOutcome, renderTitle, renderTrial } from '../torture/table.ts'
import { type TortureOptions, type TortureResult, torture } from '../torture/torture.ts'
import type { Trial } from '../torture/trial.ts'
import { formatAddress } from '../transports/resolve.ts'
import { formatSetting } from '../units.ts'
import { toolVersion } from '../version.ts'
import { addSettings, overridesOf } from './flags.ts'
import { interruption } from './interrupt.ts'
import { loadWithValidRequest } from './validRequest.ts'

interface TortureFlags extends Readonly<Record<string, unknown>> {
  readonly env?: string
  readonly send?: string
  readonly pid?: string
  readonly only?: string
  readonly json?: true
  readonly color: boolean
}

/** The keys of a scenario that say what a server is tried with. */
const settingNames = ['protocol', 'timeout', 'seed']
const columns = 80
const nameCells = 19

/** `volley torture`: a table of what a server does when its framing is put to the test. */
export function addTorture(program: Command, done: (code: ExitCode) => void): void {
  const command = program
    .command('torture')
    .description("put a server's framing to the test: split, glued, malformed and unfinished messages")
    .argument('<url | scenario>', 'a URL as for run, or a scenario file, whose target and first step are taken')
  addSettings(command, settingNames)
    .option('--send <text or JSON>', 'the valid request: a text, or fields as in {"type": 1, "body": "hello"}')
    .option('--env <name>', 'an environment of the scenario')
    .option('--pid <n>', "watch the memory of the server's process, its group and its children")
    .option('--only <names>', 'these trials only, with commas between')
    .option('--json', 'print the results as JSON')
    .option('--no-color', 'no colours; so does NO_COLOR')
    .addHelpText('after', trialsHelp)
    .action(async (source: string, flags: TortureFlags) => done(await tortureSource(source, flags)))
}

function trialsHelp(): string {
  const lines = trials.flatMap(({ name, does }) =>
    wrapWords(does, columns - nameCells - 2).map(
      (line, index) => `  ${(index === 0 ? name : '').padEnd(nameCells)}${line}`,
    ),
  )
  return `\nTrials:\n${lines.join('\n')}`
}

async function tortureSource(source: string, flags: TortureFlags): Promise<ExitCode> {
  const chosen = chosenTrials(flags.only)
  const named = await loadWithValidRequest(source, overridesOf(flags, process.env, settingNames), flags.send)
  const loaded = flags.env === undefined ? named : inEnvironment(named, flags.env)
  const { scenario, redacted } = loaded
  if (isDatagramTarget(scenario.target)) {
    throw new UserError('torture cuts and glues what is sent over a stream: it is for TCP, and not for UDP')
  }
  const watched = namedProcess(flags.pid, scenario.target)
  const { bank, materials, seed } = await prepareScenario(loaded)
  const stepsOf = (role: string) => bank.steps.filter(step => step.role === role)
  const made = [...stepsOf('request').slice(0, 1), ...stepsOf('handshake')].filter(({ isMade }) => isMade)
  if (made.length > 0) {
    const message =
      'takes a captured value, and a torture sends the same bytes over every connection: name others with --send'
    throw new UserError(made.map(({ name }) => ({ place: `${source} ${name}`, message })))
  }
  const signal = interruption()

  const layers = layerSettings(scenario)
  const spec = addressedProtocol(scenario)
  const protocol = composeProtocol(spec, { layers, overUdp: false })
  const target = await openTarget(scenario.target, {
    protocol: scenario.protocol,
    layers,
    tls: materials.tls,
    seed,
    shown: redacted.target,
    signal,
  })
  try {
    const { request, handshake } = createSingleRequests({ bank, protocol, key: scenario.key, seed })
    const options: Omit<TortureOptions, 'onResult'> = {
      address: target.address,
      target: hasSecretAddress(scenario.target, redacted.target) ? '***' : formatAddress(target.address),
      subject: {
        spec,
        protocol,
        request: request(),
        handshake: handshake,
      },
      trials: chosen,
      timeoutMs: scenario.timeout,
      seed,
      process: target.process ?? watched,
      signal,
    }
    const result = await (flags.json ? printJson(options, redacted.protocol) : printTable(options, flags))
    return exitCodeOf(result)
  } catch (error) {
    if (error instanceof UserError && signal.aborted) return exitCode.interrupted
    throw error
  } finally {
    await target.stop()
  }
}

async function printTable(options: Omit<TortureOptions, 'onResult'>, flags: TortureFlags): Promise<TortureResult> {
  const colors = pc.createColors(wantsColors(process.stdout, flags, process.env))
  const print = (text: string) => process.stdout.write(text)
  let hasTitle = false
  const result = await torture({
    ...options,
    onResult(trial) {
      // With the first result, as before it nothing may have come of it all.
      if (!hasTitle) print(renderTitle(titleOf(options), colors))
      hasTitle = true
      print(renderTrial(trial, options.process !== undefined, colors))
    },
  })
  print(renderOutcome(result.trials, result.interrupted, colors))
  return result
}

/** `protocol` is that of the scenario as it may be shown. */
async function printJson(options: Omit<TortureOptions, 'onResult'>, protocol: ProtocolSpec): Promise<TortureResult> {
  const result = await torture({ ...options, onResult() {} })
  const { target, subject, timeoutMs, seed, process: watched } = options
  const record = {
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
  process.stdout.write(`${JSON.stringify(record, null, 2)}\n`)
  return result
}

function titleOf({ subject, target, timeoutMs, seed, process: watched }: Omit<TortureOptions, 'onResult'>) {
  return {
    protocol: describeProtocol(subject.spec),
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

function chosenTrials(only: string | undefined): readonly Trial[] {
  if (only === undefined) return trials
  const known = trials.map(({ name }) => name)
  const names = only.split(',').map(name => name.trim())
  const faults = names
    .filter(name => !known.includes(name))
    .map((name): Fault => ({ place: '--only', message: `unknown trial "${name}"; there are ${list(known)}` }))
  if (faults.length > 0) throw new UserError(faults)
  return trials.filter(({ name }) => names.includes(name))
}

/** The process that `--pid` names. */
function namedProcess(text: string | undefined, target: Target): ProcessRef | undefined {
  if (text === undefined) return undefined
  const fault = (message: string) => new UserError([{ place: '--pid', message }])
  if (!('address' in target) || 'command' in target) {
    throw fault('the scenario starts its server, whose process is known: leave it out')
  }
  if (!/^[1-9]\d{0,9}$/.test(text)) throw fault(`expected the id of a process, got "${text}"`)
  const pid = Number(text)
  if (!isProcess(pid)) {
    throw fault(`there is no process ${text} to be seen here; memory is watched on Linux, beside the server`)
  }
  return { pid, group: true }
}
