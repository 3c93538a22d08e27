import { z } from 'zod'
import {
  checked,
  choice,
  count,
  duration,
  durationOrAuto,
  field,
  flag,
  hourMs,
  listOf,
  mapping,
  readDuration,
  text,
  wantedText,
} from '../../fields.ts'
import { InvalidValue } from '../../invalidValue.ts'
import { isMapping } from '../../mapping.ts'
import { parseRate } from '../../units.ts'
import { type Load, limits, type Reconnect, type Scenario, type Stage, type TlsFiles } from '../scenario.ts'
import { spokenSchema } from './answers.ts'
import { clientsSchema } from './clients.ts'
import { layerKeySchema, layersSchema } from './layers.ts'
import { socketSchema } from './socket.ts'
import { sourceAddressesSchema } from './sourceAddresses.ts'
import { connectSchema, heartbeatSchema, loopSchema, mixSchema } from './steps.ts'
import { targetSchema } from './target.ts'
import { parseThreshold } from './thresholds.ts'
import { wireSchema } from './wire.ts'

const nameLengthMax = 100
const requestsMax = 1e12
const keyLengthMax = 1024
const backoffMs = { min: 1, max: hourMs }
const thresholdsMax = 64

/** Names become folders and are listed with commas. */
const namePattern = /^[\p{L}\p{N}_][\p{L}\p{N}._-]*$/u
const nameForms = `a name of letters, digits, ".", "_" and "-", at most ${nameLengthMax} of them`

// A check and not a zod pattern, which would be in the JSON Schema: not every reader supports \p.
const name = z.string({ error: issue => wantedText(nameForms, issue.input) }).superRefine(checked(checkName))

const rate = field(
  {
    anyOf: [
      { type: 'string', examples: ['50k/s'] },
      { type: 'number', minimum: 0, maximum: limits.rateMax },
    ],
  },
  readRate,
)

const stageShape = {
  duration: duration({ min: 1, max: limits.durationMsMax }).describe(
    'The length of the stage; the load changes linearly until its end',
  ),
  to: rate.exactOptional().describe('Mode rate: the rate at the end of the stage, such as 50k/s'),
  connections: count(0, limits.connectionsMax)
    .exactOptional()
    .describe('Mode loop: how many connections send at the end of the stage; the first stage starts from 0'),
} satisfies Record<keyof Stage, z.ZodType>

const loadShape = {
  mode: choice(['loop', 'rate', 'search', 'once'])
    .exactOptional()
    .describe(
      'loop: the next request as soon as the reply is in; rate: requests start at planned times, whatever the server does; search: find the highest rate at which all thresholds hold; once: one pass on each connection, then stop',
    ),
  pipeline: count(1, limits.pipelineMax).prefault(1).describe('Requests in flight per connection'),
  rate: rate
    .exactOptional()
    .describe('Mode rate: requests a second over all connections, such as 50k/s; mode search: the first rate to try'),
  arrivals: choice(['poisson', 'constant'])
    .exactOptional()
    .describe('Mode rate: poisson, as independent users arrive (the default), or constant, evenly spaced'),
  stages: listOf(mapping(stageShape), 'stages such as { duration: 10s, to: 50k/s }', 1, limits.stagesMax)
    .exactOptional()
    .describe('How the load changes, from load.rate or from 0 connections; together the stages are the whole run'),
} satisfies Record<keyof Load, z.ZodType>

const backoff = field(
  {
    anyOf: [
      { type: 'string', examples: ['100ms..5s'] },
      {
        type: 'object',
        properties: { min: { type: 'string' }, max: { type: 'string' } },
        required: ['min', 'max'],
        additionalProperties: false,
      },
    ],
  },
  readBackoff,
)

const reconnectShape = {
  when: choice(['failure', 'every-request', 'never'])
    .prefault('failure')
    .describe(
      'failure: when a connection has failed; every-request: a new connection for each request; never: lost connections are not replaced',
    ),
  after: count(1, requestsMax)
    .exactOptional()
    .describe(
      'For servers that close a connection after so many requests: it is opened anew before that, and nothing has failed',
    ),
  backoff: backoff
    .prefault('100ms..5s')
    .describe('The wait before a failed connect is tried again: it grows from the first duration to the second'),
  attempts: count(1, limits.attemptsMax)
    .exactOptional()
    .describe(
      'A connection that could not be opened, or do its handshake, so often in a row is given up; when all are, the run ends. Without it a connection is tried again until the run ends',
    ),
  close: choice(['normal', 'reset'])
    .exactOptional()
    .describe(
      'With every-request over tcp://: reset closes each connection by a TCP reset, so that no local port stays in TIME_WAIT',
    ),
} satisfies Record<keyof Reconnect, z.ZodType>

