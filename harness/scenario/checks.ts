import type { ProtocolSpec } from '../protocols/catalog.ts'
import { formatCount } from '../units.ts'
import { checkAddress } from './address.ts'
import { list, Misfit } from './misfit.ts'
import { type Issue, isMapping, type Path } from './path.ts'
import { limits, type MixStep, type Send, type Step, type Target } from './scenario.ts'
import type { ScenarioSettings } from './schema.ts'
import { parseSlots } from './slots.ts'
import { portSlot } from './target.ts'

/**
 * What does not go together, between settings that each are in order. `settings` has only those: the checks look at
 * what is there, so that every fault is shown at once. `data` is the file as it was written.
 */
export function conflictIssues(data: unknown, settings: Partial<ScenarioSettings>): Issue[] {
  return [
    ...iterationIssues(data),
    ...loadIssues(settings),
    ...inFlightIssues(settings),
    ...tlsIssues(settings),
    ...stepsOf(settings).flatMap(({ path, step }) => [
      ...fieldIssues(path, step, settings.protocol),
      ...(isMapping(data) && 'data' in data ? [] : dataIssues(path, step.send)),
    ]),
  ]
}

function issue(path: Path, message: string): Issue {
  return { path, about: 'value', message }
}

function conflict(path: Path, expected: string, got?: string): Issue {
  return issue(path, new Misfit(expected, got).message)
}

function iterationIssues(data: unknown): Issue[] {
  const found = ['loop', 'mix'].filter(key => isMapping(data) && key in data)
  if (found.length === 1) return []
  return [conflict([], 'exactly one of loop and mix', found.length === 0 ? 'neither' : 'both')]
}

function loadIssues({ load, reconnect, requests }: Partial<ScenarioSettings>): Issue[] {
  const issues: Issue[] = []
  const isOnce = load?.mode === 'once'
  const isEveryRequest = reconnect?.when === 'every-request'
  const reason = isOnce ? 'load.mode: once' : isEveryRequest ? 'reconnect.when: every-request' : undefined
  if (load && load.pipeline > 1 && reason) {
    issues.push(conflict(['load', 'pipeline'], `1 with ${reason}`, String(load.pipeline)))
  }
  if (isOnce && requests !== undefined) {
    issues.push(issue(['requests'], 'does not go with load.mode: once, which sends one pass on each connection'))
  }
  if (isOnce && isEveryRequest) {
    const message = '"every-request" does not go with load.mode: once, which ends after one pass'
    issues.push(issue(['reconnect', 'when'], message))
  }
  return issues
}

function inFlightIssues({ load, connections, protocol }: Partial<ScenarioSettings>): Issue[] {
  if (!load) return []
  const path = ['load', 'pipeline']
  if (protocol?.name === 'frame' && protocol.id) {
    // The id carries the slot and some bits that tell a late reply from a new one.
    const max = 2 ** (8 * protocol.id.bytes - 2)
    const expected = `at most ${formatCount(max)} with ids of ${protocol.id.bytes * 8} bits`
    if (load.pipeline > max) return [conflict(path, expected, String(load.pipeline))]
  }
  const inFlight = load.pipeline * (connections ?? 1)
  if (inFlight <= limits.inFlightMax) return []
  const expected = `at most ${formatCount(limits.inFlightMax)} requests in flight over all connections`
  return [conflict(path, expected, formatCount(inFlight))]
}

function tlsIssues({ tls, target, environments }: Partial<ScenarioSettings>): Issue[] {
  if (!tls) return []
  const issues: Issue[] = []
  const areKnown = target !== undefined && environments !== undefined
  if (areKnown && ![target, ...Object.values(environments)].some(isTls)) {
    issues.push(issue(['tls'], 'goes with a tls:// address, and there is none'))
  }
  const [has, lacks] = tls.cert === undefined ? ['key', 'cert'] : ['cert', 'key']
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    issues.push(conflict(['tls', has!], `tls.${lacks} beside it`, 'none'))
  }
  return issues
}

function isTls(target: Target): boolean {
  if (!('address' in target) || target.address === undefined) return false
  return checkAddress(target.address.replaceAll(portSlot, '1')) === 'tls'
}

interface PlacedStep {
  readonly path: Path
  readonly step: Pick<Step | MixStep, 'send' | 'expect'>
}

function stepsOf({ loop = [], mix = [], connect = [], heartbeat }: Partial<ScenarioSettings>): PlacedStep[] {
  const lists = Object.entries({ loop, mix, connect })
  const steps: PlacedStep[] = lists.flatMap(([key, list]) => list.map((step, index) => ({ path: [key, index], step })))
  return heartbeat ? [...steps, { path: ['heartbeat'], step: { send: heartbeat.send } }] : steps
}

/** The fields beside the body that a message of each protocol has. */
const protocolFields: Readonly<Record<ProtocolSpec['name'], readonly string[]>> = {
  raw: [],
  line: [],
  frame: [],
  tlv: ['type'],
  rpc: ['type', 'version', 'extension'],
}
const rpcTypeMax = 0xff

function protocolsWith(field: string): string[] {
  return Object.entries(protocolFields).flatMap(([name, fields]) => (fields.includes(field) ? [name] : []))
}

function fieldIssues(path: Path, { send, expect }: PlacedStep['step'], protocol: ProtocolSpec | undefined): Issue[] {
  if (!protocol) return []
  const issues: Issue[] = []
  for (const [part, value] of Object.entries<unknown>({ send, expect })) {
    if (!isMapping(value)) continue
    for (const field of protocolFields.rpc) {
      if (!(field in value)) continue
      const place = [...path, part, field]
      if (!protocolFields[protocol.name].includes(field)) {
        const wanted = list(protocolsWith(field), 'or')
        issues.push(issue(place, `goes with protocol ${wanted} only; the protocol is ${protocol.name}`))
      } else if (field === 'type' && protocol.name === 'rpc' && Number(value[field]) > rpcTypeMax) {
        issues.push(conflict(place, `0 to ${rpcTypeMax} with protocol rpc`, String(value[field])))
      }
    }
  }
  return issues
}

function dataIssues(path: Path, send: Send): Issue[] {
  const body = isMapping(send) && 'body' in send ? send['body'] : send
  if (typeof body !== 'string') return []
  const place = [...path, 'send', ...(body === send ? [] : ['body'])]
  return parseSlots(body).flatMap(part =>
    'column' in part ? [issue(place, `{{data.${part.column}}} needs data: with the file it comes from`)] : [],
  )
}
