import cluster, { type Worker } from 'node:cluster'
import { UserError } from '../harness/errors.ts'
import { type LivingServer, processCpuMicros } from './lifecycle.ts'
import type { ListenAddress } from './listen.ts'
import type { RunningServer, ServerCounters } from './server.ts'

type Order = { readonly type: 'count' } | { readonly type: 'stop' }

type Answer =
  | { readonly type: 'listening'; readonly address: ListenAddress }
  | { readonly type: 'failed'; readonly message: string }
  | (ServerCounters & {
      readonly type: 'counters'
      readonly cpuMicros: number
      /** Nothing is counted any more. */
      readonly final: boolean
    })

const noCounters: ServerCounters = { requests: 0, connections: 0, bytesIn: 0, bytesOut: 0, rejected: 0 }

/**
 * Starts so many processes of this very program, which share one listening socket and behave as one server. This
 * process accepts and hands the connections out in turn, so that each worker has about as many as the next: left
 * to the kernel, most of them would go to one. Throws a UserError where the workers cannot listen.
 */
export async function startWorkers(count: number): Promise<LivingServer> {
  const server = new WorkerServer(count)
  try {
    await server.listen()
  } catch (error) {
    // A worker that has just begun would find nobody to talk to, and say so on stderr.
    await server.kill()
    throw error
  }
  return server
}

/**
 * A worker's life: it serves what `start` begins, and does what the first process says. Signals are left to that one,
 * as a terminal sends them to both; when it is gone, so is the worker.
 */
export async function serveAsWorker(start: () => Promise<RunningServer>): Promise<number> {
  process.on('SIGTERM', () => {})
  process.on('SIGINT', () => {})
  const gone = new Promise<number>(resolve => {
    process.on('disconnect', () => resolve(0))
    // Something could not be said to it, as it went this very moment.
    cluster.worker?.on('error', () => resolve(0))
  })
  try {
    const server = await start()
    const count = (final: boolean) =>
      send({ type: 'counters', ...server.counters(), cpuMicros: processCpuMicros(), final })
    process.on('message', (order: Order) => {
      if (order.type === 'count') count(false)
      else void server.stop().then(() => count(true))
    })
    send({ type: 'listening', address: server.address })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    send({ type: 'failed', message: error.message })
  }
  return gone
}

class WorkerServer implements LivingServer {
  address!: ListenAddress
  readonly broken: Promise<string>
  readonly #workers: ServingWorker[]
  #refreshing: Promise<void> | undefined

  constructor(count: number) {
    this.#workers = Array.from({ length: count }, () => new ServingWorker(cluster.fork()))
    this.broken = Promise.race(this.#workers.map(worker => worker.broken))
  }

  async listen(): Promise<void> {
    const died = this.broken.then(reason => Promise.reject(new UserError(`the server did not start: ${reason}`)))
    const listening = Promise.all(this.#workers.map(worker => worker.listening))
    const [address] = await Promise.race([listening, died])
    this.address = address!
  }

  counters(): ServerCounters {
    return this.#workers.map(worker => worker.counters).reduce(sum)
  }

  cpuMicros(): number {
    return this.#workers.reduce((micros, worker) => micros + worker.cpuMicros, processCpuMicros())
  }

  refresh(): Promise<void> {
    this.#refreshing ??= Promise.all(this.#workers.map(worker => worker.refresh())).then(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map(worker => worker.stop()))
  }

  async kill(): Promise<void> {
    await Promise.all(this.#workers.map(worker => worker.kill()))
  }
}

/** One worker, as the first process sees it. */
class ServingWorker {
  counters = noCounters
  cpuMicros = 0
  readonly listening: Promise<ListenAddress>
  /** Resolves with how the worker ended when it was not asked to. */
  readonly broken: Promise<string>
  readonly #worker: Worker
  readonly #finished: Promise<void>
  readonly #exited: Promise<void>
  #final = false
  #counted = () => {}

  constructor(worker: Worker) {
    this.#worker = worker
    const on = (callback: (answer: Answer) => void) => worker.on('message', callback)
    on(answer => {
      if (answer.type === 'counters') this.#count(answer)
    })
    this.listening = new Promise((resolve, reject) => {
      on(answer => {
        if (answer.type === 'listening') resolve(answer.address)
        if (answer.type === 'failed') reject(new UserError(answer.message))
      })
    })
    this.#finished = new Promise(resolve => {
      on(() => this.#final && resolve())
    })
    this.#exited = new Promise(resolve => {
      worker.on('exit', () => resolve())
    })
    this.broken = new Promise(resolve => {
      worker.on('exit', (code, signal) => {
        if (!this.#final) resolve(`a worker ${signal ? `was killed by ${signal}` : `exited with code ${code}`}`)
      })
    })
    // An order that cannot be sent any more: 'exit' tells why.
    worker.on('error', () => {})
  }

  /** Resolves once the counters are what they were when it was called, or later. */
  refresh(): Promise<void> {
    if (this.#final) return Promise.resolve()
    return new Promise(resolve => {
      this.#counted = resolve
      this.#send({ type: 'count' })
    })
  }

  /** Has the worker answer what is in hand; resolves when it has told its last counters and is gone. */
  async stop(): Promise<void> {
    this.#send({ type: 'stop' })
    await this.#finished
    this.#worker.process.disconnect()
    await this.#exited
  }

  async kill(): Promise<void> {
    this.#worker.process.kill('SIGKILL')
    await this.#exited
  }

  #count({ type: _, cpuMicros, final, ...counters }: Extract<Answer, { type: 'counters' }>): void {
    this.counters = counters
    this.cpuMicros = cpuMicros
    this.#final ||= final
    this.#counted()
  }

  #send(order: Order): void {
    this.#worker.send(order)
  }
}

function sum(a: ServerCounters, b: ServerCounters): ServerCounters {
  return {
    requests: a.requests + b.requests,
    connections: a.connections + b.connections,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    rejected: a.rejected + b.rejected,
  }
}

function send(answer: Answer): void {
  process.send?.(answer)
}
