import { runClient, runForText, type Window } from '../client.ts'
import { loadFigures } from '../figures.ts'
import type { Bench } from '../goal.ts'
import type { Side } from '../interleave.ts'
import { type Command, commandLine } from '../processes.ts'
import { parseAutocannon, parseHey, parsePgbench, parseRedisBenchmark, parseSockperf, parseWrk } from './loaders.ts'
import { type PeerName, pathOf } from './peers.ts'

const leadMs = 300
/** autocannon starts as slowly as any Node program. */
const nodeLeadMs = 900
const tailMs = 300
/** The length of redis-benchmark is an estimate, so its window begins early and ends with it at the latest. */
const redisLeadMs = 50
const redisTrialMsMax = 30_000
const redisTest = 'PING_MBULK'
const redisTrialRequests = 200_000
const redisRequestsMax = 1_000_000_000

/** wrk with one thread. */
export function wrkSide(bench: Bench, url: string, connections: number): Side {
  const length = `${Math.ceil(lengthMs(bench, leadMs) / 1000)}s`
  return loaderSide(bench, 'wrk', ['-t1', `-c${connections}`, `-d${length}`, url], leadMs, parseWrk)
}

/** hey on one core. */
export function heySide(bench: Bench, url: string, connections: number): Side {
  const args = ['-cpus', '1', '-c', String(connections), '-z', `${lengthMs(bench, leadMs)}ms`, url]
  return loaderSide(bench, 'hey', args, leadMs, parseHey)
}

/** autocannon with one thread; its duration is in whole seconds. */
export function autocannonSide(bench: Bench, url: string, connections: number): Side {
  const seconds = Math.ceil(lengthMs(bench, nodeLeadMs) / 1000)
  const args = ['-c', String(connections), '-d', String(seconds), '-j', url]
  return loaderSide(bench, 'autocannon', args, nodeLeadMs, parseAutocannon)
}

/** redis-benchmark with PING, and as many requests as make it last as long as the others, estimated by a short run. */
export async function redisBenchmarkSide(bench: Bench, port: number, shape: RedisShape): Promise<Side> {
  const { connections, pipeline } = shape
  const command = (requests: number): Command => ({
    program: pathOf(bench.peers, 'redis-benchmark'),
    args: [
      ...['-h', '127.0.0.1', '-p', String(port), '-P', String(pipeline), '-c', String(connections)],
      ...['-n', String(requests), '-t', 'ping_mbulk', '--csv'],
    ],
    cores: bench.cores.client,
  })
  const trial = await runForText(bench.processes, command(redisTrialRequests), redisTrialMsMax)
  const requestsPerSecond = parseRedisBenchmark(trial, redisTest)
  const requests = Math.min(redisRequestsMax, Math.ceil((requestsPerSecond * lengthMs(bench, redisLeadMs)) / 1000))
  return sideOf(bench, 'redis-benchmark', command(requests), redisLeadMs, text => parseRedisBenchmark(text, redisTest))
}

export interface RedisShape {
  readonly connections: number
  readonly pipeline: number
}

/** sockperf ping-pong over TCP, blocking as by default; its duration is in whole seconds. */
export function sockperfSide(bench: Bench, port: number, bytes: number): Side {
  const { processes, settings, peers, cores } = bench
  const seconds = Math.max(1, Math.ceil(settings.seconds))
  const args = ['ping-pong', '--tcp', '-i', '127.0.0.1', '-p', String(port), '-m', String(bytes), '--full-rtt']
  const command = { program: pathOf(peers, 'sockperf'), args: [...args, '-t', String(seconds)], cores: cores.client }
  return {
    name: 'sockperf',
    command: commandLine(command),
    run: async () => parseSockperf(await runForText(processes, command, seconds * 1000)),
  }
}

/** pgbench with one thread, which sends the statement of a file as a simple query; its duration is in whole seconds. */
export function pgbenchSide(bench: Bench, port: number, connections: number, script: string): Side {
  const seconds = Math.ceil(lengthMs(bench, leadMs) / 1000)
  const server = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres']
  const load = ['-n', '-M', 'simple', '-c', String(connections), '-j', '1', '-T', String(seconds), '-f', script]
  return loaderSide(bench, 'pgbench', [...server, ...load, 'postgres'], leadMs, parsePgbench)
}

function loaderSide(
  bench: Bench,
  name: PeerName,
  args: readonly string[],
  lead: number,
  parse: (text: string) => number,
): Side {
  const command = { program: pathOf(bench.peers, name), args, cores: bench.cores.client }
  return sideOf(bench, name, command, lead, parse)
}

function sideOf(bench: Bench, name: string, command: Command, lead: number, parse: (text: string) => number): Side {
  const window: Window = { leadMs: lead, lengthMs: bench.settings.seconds * 1000 }
  return {
    name,
    command: commandLine(command),
    run: async () => {
      const { stdout, cores } = await runClient(bench.processes, command, window)
      return loadFigures(parse(stdout), cores)
    },
  }
}

function lengthMs({ settings }: Bench, lead: number): number {
  return lead + Math.round(settings.seconds * 1000) + tailMs
}
