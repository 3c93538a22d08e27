import cluster, { type Worker } from 'node:cluster'
import { UserError } from '../../harness/errors.ts'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import { noCounters } from '../server/counters.ts'
import type { Answer, Order } from './workerProcess.ts'

/** One worker, as the first process sees it. */
export class ServingWorker {
  counters = noCounters
  cpuMicros = 0
  /** Requests in hand that it did not answer before it had to stop. */
  unanswered = 0
  readonly pid: number
  /** Rejects with a UserError when it cannot listen, or is gone before. */
  readonly listening: Promise<ListenAddress>
  /** Resolves with how the worker ended when it was not asked to. */
  readonly broken: Promise<string>
  readonly #worker: Worker
  readonly #closed: Promise<void>
  readonly #finished: Promise<void>
  readonly #exited: Promise<void>
  #final = false
  #isClosing = false
  #counted = () => {}

  /** Starts a process of this very program; what it writes is given to `print` where there is one. */
  constructor(print?: (text: string) => void) {
    const worker = cluster.fork()
    this.#worker = worker
    this.pid = worker.process.pid!
    for (const stream of [worker.process.stdout, worker.process.stderr]) {
      stream?.on('data', text => print?.(String(text).trimEnd()))
    }
    const on = (callback: (answer: Answer) => void) => worker.on('message', callback)
    on(answer => {
      if (answer.type === 'counters') this.#count(answer)
    })
    this.broken = new Promise(resolve => {
      worker.on('exit', (code, signal) => {
        if (!this.#final) resolve(`a worker ${signal ? `was killed by ${signal}` : `exited with code ${code}`}`)
      })
    })
    this.listening = new Promise((resolve, reject) => {
      on(answer => {
        if (answer.type === 'listening') resolve(answer.address)
        if (answer.type === 'failed') reject(new UserError(answer.message))
      })
      void this.broken.then(reason => reject(new UserError(`the server did not start: ${reason}`)))
    })
    this.listening.catch(() => {})
    this.#closed = new Promise(resolve => {
      on(answer => answer.type === 'closed' && resolve())
    })
    this.#finished = new Promise(resolve => {
      on(() => this.#final && resolve())
    })
    this.#exited = new Promise(resolve => {
      worker.on('exit', () => {
        this.#counted()
        resolve()
      })
    })
    // An order that cannot be sent any more: 'exit' tells why.
    worker.on('error', () => {})
  }

  /** Resolves once the counters are what they were when it was called, or later. */
  refresh(): Promise<void> {
    if (this.#final || !this.#worker.isConnected()) return Promise.resolve()
    return new Promise(resolve => {
      this.#counted = resolve
      this.#send({ type: 'count' })
    })
  }

  /**
   * Has the worker take no more connections, serve those it has until their clients end them, for so long at most, and
   * answer what is in hand, for `answerMs` at most; resolves when it has told its last counters and is gone. Called
   * again, it is to hurry.
   */
  async finish(withinMs: number, answerMs: number): Promise<void> {
    // The order to finish comes behind every connection that was handed to it before it closed: none of them is lost.
    if (!this.#isClosing) this.#send({ type: 'close' })
    this.#isClosing = true
    await Promise.race([this.#closed, this.#exited])
    this.#send({ type: 'finish', withinMs, answerMs })
    await Promise.race([this.#finished, this.#exited])
    if (this.#worker.process.connected) this.#worker.process.disconnect()
    await this.#exited
  }

  async kill(): Promise<void> {
    this.#worker.process.kill('SIGKILL')
    await this.#exited
  }

  #count({ type: _, cpuMicros, unanswered, final, ...counters }: Extract<Answer, { type: 'counters' }>): void {
    this.counters = counters
    this.cpuMicros = cpuMicros
    this.unanswered = unanswered
    this.#final ||= final
    this.#counted()
  }

  #send(order: Order): void {
    if (this.#worker.isConnected()) this.#worker.send(order)
  }
}
