import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { builtFile } from '../built.ts'
import { messageOf } from '../errors.ts'
import { loadLibc } from '../transports/libc.ts'
import type { Address } from '../transports/transport.ts'
import type { NullReplyPlan } from './nullReplies.ts'
import type { NullStart } from './nullThread.ts'

const startMsMax = 5000
/** How long a thread may take to exit after the signal to stop, before it is terminated. */
const stopMsMax = 1000

/** The sockets of a null server: those of epoll where the C library can be called, otherwise Node's own. */
export type NullWay = NullStart['way']

export interface NullServerOptions {
  readonly way: NullWay
  readonly scheme: 'tcp' | 'unix'
  /** Equal to the workers of the client; each thread listens at an address of its own. */
  readonly threads: number
  readonly replies: NullReplyPlan
}

/** A server that does as little as possible and still answers every request. */
export interface NullServer {
  /** One for each thread. */
  readonly addresses: readonly Address[]
  /** The error that a thread has ended with, if one did. */
  error(): string | undefined
  /** Ends the threads and removes the unix sockets. */
  stop(): Promise<void>
}

/** Chooses the faster kind of socket that this machine has. */
export function chooseNullWay(): NullWay {
  return typeof loadLibc() === 'string' ? 'node' : 'epoll'
}

/** Starts a null server on this machine; rejects when it does not start. */
export async function startNullServer({ way, scheme, threads, replies }: NullServerOptions): Promise<NullServer> {
  const folder = scheme === 'unix' ? await mkdtemp(join(tmpdir(), 'volley-')) : undefined
  const memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
  let error: string | undefined
  const running = Array.from({ length: threads }, (_, index) => {
    const path = folder && join(folder, String(index))
    const workerData: NullStart = { way, path, replies, memory }
    const name = `volley null server ${index + 1}`
    const worker = new Worker(builtFile('harness/nullServer/nullThread'), { workerData, name })
    const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()))
    const address = new Promise<Address>((resolve, reject) => {
      worker.once('message', (port: number) =>
        resolve(path === undefined ? { scheme: 'tcp', host: '127.0.0.1', port } : { scheme: 'unix', path }),
      )
      worker.on('error', cause => {
        error ??= messageOf(cause)
      })
      worker.once('exit', () => reject(new Error(error ?? 'a thread of the null server ended')))
    })
    return { worker, exited, address }
  })

  async function stop(): Promise<void> {
    Atomics.store(new Int32Array(memory), 0, 1)
    const timer = setTimeout(() => {
      for (const { worker } of running) void worker.terminate()
    }, stopMsMax)
    await Promise.all(running.map(({ exited }) => exited))
    clearTimeout(timer)
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }

  let startTimer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<never>((_, reject) => {
      startTimer = setTimeout(() => reject(new Error('the null server did not start')), startMsMax)
    })
    const addresses = await Promise.race([Promise.all(running.map(({ address }) => address)), late])
    return { addresses, error: () => error, stop }
  } catch (cause) {
    await stop()
    throw cause
  } finally {
    clearTimeout(startTimer)
  }
}