const dataShape = {
  file: text('the path of a CSV file').describe(
    'A CSV file with a header line; a relative path starts from the scenario file',
  ),
  order: choice(['sequential', 'random']).prefault('sequential').describe('In which order its rows are used'),
} satisfies Record<keyof NonNullable<Scenario['data']>, z.ZodType>

const tlsShape = {
  ca: text('the path of a PEM file').exactOptional().describe('Certificates to trust'),
  cert: text('the path of a PEM file').exactOptional().describe('The client certificate'),
  key: text('the path of a PEM file').exactOptional().describe('The key of the client certificate'),
  servername: text('a host name')
    .exactOptional()
    .describe('The name that the certificate of the server must have, if not the host'),
  insecure: flag().exactOptional().describe('Accept any certificate'),
} satisfies Record<keyof TlsFiles, z.ZodType>

const threshold = field({ type: 'string', examples: ['p99 < 5ms', 'throughput > 50k/s', 'errors < 0.1%'] }, value => {
  if (typeof value !== 'string') throw new InvalidValue('a condition such as p99 < 5ms')
  return parseThreshold(value)
})

/** The schema of each key: each can be checked apart from the others. */
export const scenarioShape = {
  name: name.describe('The name of the scenario, and of the folder its reports go to'),
  description: z
    .string({ error: issue => wantedText('text', issue.input) })
    .exactOptional()
    .describe('What the scenario is for'),
  target: targetSchema,
  environments: z
    .record(name, targetSchema, 'expected a mapping of names to targets')
    .prefault({})
    .describe('Other targets by name: --env runs against each and compares'),
  protocol: spokenSchema,
  layers: layersSchema
    .exactOptional()
    .describe(
      'What is applied to the body of each message, in this order when it is sent and in reverse when it is received; protocols frame, tlv and rpc. { hmac-sha1: { place: before } } puts a signature or a checksum before the body',
    ),
  layerKey: layerKeySchema
    .exactOptional()
    .describe('The key of layers that have one; for aes-256-gcm 64 hexadecimal digits, or a text'),
  wire: wireSchema.exactOptional().describe("How writes are split or coalesced, to test a server's framing"),
  socket: socketSchema.exactOptional().describe('Options of the sockets of the connections'),
  connections: count(1, limits.connectionsMax).prefault(10).describe('Connections held at the same time'),
  key: text(`a key of at most ${keyLengthMax} characters`)
    .max(keyLengthMax, `expected a key of at most ${keyLengthMax} characters`)
    .exactOptional()
    .describe(
      "The key that each new connection proves to know, in the handshake of Volley's own TLV server (HMAC-SHA1); for a signature in every message use layers",
    ),
  connect: connectSchema.prefault([]).describe('Steps sent once on each new connection, before the loop'),
  load: mapping(loadShape).prefault({}).describe('How hard the target is loaded'),
  duration: duration({ min: 1, max: limits.durationMsMax })
    .exactOptional()
    .describe(
      'How long the measurement lasts, after the warm-up: by default 10s; with requests the run ends at whichever comes first, by default after 1h, as in mode once',
    ),
  requests: count(1, requestsMax)
    .exactOptional()
    .describe('How many requests are sent, over all connections, such as 1M'),
  warmup: durationOrAuto(limits.durationMsMax)
    .prefault('auto')
    .describe(
      'What is left out before measuring: a time such as 2s, or auto: at least 1s, and until the run has reached a steady state. With stages auto is 1s, with requests or in mode once 0',
    ),
  timeout: duration({ min: 1, max: hourMs }).prefault('5s').describe('How long a reply may take'),
  reconnect: mapping(reconnectShape, 'a mapping such as { when: failure, backoff: 100ms..5s }')
    .prefault({})
    .describe('When a connection is opened again'),
  loop: loopSchema.exactOptional().describe('What one iteration sends: its steps, one after the other'),
  mix: mixSchema.exactOptional().describe('Instead of loop: steps drawn at random by weight'),
  clients: clientsSchema
    .exactOptional()
    .describe(
      'Instead of connections, connect and loop: groups of connections that each have their own, for some that listen and others that send',
    ),
  heartbeat: heartbeatSchema.exactOptional().describe('A message sent at intervals on every connection'),
  data: mapping(dataShape, 'a mapping such as { file: users.csv }')
    .exactOptional()
    .describe('Rows for {{data.column}}'),
  thresholds: listOf(threshold, 'conditions such as p99 < 5ms', 0, thresholdsMax)
    .prefault([])
    .describe('Conditions on the result; any that fails makes the exit code 1'),
  tls: mapping(tlsShape).exactOptional().describe('Settings for tls:// addresses'),
  workers: field(
    { anyOf: [{ const: 'auto' }, { type: 'integer', minimum: 1, maximum: limits.workersMax }] },
    readWorkers,
  )
    .prefault('auto')
    .describe('Threads that send: auto is one per two cores when the target is on this machine, else one per core'),
  transport: choice(['auto', 'node', 'epoll'])
    .prefault('auto')
    .describe('What moves the bytes: epoll is the fast path on Linux, and auto uses it where it is available'),
  sourceAddresses: sourceAddressesSchema
    .exactOptional()
    .describe(
      'Addresses of this machine to connect from, taken in turn, each with ports of its own. Without it a run takes more of 127.0.0.0/8 by itself where its connections to such a target need more ports; none: it does not',
    ),
  seed: count(0, Number.MAX_SAFE_INTEGER)
    .exactOptional()
    .describe('The seed of random choices: the same seed gives the same run'),
} satisfies Record<keyof Scenario, z.ZodType>

