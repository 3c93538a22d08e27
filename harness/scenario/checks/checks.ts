import { isIP } from 'node:net'
import { addressFamily, checkAddress } from '../../address.ts'
import { list } from '../../invalidValue.ts'
import { createProtocol } from '../../protocols/catalog.ts'
import { formatCount } from '../../units.ts'
import { conflict, type Issue, isMapping, issue, type Path } from '../path.ts'
import { limits, type Target } from '../scenario.ts'
import { layerIssues } from '../schema/layers.ts'
import { isRamp, type ScenarioSettings, stagesMs } from '../schema/schema.ts'
import { portSlot } from '../schema/target.ts'
import { wireIssues } from '../schema/wire.ts'
import { captureIssues } from './captureChecks.ts'
import { datagramIssues } from './datagrams.ts'
import { keysIn } from './keys.ts'
import { dataIssues, type Exchange, messageIssues } from './messages.ts'
import { serverOptionIssues } from './serverOptions.ts'

/**
 * What does not go together, between settings that each are in order. `settings` has only those: the checks look at
 * what is there, so that every fault is shown at once. `data` is the file as it was written.
 */
export function conflictIssues(data: unknown, settings: Partial<ScenarioSettings>): Issue[] {
  return [
    ...iterationIssues(data),
    ...loadIssues(settings),
    ...stageIssues(data, settings),
    ...paceIssues(settings),
    ...inFlightIssues(settings),
    ...tlsIssues(settings),
    ...keyIssues(data, settings),
    ...layerIssues(settings, isMapping(data) && 'layerKey' in data),
    ...wireIssues(settings),
    ...serveIssues(settings),
    ...serverOptionIssues(settings),
    ...sourceIssues(settings),
    ...datagramIssues(settings),
    ...captureIssues(settings),
    ...stepsOf(settings).flatMap(({ path, step }) => [
      ...messageIssues(path, step, settings.protocol),
      ...(isMapping(data) && 'data' in data ? [] : dataIssues(path, step.send)),
    ]),
  ]
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

/** Stages are of a rate or of connections, and go with the mode that has it. */
function stageIssues(data: unknown, { load, duration, warmup }: Partial<ScenarioSettings>): Issue[] {
  if (!load?.stages) return []
  const { stages, mode } = load
  const ramps = isRamp(load)
  const path = ['load', 'stages']
  const issues: Issue[] = stages.flatMap(({ to, connections }, index) => {
    if ((to === undefined) === ramps && (connections !== undefined) === ramps) return []
    const got = to === undefined && connections === undefined ? 'neither' : 'a mixture'
    return [conflict([...path, index], 'either to or connections, the same in every stage', got)]
  })
  if (issues.length > 0) return issues
  if (ramps && mode !== undefined && mode !== 'loop') {
    issues.push(issue(path, `of connections go with load.mode: loop, not with ${mode}`))
  }
  if (ramps && isMapping(data) && 'connections' in data) {
    issues.push(issue(['connections'], 'does not go with stages of connections, which say how many there are'))
  }
  if (!stages.some(({ to = 0, connections = 0 }) => to > 0 || connections > 0) && !(load.rate! > 0)) {
    issues.push(conflict(path, ramps ? 'a stage with a connection' : 'a rate above 0/s', 'none'))
  }
  if (duration !== undefined) {
    issues.push(issue(['duration'], 'does not go with load.stages, which are the whole run'))
  }
  if (typeof warmup === 'number' && warmup >= stagesMs(stages)) {
    issues.push(issue(['warmup'], 'is as long as all stages together, so that nothing would be measured'))
  }
  return issues
}

/** What a plan of arrivals needs, and what goes without one. */
function paceIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { load, requests, thresholds, loop = [], mix = [] } = settings
  if (!load) return []
  const { mode, rate, stages } = load
  const ramps = isRamp(load)
  const ofRates = ramps ? (['rate', 'arrivals'] as const) : (['rate', 'arrivals', 'stages'] as const)
  const given = ofRates.filter(key => load[key] !== undefined)
  if (mode === 'loop' || mode === 'once' || ramps) {
    return given.map(key => issue(['load', key], `goes with load.mode: rate, not with ${mode ?? 'loop'}`))
  }
  const thinks = Object.entries({ loop, mix }).flatMap(([key, steps]) =>
    steps.flatMap((step, index) => {
      const message = `does not go with load.mode: ${mode ?? 'rate'}: the rate says when requests start`
      return step.think === 0 ? [] : [issue([key, index, 'think'], message)]
    }),
  )
  if (mode === 'search') return [...searchIssues(load, requests, thresholds), ...thinks]
  const issues: Issue[] = []
  const isPaced = rate !== undefined || stages !== undefined
  if (!isPaced && (mode === 'rate' || load.arrivals !== undefined)) {
    issues.push(conflict(['load'], 'rate or stages with load.mode: rate', 'neither'))
  }
  if (rate === 0 && stages === undefined) issues.push(conflict(['load', 'rate'], 'a rate above 0/s', 'none'))
  return isPaced ? [...issues, ...thinks] : issues
}

