import cluster, { type Worker } from 'node:cluster'
import { createInterface } from 'node:readline'
import { UserError } from '../../harness/errors.ts'
import type { ListenAddress } from '../../harness/listenAddress.ts'
import { noCounters } from '../server/counters.ts'
import type { WorkerCommand, WorkerMessage } from './workerProcess.ts'

/** A worker as the first process sees it. */
export class ServingWorker {
  counters = noCounters
  cpuMicros = 0
  /** Requests that it did not answer before it had to stop. */
  unanswered = 0
  readonly pid: number
  /** Rejects with a UserError when it cannot listen, or exits before. */
  readonly listening: Promise<ListenAddress>
  /** Resolves with how the worker exited, if that was unexpected. */
  readonly broken: Promise<string>
  readonly #worker: Worker
  readonly #closed: Promise<void>
  readonly #finished: Promise<void>
  readonly #exited: Promise<void>
  #final = false
  #isClosing = false
  #counted = () => {}

  /** Starts a process of this very program; its output goes to `print`, line by line. */
  constructor(print?: (text: string) => void) {
    const worker = cluster.fork()
    this.#worker = worker
    this.pid = worker.process.pid!
    for (const input of [worker.process.stdout, worker.process.stderr]) {
      if (input) createInterface({ input }).on('line', line => print?.(line))
    }
    const on = (callback: (message: WorkerMessage) => void) => worker.on('message', callback)
    on(message => {
      if (message.type === 'counters') this.#count(message)
    })
    this.broken = new Promise(resolve => {
      worker.on('exit', (code, signal) => {
        if (!this.#final) resolve(`a worker ${signal ? `was killed by ${signal}` : `exited with code ${code}`}`)
      })
    })
    this.listening = new Promise((resolve, reject) => {
      on(message => {
        if (message.type === 'listening') resolve(message.address)
        if (message.type === 'failed') reject(new UserError(message.message))
      })
      void this.broken.then(reason => reject(new UserError(`the server did not start: ${reason}`)))
    })
    this.listening.catch(() => {})
    this.#closed = new Promise(resolve => {
      on(message => message.type === 'closed' && resolve())
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
    // A command that cannot be sent: the event 'exit' says why.
    worker.on('error', () => {})
  }

  /** Resolves once the counters are at least as recent as this call. */
  refresh(): Promise<void> {
    if (this.#final || !this.#worker.isConnected()) return Promise.resolve()
    return new Promise(resolve => {
      this.#counted = resolve
      this.#send({ type: 'count' })
    })
  }

  /**
   * Makes the worker accept no more connections, serve its open ones until the clients close them, for at most `withinMs`,
   * and answer pending requests for at most `answerMs`. Resolves when it has sent its last counters and exited. A second
   * call can shorten these times.
   */
  async finish(withinMs: number, answerMs: number): Promise<void> {
    // The command comes after every connection that was passed to the worker before it closed: none of them is lost.
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

  #count({ type: _, cpuMicros, unanswered, final, ...counters }: Extract<WorkerMessage, { type: 'counters' }>): void {
    this.counters = counters
    this.cpuMicros = cpuMicros
    this.unanswered = unanswered
    this.#final ||= final
    this.#counted()
  }

  #send(command: WorkerCommand): void {
    if (this.#worker.isConnected()) this.#worker.send(command)
  }
}
