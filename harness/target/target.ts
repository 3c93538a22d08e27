import { setTimeout as sleep } from 'node:timers/promises'
import { formatEndpoint } from '../address.ts'
import { messageOf, UserError } from '../errors.ts'
import { freePort } from '../port.ts'
import type { SpokenProtocol } from '../protocols/composed.ts'
import type { LayerSettings } from '../protocols/layers/settings.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { protocolText } from '../protocols/spec.ts'
import type { RelaySettings } from '../relaySettings.ts'
import type { Target } from '../scenario/scenario.ts'
import { parseAddress, probe, resolveAddress } from '../transports/resolve.ts'
import type { Address, TlsSettings } from '../transports/transport.ts'
import { startChild } from './child.ts'
import { addressThrough, relayArguments } from './relayArguments.ts'

const readyMsMax = 15_000
const probeMs = 50
/** Where a reference server finds its keys, or the secret of its group, when no flag has them. */
const secretVariables = {
  key: 'VOLLEY_SERVE_KEY',
  layerKey: 'VOLLEY_SERVE_LAYER_KEY',
  secret: 'VOLLEY_SERVE_SECRET',
} as const

/** A target that is up and can be connected to. */
export interface RunningTarget {
  readonly address: Address
  /** The server's process, and whether it is the leader of a group that is to be taken as a whole. */
  readonly process?: { readonly pid: number; readonly group: boolean }
  /** What a server of ours counted in all: its last word, so nothing before `stop`, nor when it was killed. */
  requests(): number | undefined
  /** What it sent in all that answered no request of the connection, in the same way; absent for a server that is not ours. */
  deliveries?(): number | undefined
  /** How the server ended, when it did so of itself. */
  ended(): string | undefined
  /** Ends what was started for the run, in order if it lets itself be. */
  stop(): Promise<void>
}

export interface TargetOptions {
  readonly protocol: SpokenProtocol
  readonly tls?: TlsSettings | undefined
  /** The target as it may be shown. */
  readonly shown: Target
  /** What a relay draws its jitter, losses and resets with. */
  readonly seed: number
  /** Gives up the wait for a target that is not up yet. */
  readonly signal: AbortSignal
}

/** Starts the server that a scenario names, or makes sure that the one it points at answers. */
export async function openTarget(target: Target, options: TargetOptions): Promise<RunningTarget> {
  const patience = AbortSignal.any([options.signal, AbortSignal.timeout(readyMsMax)])
  const upstream = await openUpstream(target, options, patience)
  return target.relay === undefined ? upstream : relayTo(upstream, target.relay, options.seed, patience)
}

async function openUpstream(target: Target, options: TargetOptions, patience: AbortSignal): Promise<RunningTarget> {
  if ('serve' in target) return serve(target, options, patience)
  if ('command' in target) return runCommand(target, options, patience)
  return reach(target, options, patience)
}

/** A target that is reached by way of a relay; all that is told of it is the server's. */
async function relayTo(
  upstream: RunningTarget,
  settings: RelaySettings,
  seed: number,
  patience: AbortSignal,
): Promise<RunningTarget> {
  const child = startChild('targets/main', relayArguments(upstream.address, settings, seed))
  try {
    const { address } = await child.told('listening', patience)
    return {
      ...upstream,
      address: addressThrough(parseAddress(String(address)), upstream.address),
      ended: () => upstream.ended() ?? child.ended()?.replace(/^it /, 'its relay '),
      async stop() {
        // What is still on its way reaches the server before that one is stopped, and is counted there.
        await child.stop()
        await upstream.stop()
      },
    }
  } catch (error) {
    await child.stop()
    await upstream.stop()
    throw new UserError(`the relay did not start: ${why(error)}${child.errorText()}`)
  }
}

async function reach({ address: url }: { address: string }, options: TargetOptions, patience: AbortSignal) {
  const address = await resolveAddress(parseAddress(url, options.tls))
  try {
    await probe(address, patience)
  } catch (error) {
    const shown = 'address' in options.shown ? options.shown.address : url
    throw new UserError(`cannot reach ${shown}: ${why(error)}`, startHint(address, options.protocol.spec))
  }
  return { address, requests: () => undefined, ended: () => undefined, stop: async () => {} }
}

