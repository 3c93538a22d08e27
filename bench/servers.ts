import { chmod, chown, mkdtemp, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtFile } from '../harness/built.ts'
import { freePort } from '../harness/port.ts'
import { runForText } from './client.ts'
import type { Bench } from './goal.ts'
import { type PeerName, pathOf } from './peers/peers.ts'
import { type Command, commandLine } from './processes.ts'

const readyMsMax = 10_000
const readyPollMs = 20
const initMsMax = 60_000
const serverLifeMs = 3_600_000

/** A server on 127.0.0.1 that clients use in turn. */
export interface Server {
  readonly port: number
  /** Its command line. */
  readonly command: string
  stop(): Promise<void>
}

/** Threads and cores of an echo server; by default one thread on the server's core. */
export interface EchoOptions {
  readonly threads?: number
  readonly cores?: string | undefined
}

/** Starts the C echo server, or volley's own if that cannot be compiled. */
export async function startEcho(bench: Bench, options: EchoOptions = {}): Promise<Server> {
  const { threads = 1 } = options
  const cores = 'cores' in options ? options.cores : bench.cores.server
  const { limit } = bench
  if (typeof limit === 'string') return startReference(bench, 'echo')
  return startLimit(bench, { program: limit.echoServer, args: [String(threads)], cores })
}

/** Starts an HTTP server with a tiny reply: the C server, so that the client is the limit, or nginx or volley's own. */
export async function startHttp(bench: Bench): Promise<Server> {
  const { limit, cores } = bench
  if (typeof limit !== 'string') {
    return startLimit(bench, { program: limit.echoServer, args: ['1', 'http'], cores: cores.server })
  }
  if (!bench.peers.has('nginx')) return startReference(bench, 'http')
  const port = await freePort()
  const configuration = join(bench.folder, 'nginx.conf')
  await writeFile(configuration, nginxConfiguration(port))
  return startPeer(bench, 'nginx', ['-p', bench.folder, '-c', configuration], port)
}

/** Starts a Redis server that saves nothing to disk. */
export async function startRedis(bench: Bench): Promise<Server> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  return startPeer(bench, 'redis-server', args, port)
}

/** Starts sockperf's server, for its own ping-pong and for volley. */
export async function startSockperf(bench: Bench): Promise<Server> {
  const port = await freePort()
  return startPeer(bench, 'sockperf', ['server', '--tcp', '-i', '127.0.0.1', '-p', String(port)], port)
}

/** Starts a PostgreSQL server that trusts this machine and writes nothing to disk in a hurry; root cannot run one. */
export async function startPostgres(bench: Bench): Promise<Server> {
  const { peers, processes, cores } = bench
  const isRoot = process.getuid?.() === 0
  const folder = await mkdtemp(join(bench.folder, 'postgres-'))
  if (isRoot) {
    await chmod(bench.folder, 0o755)
    const id = async (flag: string) =>
      Number(await runForText(processes, { program: 'id', args: [flag, 'postgres'] }, 0))
    await chown(folder, await id('-u'), await id('-g'))
  }
  const asOwner = (name: PeerName, args: readonly string[], pinned?: string): Command => {
    const program = pathOf(peers, name)
    const identity = ['--reuid=postgres', '--regid=postgres', '--clear-groups', program]
    return isRoot
      ? { program: pathOf(peers, 'setpriv'), args: [...identity, ...args], cores: pinned }
      : { program, args, cores: pinned }
  }
  const data = join(folder, 'data')
  const init = ['-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync']
  await runForText(processes, asOwner('initdb', init), initMsMax)
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off', 'autovacuum=off']
  const args = ['-D', data, '-p', String(port), ...settings.flatMap(setting => ['-c', setting])]
  return startSupervised(bench, asOwner('postgres', args, cores.server), port)
}

/** Starts a mosquitto broker that lets everybody in. */
export async function startMosquitto(bench: Bench): Promise<Server> {
  const port = await freePort()
  const configuration = join(bench.folder, 'mosquitto.conf')
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'set_tcp_nodelay true', 'log_type none']
  await writeFile(configuration, `${lines.join('\n')}\n`)
  return startPeer(bench, 'mosquitto', ['-c', configuration], port)
}

async function startLimit({ processes }: Bench, command: Command): Promise<Server> {
  const child = processes.start(command, { lifeMs: serverLifeMs, input: true })
  const port = await firstPort(() => child.stdout(), child)
  return { port, command: commandLine(command), stop: child.stop }
}

async function startReference(bench: Bench, name: 'echo' | 'http'): Promise<Server> {
  const port = await freePort()
  const args = [builtFile('targets/main'), name, '--listen', `127.0.0.1:${port}`, '--quiet']
  return startSupervised(bench, { program: process.execPath, args, cores: bench.cores.server }, port)
}

async function startPeer(bench: Bench, name: PeerName, args: readonly string[], port: number): Promise<Server> {
  return startSupervised(bench, { program: pathOf(bench.peers, name), args, cores: bench.cores.server }, port)
}

async function startSupervised({ processes }: Bench, command: Command, port: number): Promise<Server> {
  const child = processes.supervise(command)
  const until = performance.now() + readyMsMax
  while (!(await answers(port))) {
    if (child.hasEnded() || performance.now() > until) {
      await child.stop()
      throw new Error(`${command.program} did not start: ${child.stderr().trim() || `nothing listens on ${port}`}`)
    }
    await sleep(readyPollMs)
  }
  return { port, command: commandLine(command), stop: child.stop }
}

async function firstPort(text: () => string, child: { hasEnded(): boolean; stderr(): string }): Promise<number> {
  const until = performance.now() + readyMsMax
  while (!text().includes('\n')) {
    if (child.hasEnded() || performance.now() > until) {
      throw new Error(`the echo server did not start: ${child.stderr().trim()}`)
    }
    await sleep(readyPollMs)
  }
  return Number(text())
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1')
    const finish = (isUp: boolean) => {
      socket.destroy()
      resolve(isUp)
    }
    socket.on('connect', () => finish(true)).on('error', () => finish(false))
  })
}

/** One process, all files in its own folder, connections that are not closed after a number of requests. */
function nginxConfiguration(port: number): string {
  return `daemon off;
master_process off;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path nginx-body;
  proxy_temp_path nginx-proxy;
  fastcgi_temp_path nginx-fastcgi;
  uwsgi_temp_path nginx-uwsgi;
  scgi_temp_path nginx-scgi;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      default_type text/plain;
      return 200 "Hello World!";
    }
  }
}
`
}
