import { UserError } from '../../harness/errors.ts'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import { noCounters, type ServerCounters, sumCounters } from '../server/counters.ts'
import { answerMsMax, type ManagedServer } from '../server/managedServer.ts'
import { processCpuMicros, unansweredText } from './lifecycle.ts'
import { ServingWorker } from './servingWorker.ts'

/** How long new processes may take until they listen. */
const startMsMax = 15_000
/** How much longer than it was told an old process may take to be gone: it answers what is in hand first. */
const finishMsMax = answerMsMax + 10_000
/** Old processes that may finish at a time; while there are so many, none are started in place of the others. */
const finishingMax = 64

export interface WorkersOptions {
  readonly count: number
  /** How long an old process goes on with its connections after a reload. */
  readonly reloadTimeoutMs: number
  /** How often the processes are replaced by themselves; absent where they are only when asked for. */
  readonly reloadEveryMs?: number | undefined
  /** Is told what the workers write, where that is not inherited, and what goes wrong with old and new ones. */
  readonly print: (text: string) => void
}

/**
 * Starts so many processes of this very program, which share one listening socket and behave as one server. This
 * process accepts and hands the connections out in turn, so that each worker has about as many as the next: left
 * to the kernel, most of them would go to one. Throws a UserError where the workers cannot listen.
 */
export async function startWorkers(options: WorkersOptions): Promise<WorkerServer> {
  const server = new WorkerServer(options)
  try {
    await server.listen()
  } catch (error) {
    // A worker that has just begun would find nobody to talk to, and say so on stderr.
    await server.kill()
    throw error
  }
  return server
}

/** A server of several processes, and of those that take their place: the listening socket is this process's and stays. */
export class WorkerServer implements ManagedServer {
  address!: ListenAddress
  unanswered = 0
  readonly broken: Promise<string>
  readonly #options: WorkersOptions
  #break!: (reason: string) => void
  #serving: ServingWorker[] = []
  /** Those that are to take the place of the others, and do not listen yet. */
  #starting: ServingWorker[] = []
  readonly #finishing = new Set<ServingWorker>()
  /** What those that are gone have counted. */
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

  /** Process ids of those that take connections, and of those that finish theirs. */
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
   * Starts new processes, which load the program anew; once they listen the old ones take no more connections and finish
   * theirs. Throws a UserError when the new ones do not listen: then the old ones go on as if nothing had been.
   */
  reload(): Promise<void> {
    // One that has not begun yet is the one that all ask for who ask meanwhile.
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
    if (this.#isStopping) throw new UserError('the server is about to stop')
    if (this.#finishing.size + this.#serving.length > finishingMax) {
      throw new UserError(`${this.#finishing.size} old processes still finish their connections; try again later`)
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

  /** Puts new processes in the place of those that serve, once all of them listen. */
  async #start(): Promise<ListenAddress> {
    const { count, print } = this.#options
    const fresh = Array.from({ length: count }, () => new ServingWorker(print))
    this.#starting = fresh
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new UserError(`the server did not start: nothing heard of it within ${startMsMax / 1000} s`)
      timer = setTimeout(() => reject(error), startMsMax)
    })
    try {
      const [address] = await Promise.race([Promise.all(fresh.map(worker => worker.listening)), late])
      if (this.#isStopping) throw new UserError('the server is about to stop')
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
    if (worker.unanswered > 0 && !this.#isStopping) print(`of an old process: ${unansweredText(worker.unanswered)}`)
    clearTimeout(overdue)
    this.#finishing.delete(worker)
    this.#past = sumCounters(this.#past, { ...worker.counters, connections: 0 })
    this.#pastCpuMicros += worker.cpuMicros
  }

  /** A worker has died: without one of those that serve the server is not what it was started as. */
  #lost(worker: ServingWorker, reason: string): void {
    if (this.#finishing.has(worker)) this.#options.print(`of an old process: ${reason}`)
    else this.#break(reason)
  }
}
