import { idRange } from '../../protocols/spec.ts'
import { formatCount } from '../../units.ts'
import { placedRequests, speakingConnections } from '../clients.ts'
import { conflict, type Issue, issue } from '../path.ts'
import { limits } from '../scenario.ts'
import { isRamp, type ScenarioSettings, stagesMs } from '../schema/schema.ts'

type Settings = Partial<ScenarioSettings>

/** Settings of `load` that exclude each other, or need another one; `given` are the keys of the file. */
export function loadIssues(given: ReadonlySet<string>, settings: Settings): Issue[] {
  return [
    ...pipelineIssues(settings),
    ...onceIssues(settings),
    ...stageIssues(given, settings),
    ...rateIssues(settings),
    ...inFlightIssues(settings),
  ]
}

function pipelineIssues({ load, reconnect }: Settings): Issue[] {
  const isOnce = load?.mode === 'once'
  const isEveryRequest = reconnect?.when === 'every-request'
  if (!load || load.pipeline === 1 || !(isOnce || isEveryRequest)) return []
  const reason = isOnce ? 'load.mode: once' : 'reconnect.when: every-request'
  return [conflict(['load', 'pipeline'], `1 with ${reason}`, String(load.pipeline))]
}

function onceIssues({ load, reconnect, requests }: Settings): Issue[] {
  if (load?.mode !== 'once') return []
  const issues: Issue[] = []
  if (requests !== undefined) {
    const message = 'cannot be combined with load.mode: once, which makes one pass on each connection'
    issues.push(issue(['requests'], message))
  }
  if (reconnect?.when === 'every-request') {
    const message = '"every-request" cannot be combined with load.mode: once, which ends after one pass'
    issues.push(issue(['reconnect', 'when'], message))
  }
  return issues
}

/** All stages set a rate, or all set a number of connections. */
function stageIssues(given: ReadonlySet<string>, { load, duration, warmup }: Settings): Issue[] {
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
    issues.push(issue(path, `stages with connections need load.mode: loop, not ${mode}`))
  }
  if (ramps && given.has('clients')) {
    const message =
      'stages with connections cannot be combined with clients: they do not say which group sends; let them set rates (to)'
    issues.push(issue(path, message))
  }
  if (ramps && given.has('connections')) {
    issues.push(issue(['connections'], 'cannot be combined with load.stages that set the number of connections'))
  }
  if (!stages.some(({ to = 0, connections = 0 }) => to > 0 || connections > 0) && !(load.rate! > 0)) {
    issues.push(conflict(path, ramps ? 'a stage with a connection' : 'a rate above 0/s', 'none'))
  }
  if (duration !== undefined) {
    issues.push(issue(['duration'], 'cannot be combined with load.stages, which are the whole run'))
  }
  if (typeof warmup === 'number' && warmup >= stagesMs(stages)) {
    issues.push(issue(['warmup'], 'is as long as all stages together: nothing would be measured'))
  }
  return issues
}

/** Settings that the modes with a rate require, and that the other modes exclude. */
function rateIssues(settings: Settings): Issue[] {
  const { load } = settings
  if (!load) return []
  const { mode, rate, stages } = load
  const ramps = isRamp(load)
  if (mode === 'loop' || mode === 'once' || ramps) {
    const keys = ramps ? (['rate', 'arrivals'] as const) : (['rate', 'arrivals', 'stages'] as const)
    const present = keys.filter(key => load[key] !== undefined)
    return present.map(key => issue(['load', key], `needs load.mode: rate, not ${mode ?? 'loop'}`))
  }
  if (mode === 'search') return [...searchIssues(settings), ...thinkIssues(settings)]
  const issues: Issue[] = []
  const isPaced = rate !== undefined || stages !== undefined
  if (!isPaced && (mode === 'rate' || load.arrivals !== undefined)) {
    issues.push(conflict(['load'], 'rate or stages with load.mode: rate', 'neither'))
  }
  if (rate === 0 && stages === undefined) issues.push(conflict(['load', 'rate'], 'a rate above 0/s', 'none'))
  return isPaced ? [...issues, ...thinkIssues(settings)] : issues
}

function thinkIssues(settings: Settings): Issue[] {
  const mode = settings.load?.mode ?? 'rate'
  const message = `cannot be combined with load.mode: ${mode}: the rate sets when requests start`
  return placedRequests(settings).flatMap(({ path, step }) =>
    step.think === 0 ? [] : [issue([...path, 'think'], message)],
  )
}

function searchIssues({ load, requests, thresholds }: Settings): Issue[] {
  const issues: Issue[] = []
  if (thresholds?.length === 0) {
    const expected = 'thresholds with search, which finds the highest rate at which they hold'
    issues.push(conflict(['load', 'mode'], expected, 'none'))
  }
  if (load?.rate === 0) issues.push(conflict(['load', 'rate'], 'a rate above 0/s', 'none'))
  if (load?.stages) {
    issues.push(issue(['load', 'stages'], 'cannot be combined with load.mode: search, which chooses the rates'))
  }
  if (requests !== undefined) {
    const message = 'cannot be combined with load.mode: search: duration sets the length of its probes'
    issues.push(issue(['requests'], message))
  }
  return issues
}

function inFlightIssues({ load, connections = 1, clients, protocol, heartbeat }: Settings): Issue[] {
  if (!load) return []
  const path = ['load', 'pipeline']
  const ids = protocol?.name === 'rpc' || protocol?.name === 'frame' ? idRange(protocol) : undefined
  if (ids?.max !== undefined) {
    const issues = idIssues(load.pipeline, heartbeat?.reply === true, { name: protocol!.name, max: ids.max })
    if (issues.length > 0) return issues
  } else if (protocol?.name === 'frame' && ids !== undefined) {
    // The id holds the slot, and some bits that distinguish a late reply from a new one.
    const max = 2 ** (ids.bits - 2)
    const expected = `at most ${formatCount(max)} with ids of ${ids.bits} bits`
    if (load.pipeline > max) return [conflict(path, expected, String(load.pipeline))]
  }
  const inFlight = load.pipeline * speakingConnections({ connections, ...(clients && { clients }) })
  if (inFlight <= limits.inFlightMax) return []
  const expected = `at most ${formatCount(limits.inFlightMax)} requests in flight over all connections`
  return [conflict(path, expected, formatCount(inFlight))]
}

/** No two requests in flight have the same id, so that there must be as many ids as requests. */
function idIssues(
  pipeline: number,
  hasHeartbeat: boolean,
  { name, max }: { readonly name: string; readonly max: number },
): Issue[] {
  const needed = pipeline + (hasHeartbeat ? 1 : 0)
  if (needed <= max) return []
  const reason = hasHeartbeat ? ', as the heartbeat has an id too' : ''
  if (pipeline === 1) {
    return [conflict(['protocol', name, 'id', 'max'], `at least ${needed}${reason}`, String(max))]
  }
  const expected = `at most ${formatCount(max - needed + pipeline)} with protocol.${name}.id.max: ${formatCount(max)}${reason}`
  return [conflict(['load', 'pipeline'], expected, formatCount(pipeline))]
}