function searchIssues(
  { rate, stages }: ScenarioSettings['load'],
  requests: number | undefined,
  thresholds: ScenarioSettings['thresholds'] | undefined,
): Issue[] {
  const issues: Issue[] = []
  if (thresholds?.length === 0) {
    issues.push(
      conflict(['load', 'mode'], 'thresholds beside search, which looks for the rate at which they hold', 'none'),
    )
  }
  if (rate === 0) issues.push(conflict(['load', 'rate'], 'a rate above 0/s', 'none'))
  if (stages) issues.push(issue(['load', 'stages'], 'does not go with load.mode: search, which chooses the rates'))
  if (requests !== undefined) {
    issues.push(issue(['requests'], 'does not go with load.mode: search: its probes are as long as duration says'))
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

/** A key is for a protocol that has a handshake with one, and so is that of a reference server. */
function keyIssues(data: unknown, { protocol }: Partial<ScenarioSettings>): Issue[] {
  if (!protocol || createProtocol(protocol).keyHandshake !== undefined) return []
  // About the key, not its value, so that the message is shown as it is.
  const keys = keysIn(data).filter(path => path.at(-1) === 'key')
  const message = `key goes with protocol tlv, not with ${protocol.name}`
  return keys.map(path => ({ path, about: 'key', message }))
}

/** Protocols that each reference server answers to; a frame description may describe what is tlv or rpc as well. */
const spokenBy = {
  echo: ['raw', 'line', 'frame'],
  tlv: ['tlv', 'frame'],
  rpc: ['rpc', 'frame'],
  broadcast: ['broadcast'],
  http: ['http'],
} as const

function serveIssues({ target, environments = {}, protocol }: Partial<ScenarioSettings>): Issue[] {
  const others = Object.entries(environments).map(([name, target]) => ({ path: ['environments', name], target }))
  const targets = target ? [{ path: ['target'], target }, ...others] : others
  return targets.flatMap(({ path, target }) => {
    if (!protocol || !('serve' in target)) return []
    const spoken: readonly string[] = spokenBy[target.serve]
    if (spoken.includes(protocol.name)) return []
    return [issue([...path, 'serve'], `the ${target.serve} server speaks ${list(spoken)}, not ${protocol.name}`)]
  })
}

function isTls(target: Target): boolean {
  return checkAddress(addressOf(target)) === 'tls'
}

function sourceIssues({ sourceAddresses, target, environments = {} }: Partial<ScenarioSettings>): Issue[] {
  if (!sourceAddresses) return []
  const path = ['sourceAddresses']
  const ownFamily = isIP(sourceAddresses[0]!)
  const others = Object.entries(environments).map(([name, target]) => ({ place: `environments.${name}`, target }))
  const targets = target ? [{ place: 'target', target }, ...others] : others
  return targets.flatMap(({ place, target }) => {
    const address = connectAddressOf(target)
    if (checkAddress(address) === 'unix') return [issue(path, `goes with TCP, and ${place} is a unix socket`)]
    const family = addressFamily(address)
    if (family === 0 || family === ownFamily) return []
    return [conflict(path, `IPv${family} addresses, as ${place} has one`, `IPv${ownFamily}`)]
  })
}

/** Where a target listens, as far as it is known: what we start is at 127.0.0.1 unless it says otherwise. */
function addressOf(target: Target): string {
  const address = 'address' in target ? target.address : undefined
  return (address ?? 'tcp://127.0.0.1:{port}').replaceAll(portSlot, '1')
}

/** What a connection is made to: a relay is on this machine, wherever it leads. */
function connectAddressOf(target: Target): string {
  return target.relay === undefined ? addressOf(target) : 'tcp://127.0.0.1:1'
}

interface PlacedStep {
  readonly path: Path
  readonly step: Exchange
}

function stepsOf({ loop = [], mix = [], connect = [], heartbeat }: Partial<ScenarioSettings>): PlacedStep[] {
  const lists = Object.entries({ loop, mix, connect })
  const steps: PlacedStep[] = lists.flatMap(([key, list]) => list.map((step, index) => ({ path: [key, index], step })))
  return heartbeat ? [...steps, { path: ['heartbeat'], step: { send: heartbeat.send } }] : steps
}
