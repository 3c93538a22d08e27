import { UserError } from '../../harness/errors.ts'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import { noCounters, type ServerCounters, sumCounters } from '../server/counters.ts'
import { answerMsMax, type ManagedServer } from '../server/managedServer.ts'
import { processCpuMicros, unansweredText } from './lifecycle.ts'
import { ServingWorker } from './servingWorker.ts'

/** How long new processes may take to listen. */
const startMsMax = 15_000
/** How much longer than the reload timeout an old process may take to exit: it answers pending requests first. */
const finishMsMax = answerMsMax + 10_000
/** Old processes that may finish at the same time; beyond that number a reload is refused. */
const finishingMax = 64

export interface WorkersOptions {
  readonly count: number
  /** How long an old process still serves its connections after a reload. */
  readonly reloadTimeoutMs: number
  /** How often the processes are replaced; only on request, where absent. */
  readonly reloadEveryMs?: number | undefined
  /** Receives what the workers write, unless they inherit the streams, and what goes wrong with old and new ones. */
  readonly print: (text: string) => void
}

/**
 * Starts `count` processes of this very program, which share one listening socket and behave as one server. This process
 * accepts connections and distributes them in turn, so that each worker gets about the same number: the kernel would give
 * most of them to one worker. Throws a UserError when the workers cannot listen.
 */
export async function startWorkers(options: WorkersOptions): Promise<WorkerServer> {
  const server = new WorkerServer(options)
  try {
    await server.listen()
  } catch (error) {
    // A worker that has only just started would lose its parent and report that on stderr.
    await server.kill()
    throw error
  }
  return server
}

/** A server of several processes and their successors; the listening socket belongs to this process and stays open. */
export class WorkerServer implements ManagedServer {
  address!: ListenAddress
  unanswered = 0
  readonly broken: Promise<string>
  readonly #options: WorkersOptions
  #break!: (reason: string) => void
  #serving: ServingWorker[] = []
  /** Successors of the serving processes that do not listen yet. */
  #starting: ServingWorker[] = []
  readonly #finishing = new Set<ServingWorker>()
  /** The counters of processes that have exited. */
  #past: ServerCounters = noCounters
  #pastCpuMicros = 0
  #isStopping = false
  #lastReload: Promise<void> = Promise.resolve()
  #nextReload: Promise<void> | undefined
  #reloadTimer: NodeJS.Timeout | undefined
  #refreshing: Promise<void> | undefined

  constructor(options: WorkersOptions) {
    this.#options = options
    this.broken = new Promise(resolve => {
      this.#break = resolve
    })
  }

  /** Ids of the processes that accept connections, and of those that finish theirs. */
  get processes(): { readonly serving: number[]; readonly finishing: number[] } {
    return { serving: this.#serving.map(({ pid }) => pid), finishing: [...this.#finishing].map(({ pid }) => pid) }
  }

  async listen(): Promise<void> {
    this.address = await this.#start()
    const { reloadEveryMs, print } = this.#options
    if (reloadEveryMs === undefined) return
    this.#reloadTimer = setInterval(() => {
      this.reload().catch((error: Error) => this.#isStopping || print(`not reloaded: ${error.message}`))
    }, reloadEveryMs).unref()
  }

  /**
   * Starts new processes, which load the program again; once they listen the old ones accept no more connections and finish
   * theirs. Throws a UserError when the new ones do not listen: then the old ones continue unchanged.
   */
  reload(): Promise<void> {
    // All requests to reload that come before it has begun are for the same reload.
    this.#nextReload ??= this.#lastReload
      .catch(() => {})
      .then(() => {
        this.#nextReload = undefined
        this.#lastReload = this.#reload()
        return this.#lastReload
      })
    return this.#nextReload
  }

  async #reload(): Promise<void> {
    if (this.#isStopping) throw new UserError('the server is stopping')
    if (this.#finishing.size + this.#serving.length > finishingMax) {
      throw new UserError(
        `${this.#finishing.size} old processes are still finishing their connections; try again later`,
      )
    }
    const old = this.#serving
    await this.#start()
    for (const worker of old) void this.#retire(worker)
  }

  counters(): ServerCounters {
    return this.#all().reduce((sum, { counters }) => sumCounters(sum, counters), this.#past)
  }

  cpuMicros(): number {
    return this.#all().reduce((sum, { cpuMicros }) => sum + cpuMicros, this.#pastCpuMicros + processCpuMicros())
  }

  refresh(): Promise<void> {
    this.#refreshing ??= Promise.all(this.#all().map(worker => worker.refresh())).then(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  stopAccepting(): void {
    this.#isStopping = true
    clearInterval(this.#reloadTimer)
    for (const worker of this.#starting) void worker.kill()
  }

  async stop(answerMs = answerMsMax): Promise<void> {
    this.stopAccepting()
    const workers = this.#all()
    await Promise.all(workers.map(worker => worker.finish(0, answerMs)))
    this.unanswered = workers.reduce((sum, { unanswered }) => sum + unanswered, 0)
  }

  async kill(): Promise<void> {
    await Promise.all([...this.#all(), ...this.#starting].map(worker => worker.kill()))
  }

  #all(): ServingWorker[] {
    return [...this.#serving, ...this.#finishing]
  }

  /** Replaces the serving processes by new ones once all of those listen. */
  async #start(): Promise<ListenAddress> {
    const { count, print } = this.#options
    const fresh = Array.from({ length: count }, () => new ServingWorker(print))
    this.#starting = fresh
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new UserError(`the server did not start: it did not listen within ${startMsMax / 1000} s`)
      timer = setTimeout(() => reject(error), startMsMax)
    })
    try {
      const [address] = await Promise.race([Promise.all(fresh.map(worker => worker.listening)), late])
      if (this.#isStopping) throw new UserError('the server is stopping')
      this.#serving = fresh
      this.#starting = []
      for (const worker of fresh) void worker.broken.then(reason => this.#lost(worker, reason))
      return address!
    } catch (error) {
      await Promise.all(fresh.map(worker => worker.kill()))
      this.#starting = []
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  async #retire(worker: ServingWorker): Promise<void> {
    const { reloadTimeoutMs, print } = this.#options
    this.#finishing.add(worker)
    const overdue = setTimeout(() => void worker.kill(), reloadTimeoutMs + finishMsMax).unref()
    await worker.finish(reloadTimeoutMs, answerMsMax)
    if (worker.unanswered > 0 && !this.#isStopping) print(`old process: ${unansweredText(worker.unanswered)}`)
    clearTimeout(overdue)
    this.#finishing.delete(worker)
    this.#past = sumCounters(this.#past, { ...worker.counters, connections: 0 })
    this.#pastCpuMicros += worker.cpuMicros
  }

  /** A worker has exited unexpectedly; the server cannot continue without one of its serving processes. */
  #lost(worker: ServingWorker, reason: string): void {
    if (this.#finishing.has(worker)) this.#options.print(`old process: ${reason}`)
    else this.#break(reason)
  }
}
