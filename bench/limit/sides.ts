import { runClient, runForText } from '../client.ts'
import { loadFigures } from '../figures.ts'
import type { Bench } from '../goal.ts'
import type { Side } from '../interleave.ts'
import { type Command, commandLine } from '../processes.ts'
import { type EchoClientResult, type Limit, type PingPongResult, parseResult } from './limit.ts'

const warmupSeconds = 0.3
const leadMs = 400
/** How much longer a run lasts than the window in which its CPU time is read. */
const tailSeconds = 0.4

/** The C epoll client, with `pipeline` messages of `bytes` bytes in flight on each connection. */
export function echoClientSide(bench: Bench, limit: Limit, port: number, shape: EchoShape): Side {
  const { connections, pipeline, bytes } = shape
  const seconds = bench.settings.seconds + tailSeconds
  const args = [port, connections, pipeline, bytes, seconds, warmupSeconds].map(String)
  const command: Command = { program: limit.echoClient, args, cores: bench.cores.client }
  return {
    name: 'C epoll client',
    command: commandLine(command),
    run: async () => {
      const window = { leadMs, lengthMs: bench.settings.seconds * 1000 }
      const { stdout, cores } = await runClient(bench.processes, command, window)
      const { requests, seconds, userSeconds, systemSeconds } = parseResult<EchoClientResult>(stdout)
      if (requests === 0) throw new Error('no request was answered')
      const ownCpuMicros = ((userSeconds + systemSeconds) * 1e6) / requests
      return { ...loadFigures(requests / seconds, cores), ownCpuMicros }
    },
  }
}

export interface EchoShape {
  readonly connections: number
  readonly pipeline: number
  readonly bytes: number
}

/** The blocking C ping-pong: one connection, one message of `bytes` bytes. */
export function pingPongSide(bench: Bench, limit: Limit, port: number, bytes: number): Side {
  const args = [port, bytes, bench.settings.seconds, warmupSeconds].map(String)
  const command: Command = { program: limit.pingPong, args, cores: bench.cores.client }
  return {
    name: 'C ping-pong',
    command: commandLine(command),
    run: async () => {
      const lengthMs = (warmupSeconds + bench.settings.seconds) * 1000
      const stdout = await runForText(bench.processes, command, lengthMs)
      const { requests, seconds, p50Micros, p99Micros } = parseResult<PingPongResult>(stdout)
      if (requests === 0) throw new Error('no request was answered')
      return { requestsPerSecond: requests / seconds, p50Micros, p99Micros }
    },
  }
}
