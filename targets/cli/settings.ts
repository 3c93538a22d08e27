import { type Fault, UserError } from '../../harness/errors.ts'
import { list } from '../../harness/invalidValue.ts'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import { expectedOf, parseOption } from '../../harness/optionValue.ts'
import {
  conflictsOf,
  flagOf,
  type OptionName,
  type OptionTexts,
  type OptionValues,
  optionEntries,
  type ServerName,
  serverNames,
} from '../../harness/serverOptions.ts'
import { hasBuffers, loadSocketCalls, type SocketSettings } from '../../harness/socketOptions.ts'
import type { Service } from '../server/service.ts'
import type { TrafficLogSettings } from '../server/trafficLog.ts'
import { composeService, describerOf } from './compose.ts'
import { type AddFault, framingOf } from './framing.ts'

const reloadTimeoutMsDefault = 30_000

/** Everything that starting a server needs. */
export interface ServingSettings {
  readonly listen: ListenAddress
  readonly overUdp: boolean
  readonly service: Service
  /** Number of processes. */
  readonly workers: number
  /** The longest message that is accepted, in bytes. */
  readonly maxFrame: number
  readonly reloadTimeoutMs: number
  readonly reloadEveryMs?: number
  readonly maxSendBufferBytes?: number
  readonly connectionsMax?: number
  readonly idleTimeoutMs?: number
  readonly socket: SocketSettings
  /** What a log of its traffic prints. */
  readonly logging?: Pick<TrafficLogSettings, 'events' | 'describe' | 'isStream'>
}

/** The settings that the options ask for; throws a UserError that lists every fault. */
export function serverSettings(name: string, given: OptionTexts): ServingSettings {
  if (!isServerName(name)) {
    throw new UserError(`unknown server "${name}"; there are ${list([...serverNames, 'relay'])}`)
  }
  const texts: OptionTexts = { ...defaultTexts, ...given }
  const faults: Fault[] = []
  const addFault: AddFault = (option, message) => {
    const place = flagOf(option)
    if (!faults.some(fault => fault.place === place && fault.message === message)) faults.push({ place, message })
  }
  const values = readOptions(name, texts, addFault)
  const framing = framingOf(name, { texts, values }, addFault)
  checkSocket(values, addFault)
  if (faults.length > 0 || framing === undefined || values.listen === undefined) throw new UserError(faults)

  const { address: listen, overUdp } = values.listen
  const { workers = 1, reloadTimeout, reloadEvery, maxSendBuffer, maxConnections, idleTimeout, log } = values
  const service = composeService(name, values, framing)
  return {
    listen,
    overUdp,
    service,
    workers,
    socket: socketOf(values),
    ...(log !== undefined && {
      logging: { events: log, describe: describerOf(service, values, framing), isStream: !overUdp },
    }),
    maxFrame: framing.maxFrame,
    reloadTimeoutMs: reloadTimeout ?? reloadTimeoutMsDefault,
    ...(reloadEvery !== undefined && { reloadEveryMs: reloadEvery }),
    ...(maxSendBuffer !== undefined && { maxSendBufferBytes: maxSendBuffer }),
    ...(maxConnections !== undefined && { connectionsMax: maxConnections }),
    ...(idleTimeout !== undefined && { idleTimeoutMs: idleTimeout }),
  }
}

function socketOf({ receiveBuffer, sendBuffer, noDelay }: OptionValues): SocketSettings {
  return {
    ...(receiveBuffer !== undefined && { receiveBuffer }),
    ...(sendBuffer !== undefined && { sendBuffer }),
    ...(noDelay !== undefined && { noDelay }),
  }
}

/** Options of sockets that this machine, or a unix socket, does not have. */
function checkSocket(values: OptionValues, addFault: AddFault): void {
  const { listen, noDelay } = values
  if (listen === undefined) return
  if (noDelay !== undefined && 'path' in listen.address) addFault('noDelay', 'is for TCP, not for a unix socket')
  // Over UDP Node itself sets them.
  const calls = listen.overUdp || !hasBuffers(socketOf(values)) ? undefined : loadSocketCalls()
  if (typeof calls !== 'string') return
  for (const name of ['receiveBuffer', 'sendBuffer'] as const) {
    if (values[name] !== undefined) addFault(name, `cannot be set for TCP on this machine: ${calls}`)
  }
}

const defaultTexts: OptionTexts = Object.fromEntries(
  optionEntries.flatMap(([name, option]) => (option.default === undefined ? [] : [[name, option.default]])),
)

/** The values of all options that are valid, after the checks of the table of options. */
function readOptions(server: ServerName, texts: OptionTexts, addFault: AddFault): OptionValues {
  const values: Partial<Record<OptionName, unknown>> = {}
  const overUdp = String(texts.listen).startsWith('udp://')
  for (const [name, { value }] of optionEntries) {
    const text = texts[name]
    if (text === undefined) continue
    const parsed = parseOption(value, text)
    if (parsed !== undefined) values[name] = parsed
    else {
      addFault(name, `expected ${expectedOf(value, text)}${value.kind === 'secret' ? '' : `, got "${text}"`}`)
    }
    for (const message of conflictsOf(name, texts, { server, overUdp, show: flagOf })) addFault(name, message)
  }
  return values as OptionValues
}

function isServerName(name: string): name is ServerName {
  return (serverNames as readonly string[]).includes(name)
}
