import { setTimeout as sleep } from 'node:timers/promises'
import { formatEndpoint, formatHost } from '../address.ts'
import { NoAnswer, startDeadline } from '../deadline.ts'
import { messageOf, UserError } from '../errors.ts'
import { freePort } from '../port.ts'
import type { SpokenProtocol } from '../protocols/composed.ts'
import type { LayerSettings } from '../protocols/layers/settings.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { protocolText } from '../protocols/spec.ts'
import type { RelaySettings } from '../relaySettings.ts'
import type { Target } from '../scenario/scenario.ts'
import { flagOf } from '../serverOptions.ts'
import { firstToAccept } from '../transports/probe.ts'
import { type Family, parseAddress, resolveAddresses } from '../transports/resolve.ts'
import type { Address, TlsSettings } from '../transports/transport.ts'
import { startChild } from './child.ts'
import { addressThrough, relayArguments } from './relayArguments.ts'

const readyMsMax = 15_000
const probeMs = 50
/** How long an address of a server that starts may take to accept a connection, before it is tried again. */
const attemptMsMax = 500
/** The variables from which a reference server takes its keys, or the secret of its group, when no flag gives them. */
const secretVariables = {
  key: 'VOLLEY_SERVE_KEY',
  layerKey: 'VOLLEY_SERVE_LAYER_KEY',
  secret: 'VOLLEY_SERVE_SECRET',
} as const

/** A target that is up and can be connected to. */
export interface RunningTarget {
  readonly address: Address
  /** The server's process, and whether it leads a process group whose members count as the server too. */
  readonly process?: { readonly pid: number; readonly group: boolean }
  /**
   * Where processes of the server that the run has not started itself are to be looked for: at the address of one that was
   * there before, or that a command may have asked another program to start; also where a relay leads to it.
   */
  readonly found?: Address
  /** The final count of a reference server: undefined before `stop`, and when it was killed. */
  requests(): number | undefined
  /** Its final count of messages that answered no request of their connection; absent for other servers. */
  deliveries?(): number | undefined
  /** What the relay before it has counted: undefined before `stop`; absent where there is none. */
  relay?(): { readonly arrivals: number; readonly lateMs: number } | undefined
  /** How the server exited, if it did so by itself. */
  ended(): string | undefined
  /** Ends what was started for the run, and waits until it has exited. */
  stop(): Promise<void>
}

export interface TargetOptions {
  readonly protocol: SpokenProtocol
  readonly tls?: TlsSettings | undefined
  /** The target as it may be shown. */
  readonly shown: Target
  /** The seed from which a relay draws its jitter, losses and resets. */
  readonly seed: number
  /** How long an address may take to accept the first connection; of a server that is started here, every attempt is shorter. */
  readonly timeoutMs: number
  /** That of the source addresses, where the scenario has any. */
  readonly family?: Family | undefined
  /** Ends the wait for a target that is not up yet. */
  readonly signal: AbortSignal
}

/** Starts the server of a scenario, or checks that the one at its address answers. */
export async function openTarget(target: Target, options: TargetOptions): Promise<RunningTarget> {
  const patience = startDeadline(readyMsMax, options.signal)
  try {
    // Behind a relay the server is not what the source addresses connect to.
    const reached = target.relay === undefined ? options : { ...options, family: undefined }
    const upstream = await openUpstream(target, reached, patience.signal)
    return await (target.relay === undefined
      ? upstream
      : relayTo(upstream, target.relay, options.seed, patience.signal))
  } finally {
    patience.end()
  }
}

async function openUpstream(target: Target, options: TargetOptions, patience: AbortSignal): Promise<RunningTarget> {
  if ('serve' in target) return serve(target, options, patience)
  if ('command' in target) return runCommand(target, options, patience)
  return reach(target, options)
}