/** Reads a scenario file as plain data; `completeScenario` adds the defaults that depend on other settings. */
export const scenarioSchema = mapping(scenarioShape, 'a mapping of keys such as name, target and protocol')

export type ScenarioSettings = z.output<typeof scenarioSchema>

const stagesWarmupMs = 1000

/** The length of a probe of a search, without its warm-up. */
const searchProbeMs = 5000

/** The scenario with the defaults that depend on other settings. It compiles only while schema and record agree. */
export function completeScenario(settings: ScenarioSettings): Scenario {
  const load = completeLoad(settings.load)
  const isCounted = settings.requests !== undefined
  const isShort = isCounted || load.mode === 'once'
  const warmup = completeWarmup(settings.warmup, isShort, load)
  const probeMs = load.mode === 'search' ? searchProbeMs : undefined
  // Stages are the whole run, the warm-up included.
  const staged = load.stages && Math.max(1, stagesMs(load.stages) - Number(warmup))
  return {
    ...settings,
    load,
    connections: connectionsOf(settings, load),
    duration: settings.duration ?? staged ?? probeMs ?? (isShort ? limits.countedDurationMs : 10_000),
    warmup,
  }
}

/** In a ramp the stages set the number of connections; with groups it is the sum of theirs. */
function connectionsOf({ connections, clients }: ScenarioSettings, load: Load): number {
  if (isRamp(load)) return Math.max(...load.stages!.map(stage => stage.connections!))
  return clients?.reduce((sum, group) => sum + group.connections, 0) ?? connections
}

/** `auto` looks for a steady state, so it needs a constant load that lasts for a set time. */
function completeWarmup(warmup: number | 'auto', isShort: boolean, { stages }: Load): number | 'auto' {
  if (warmup !== 'auto') return warmup
  if (isShort) return 0
  return stages === undefined ? 'auto' : stagesWarmupMs
}

/** A rate, or stages of rates, mean mode rate where the file sets no mode. */
function completeLoad({ mode, ...load }: ScenarioSettings['load']): Load {
  const isPaced = load.rate !== undefined || (load.stages !== undefined && !isRamp(load))
  const resolved = mode ?? (isPaced ? 'rate' : 'loop')
  return {
    mode: resolved,
    ...load,
    ...((resolved === 'rate' || resolved === 'search') && { arrivals: load.arrivals ?? 'poisson' }),
  }
}

/** Whether stages set numbers of connections, not rates. */
export function isRamp({ stages }: Pick<Load, 'stages'>): boolean {
  return stages?.some(({ connections }) => connections !== undefined) === true
}

/** The length of all stages together, in milliseconds. */
export function stagesMs(stages: readonly Stage[]): number {
  return stages.reduce((sum, stage) => sum + stage.duration, 0)
}

function readRate(value: unknown): number {
  const perSecond = typeof value === 'number' ? value : typeof value === 'string' ? parseRate(value) : undefined
  if (perSecond === undefined || !Number.isFinite(perSecond)) throw new InvalidValue('a rate such as 50k/s')
  if (perSecond < 0 || perSecond > limits.rateMax) throw new InvalidValue('a rate from 0/s to 100M/s')
  return perSecond
}

function checkName(value: string): void {
  if (value.length > nameLengthMax || !namePattern.test(value)) throw new InvalidValue(nameForms)
}

function readBackoff(value: unknown): Reconnect['backoff'] {
  const forms = 'a range such as 100ms..5s'
  const [min, max, more] =
    typeof value === 'string' ? value.split('..') : isMapping(value) ? [value['min'], value['max']] : []
  const keys = isMapping(value) ? Object.keys(value) : []
  if (min === undefined || max === undefined || more !== undefined || keys.length > 2) throw new InvalidValue(forms)
  const range = {
    min: readDuration(min, backoffMs.min, backoffMs.max),
    max: readDuration(max, backoffMs.min, backoffMs.max),
  }
  if (range.min > range.max) throw new InvalidValue(`${forms}, the shorter wait first`)
  return range
}

function readWorkers(value: unknown): number | 'auto' {
  if (value === 'auto') return value
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= limits.workersMax) return value
  throw new InvalidValue(`auto, or a whole number from 1 to ${limits.workersMax}`)
}
