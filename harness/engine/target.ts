import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { builtFile } from '../built.ts'
import { messageOf, UserError } from '../errors.ts'
import type { ProtocolSpec } from '../protocols/catalog.ts'
import type { Target } from '../scenario/scenario.ts'
import type { Address, TlsSettings } from '../transports/transport.ts'
import { formatAddress, parseAddress, probe, resolveAddress } from './address.ts'

const readyMsMax = 15_000
const stopMsMax = 8000
const probeMs = 50
const errorTextMax = 4096

/** What a reference server tells of itself. */
export interface ServerStats {
  readonly requests: number
  readonly connections: number
}

/** A target that is up and can be connected to. */
export interface RunningTarget {
  readonly address: Address
  /** The server's process, and whether it is the leader of a group that is to be taken as a whole. */
  readonly process?: { readonly pid: number; readonly group: boolean }
  /** What a server of ours counted in all: its last word, so nothing before `stop`, nor when it was killed. */
  stats(): ServerStats | undefined
  /** How the server ended, when it did so of itself. */
  ended(): string | undefined
  /** Ends what was started for the run, in order if it lets itself be. */
  stop(): Promise<void>
}

/** Starts the server that a scenario names, or makes sure that the one it points at answers. */
export async function openTarget(target: Target, protocol: ProtocolSpec, tls?: TlsSettings): Promise<RunningTarget> {
  if ('serve' in target) return serve(target, protocol)
  if ('command' in target) return runCommand(target, tls)
  const address = await resolveAddress(parseAddress(target.address, tls))
  try {
    await probe(address, readyMsMax)
  } catch (error) {
    const listen = address.scheme === 'unix' ? formatAddress(address) : `${address.host}:${address.port}`
    throw new UserError(
      `cannot reach ${target.address}: ${messageOf(error)}`,
      `is the server running? "volley serve echo --listen ${listen}" starts a reference server`,
    )
  }
  return { address, stats: () => undefined, ended: () => undefined, stop: async () => {} }
}

/** The child processes that must not outlive this one, whatever becomes of it. */
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

async function serve({ serve: name, options }: Extract<Target, { serve: string }>, protocol: ProtocolSpec) {
  const flags = Object.entries(options).flatMap(([key, value]) => [
    `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`,
    ...(value === true ? [] : [String(value)]),
  ])
  if (name === 'echo' && !('protocol' in options)) flags.push('--protocol', protocolFlag(protocol))
  if (name === 'rpc' && protocol.name === 'rpc' && !protocol.lengthPrefix) flags.push('--no-length-prefix')
  const child = startChild('targets/main', [name, '--listen', '127.0.0.1:0', ...flags])
  const address = await child.told('listening', `the ${name} server did not start`)
  return { ...child.target, address: parseAddress(String(address)), process: { pid: child.pid, group: false } }
}

async function runCommand({ command, address }: Extract<Target, { command: string }>, tls?: TlsSettings) {
  const port = await freePort()
  const filled = command.replaceAll('{port}', String(port))
  const url = (address ?? 'tcp://127.0.0.1:{port}').replaceAll('{port}', String(port))
  const child = startChild('harness/engine/supervise', [filled])
  const pid = Number(await child.told('pid', `"${filled}" did not start`))
  const resolved = await resolveAddress(parseAddress(url, tls))
  const until = performance.now() + readyMsMax
  for (;;) {
    try {
      await probe(resolved, probeMs * 10)
      return { ...child.target, address: resolved, process: { pid, group: true } }
    } catch (error) {
      const ended = child.target.ended()
      if (ended === undefined && performance.now() < until) {
        await sleep(probeMs)
        continue
      }
      await child.target.stop()
      const why = ended ?? `no connection to ${url} within ${readyMsMax / 1000} s (${messageOf(error)})`
      throw new UserError(`"${filled}" did not start: ${why}${child.errorText()}`)
    }
  }
}

function startChild(module: string, args: readonly string[]) {
  // A group of its own: Ctrl-C in a terminal reaches us alone, and we end the target when its run is over.
  const child = spawn(process.execPath, [builtFile(module), ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
  })
  children.add(child)
  let errorText = ''
  let stats: ServerStats | undefined
  let ended: string | undefined
  let stopping = false
  const exited = once(child, 'exit').then(([code, signal]) => {
    children.delete(child)
    if (!stopping) ended = signal === null ? `it exited with code ${code}` : `it was killed by ${signal}`
  })
  child.on('error', () => {})
  child.stderr!.on('data', chunk => {
    errorText = (errorText + chunk).slice(-errorTextMax)
  })
  child.on('message', (message: ServerStats & { type: string; final?: boolean }) => {
    if (message.type === 'stats' && message.final) stats = message
  })

  async function stop(): Promise<void> {
    stopping = true
    if (!children.has(child)) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
    await exited
    clearTimeout(timer)
  }
  /** The field named `type` in the first message of that type. */
  async function told(type: string, failure: string): Promise<unknown> {
    const timeout = new AbortController()
    const field = type === 'listening' ? 'address' : type
    try {
      return await Promise.race([
        new Promise(resolve => {
          child.on('message', (message: Record<string, unknown>) => {
            if (message['type'] === type) resolve(message[field])
          })
        }),
        exited.then(() => Promise.reject(new Error(ended ?? 'it ended'))),
        sleep(readyMsMax, undefined, { signal: timeout.signal }).then(() =>
          Promise.reject(new Error(`nothing heard of it within ${readyMsMax / 1000} s`)),
        ),
      ])
    } catch (error) {
      await stop()
      throw new UserError(`${failure}: ${messageOf(error)}${suffix()}`)
    } finally {
      timeout.abort()
    }
  }
  function suffix(): string {
    return errorText.trim() === '' ? '' : `\n  ${errorText.trim().split('\n').slice(-5).join('\n  ')}`
  }
  const target = { stats: () => stats, ended: () => ended, stop }
  return { target, told, errorText: suffix, pid: child.pid! }
}

/** The protocol as `--protocol` of a reference server takes it. */
function protocolFlag(spec: ProtocolSpec): string {
  const { name, ...settings } = spec
  return JSON.stringify({ [name]: settings })
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