async function serve(
  { serve: name, options, over = 'tcp' }: Extract<Target, { serve: string }>,
  { protocol: { spec: protocol, layers } }: TargetOptions,
  patience: AbortSignal,
): Promise<RunningTarget> {
  // A flag would be seen by everybody who lists processes.
  const isSecret = (name: string): name is keyof typeof secretVariables => Object.hasOwn(secretVariables, name)
  const settings: Readonly<Record<string, unknown>> = { ...layersOf(options, layers), ...options }
  // Those that the scenario does not set are taken away: the server is what the scenario says, whatever is exported.
  const env = Object.fromEntries(
    Object.entries(secretVariables).map(([name, variable]) => [
      variable,
      settings[name] === undefined ? undefined : String(settings[name]),
    ]),
  )
  const { listen = '127.0.0.1:0', ...others } = settings
  const flags = Object.entries(others).flatMap(([key, value]) => {
    if (isSecret(key)) return []
    const flag = `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
    if (value === false) return []
    return value === true ? [flag] : [flag, String(value)]
  })
  const speaks = name === 'echo' || name === protocol.name
  if (speaks && !('protocol' in options)) flags.push('--protocol', protocolText(protocol))
  const child = startChild(
    'targets/main',
    [name, '--listen', over === 'udp' ? `udp://${listen}` : String(listen), ...flags],
    env,
  )
  let requests: number | undefined
  let deliveries: number | undefined
  child.on('stats', message => {
    if (message['final'] !== true) return
    requests = Number(message['requests'])
    deliveries = Number(message['deliveries'])
  })
  try {
    const { address } = await child.told('listening', patience)
    const parsed = parseAddress(String(address))
    return {
      ...child,
      address: parsed,
      process: { pid: child.pid, group: 'workers' in options || 'reloadEvery' in options },
      requests: () => requests,
      deliveries: () => deliveries,
    }
  } catch (error) {
    await child.stop()
    throw new UserError(`the ${name} server did not start: ${why(error)}${child.errorText()}`)
  }
}

/** The scenario's layers as options of its server, which has them unless it names its own. */
function layersOf(
  options: Readonly<Record<string, unknown>>,
  layers: LayerSettings | undefined,
): Readonly<Record<string, string>> {
  if (layers === undefined || 'layers' in options) return {}
  return { layers: layers.names.join(','), ...(layers.key !== undefined && { layerKey: layers.key }) }
}

async function runCommand(
  { command, address }: Extract<Target, { command: string }>,
  { tls, shown }: TargetOptions,
  patience: AbortSignal,
): Promise<RunningTarget> {
  const port = String(await freePort())
  const url = (address ?? 'tcp://127.0.0.1:{port}').replaceAll('{port}', port)
  const child = startChild('harness/target/supervise', [command.replaceAll('{port}', port)])
  try {
    const { pid } = await child.told('pid', patience)
    const resolved = await resolveAddress(parseAddress(url, tls))
    await answers(resolved, patience, () => child.ended())
    const group = { pid: Number(pid), group: true }
    return { ...child, address: resolved, process: group, requests: () => undefined }
  } catch (error) {
    await child.stop()
    const named = 'command' in shown ? shown.command.replaceAll('{port}', port) : command
    throw new UserError(`"${named}" did not start: ${why(error)}${child.errorText()}`)
  }
}

/** Connects again and again until somebody answers. */
async function answers(address: Address, patience: AbortSignal, ended: () => string | undefined): Promise<void> {
  for (;;) {
    try {
      return await probe(address, AbortSignal.any([patience, AbortSignal.timeout(probeMs * 10)]))
    } catch (error) {
      const reason = ended()
      if (reason !== undefined) throw new Error(reason)
      if (patience.aborted) throw new Error(`no connection to ${formatEndpoint(address)} (${why(error)})`)
      await sleep(probeMs)
    }
  }
}

function why(error: unknown): string {
  const name = error instanceof Error ? error.name : ''
  if (name === 'TimeoutError') return `nothing heard of it within ${readyMsMax / 1000} s`
  return name === 'AbortError' ? 'interrupted' : messageOf(error)
}

/** How to start a server of ours where nobody listens. */
function startHint(address: Address, { name }: ProtocolSpec): string | undefined {
  if (address.scheme === 'tls') return undefined
  const isPlain = address.scheme === 'unix' || address.scheme === 'udp'
  const listen = isPlain ? formatEndpoint(address) : `${address.host}:${address.port}`
  const ownKinds = ['tlv', 'rpc', 'broadcast', 'http']
  const kind = ownKinds.includes(name) ? name : 'echo'
  if (name === 'resp') return 'is the server running?'
  const protocol = name === 'line' || name === 'frame' ? ` --protocol ${name}` : ''
  return `is the server running? "volley serve ${kind} --listen ${listen}${protocol}" starts a reference server`
}
