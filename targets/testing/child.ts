import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { builtFile } from '../../harness/built.ts'
import { assert } from '../../harness/errors.ts'
import { type ListenAddress, parseListen } from '../../harness/listenAddress.ts'
import type { ServerMessage } from '../process/lifecycle.ts'
import { Client, until } from './client.ts'

/** A server in a process of its own, with all its output. */
export class ServerChild {
  readonly process: ChildProcess
  stdout = ''
  stderr = ''
  readonly messages: ServerMessage[] = []
  exitCode: number | undefined

  private constructor(args: readonly string[], ipc: boolean) {
    const file = builtFile('targets/main')
    assert(existsSync(file), `${file} does not exist: run npm run build first`)
    const stdio = ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc' as const] : [])] as const
    this.process = spawn(process.execPath, [file, ...args], { stdio: [...stdio] })
    this.process.stdout!.on('data', text => {
      this.stdout += text
    })
    this.process.stderr!.on('data', text => {
      this.stderr += text
    })
    this.process.on('message', message => this.messages.push(message as ServerMessage))
    // Not the event 'close', which never comes once this side has closed the IPC channel.
    let open = 3
    const closed = () => {
      open--
      if (open === 0) this.exitCode = this.process.exitCode ?? -1
    }
    this.process.on('exit', closed)
    this.process.stdout!.on('close', closed)
    this.process.stderr!.on('close', closed)
  }

  /** Starts `volley serve` with `args`; with `ipc` it sends its counters over an IPC channel. */
  static start(args: readonly string[], { ipc = false } = {}): ServerChild {
    const child = new ServerChild(args, ipc)
    running.add(child)
    return child
  }

  /** Resolves with its address once it has printed it. */
  async address(): Promise<ListenAddress> {
    await until('the first line of a server', () => this.stdout.includes('\n') || this.exitCode !== undefined)
    const address = parseListen(/ listening on (\S+) /.exec(this.stdout)?.[1] ?? '')
    assert(address, `the server did not start: ${this.stderr}`)
    return address
  }

  /** Resolves once it accepts no more connections: it has handled a signal. */
  async refuses(): Promise<void> {
    const address = await this.address()
    let accepting = true
    while (accepting) {
      await Client.connect(address).then(
        other => other.socket.destroy(),
        () => {
          accepting = false
        },
      )
    }
  }

  async exited(): Promise<number> {
    await until('the end of a server', () => this.exitCode !== undefined)
    return this.exitCode!
  }
}

const running = new Set<ServerChild>()

/** Kills every server that still runs: for afterEach. */
export async function killServers(): Promise<void> {
  const children = [...running]
  running.clear()
  for (const child of children) child.process.kill('SIGKILL')
  for (const child of children) await child.exited()
}