/** A target reached through a relay; its process and its counts are the server's. */
async function relayTo(
  upstream: RunningTarget,
  settings: RelaySettings,
  seed: number,
  patience: AbortSignal,
): Promise<RunningTarget> {
  const child = startChild('targets/main', relayArguments(upstream.address, settings, seed))
  let counted: { readonly arrivals: number; readonly lateMs: number } | undefined
  child.on('stats', ({ final, arrivals, lateMs }) => {
    if (final === true) counted = { arrivals: Number(arrivals), lateMs: Number(lateMs) }
  })
  try {
    const { address } = await child.firstMessage('listening', patience)
    return {
      ...upstream,
      address: addressThrough(parseAddress(String(address)), upstream.address),
      relay: () => counted,
      ended: () => upstream.ended() ?? child.ended()?.replace(/^it /, 'its relay '),
      async stop() {
        // The relay stops first, so that what is still on its way reaches the server and is counted there.
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

async function reach({ address: url }: { address: string }, options: TargetOptions) {
  const addresses = await resolveAddresses(parseAddress(url, options.tls), options.family)
  let address: Address
  try {
    address = await firstToAccept(addresses, options.timeoutMs, options.signal)
  } catch (error) {
    const shown = 'address' in options.shown ? options.shown.address : url
    const hint = startHint(addresses[0]!, options.protocol.spec) ?? trustHint(error)
    throw new UserError(`cannot reach ${shown}: ${why(error)}`, hint)
  }
  return { address, found: address, requests: () => undefined, ended: () => undefined, stop: async () => {} }
}

async function serve(
  { serve: name, options, over = 'tcp' }: Extract<Target, { serve: string }>,
  { protocol: { spec: protocol, layers } }: TargetOptions,
  patience: AbortSignal,
): Promise<RunningTarget> {
  // Secrets are passed in variables, because everybody who lists processes can see a flag.
  const isSecret = (name: string): name is keyof typeof secretVariables => Object.hasOwn(secretVariables, name)
  const settings: Readonly<Record<string, unknown>> = { ...layersOf(options, layers), ...options }
  // Variables that the scenario does not set are removed, so that exported ones do not change the server.
  const env = Object.fromEntries(
    Object.entries(secretVariables).map(([name, variable]) => [
      variable,
      settings[name] === undefined ? undefined : String(settings[name]),
    ]),
  )
  const { listen = '127.0.0.1:0', ...others } = settings
  const flags = Object.entries(others).flatMap(([key, value]) => {
    if (isSecret(key)) return []
    const flag = flagOf(key)
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
    const { address } = await child.firstMessage('listening', patience)
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

/** The scenario's layers as options of its server, unless the options name layers themselves. */
function layersOf(
  options: Readonly<Record<string, unknown>>,
  layers: LayerSettings | undefined,
): Readonly<Record<string, string>> {
  if (layers === undefined || 'layers' in options) return {}
  return { layers: layers.names.join(','), ...(layers.key !== undefined && { layerKey: layers.key }) }
}

async function runCommand(
  { command, address }: Extract<Target, { command: string }>,
  { tls, shown, family }: TargetOptions,
  patience: AbortSignal,
): Promise<RunningTarget> {
  const port = String(await freePort())
  const url = (address ?? 'tcp://127.0.0.1:{port}').replaceAll('{port}', port)
  const child = startChild('harness/target/supervise', [command.replaceAll('{port}', port)])
  try {
    const { pid } = await child.firstMessage('pid', patience)
    const addresses = await resolveAddresses(parseAddress(url, tls), family)
    const resolved = await answers(addresses, patience, () => child.ended())
    const group = { pid: Number(pid), group: true }
    return { ...child, address: resolved, found: resolved, process: group, requests: () => undefined }
  } catch (error) {
    await child.stop()
    const named = 'command' in shown ? shown.command.replaceAll('{port}', port) : command
    throw new UserError(`"${named}" did not start: ${why(error)}${child.errorText()}`)
  }
}

/** Connects again and again until the server answers; the address that it answers at. */
async function answers(
  addresses: readonly Address[],
  patience: AbortSignal,
  ended: () => string | undefined,
): Promise<Address> {
  let last = ''
  for (;;) {
    try {
      return await firstToAccept(addresses, attemptMsMax, patience)
    } catch (error) {
      const reason = ended()
      if (reason !== undefined) throw new Error(reason)
      if (patience.aborted) {
        const cause = patience.reason instanceof NoAnswer && last !== '' ? `${why(error)}: ${last}` : why(error)
        throw new Error(`no connection to ${formatEndpoint(addresses[0]!)} (${cause})`)
      }
      last = why(error)
      await sleep(probeMs)
    }
  }
}

function why(error: unknown): string {
  return error instanceof Error && error.name === 'AbortError' ? 'interrupted' : messageOf(error)
}

/** How to trust a certificate that is refused; undefined where the error is another. */
function trustHint(error: unknown): string | undefined {
  if (!/certificate|altname/i.test(messageOf(error))) return undefined
  return 'certificates that this system trusts are accepted; name others in tls: { ca: ca.pem }, or accept any with --insecure'
}

/** How to start a reference server at an address where nothing listens. */
function startHint(address: Address, spec: ProtocolSpec): string | undefined {
  const { name } = spec
  if (address.scheme === 'tls') return undefined
  const isPlain = address.scheme === 'unix' || address.scheme === 'udp'
  const listen = isPlain ? formatEndpoint(address) : `${formatHost(address.host)}:${address.port}`
  const ownKinds = ['tlv', 'rpc', 'broadcast', 'http']
  const kind = ownKinds.includes(name) ? name : 'echo'
  // A name stands for servers of others.
  if (name === 'resp' || ('called' in spec && spec.called !== undefined)) return 'is the server running?'
  const protocol = name === 'line' || name === 'frame' ? ` --protocol ${name}` : ''
  const hasFraming = spec.name === 'broadcast' && spec.framing !== undefined && spec.framing !== 'line'
  const framing = hasFraming ? ` --framing ${spec.framing}` : ''
  return `is the server running? "volley serve ${kind} --listen ${listen}${protocol}${framing}" starts a reference server`
}
