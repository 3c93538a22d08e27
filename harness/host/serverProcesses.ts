import { type Clock, monotonicClock } from '../clock.ts'
import { findListeners, type ListenAddress } from './listeners.ts'
import type { ProcessRef } from './processes.ts'
import { readProgram, scanPrograms, treeOf } from './programs.ts'
import { type SystemFiles, systemFiles } from './systemFiles.ts'

/** Looking for listeners reads the descriptors of all processes: while a run lasts, not more often than this. */
const lookUpMsMin = 5000
/** A server that is restarted again and again has no more processes than this. */
const processesMax = 64

/** The processes of a server on this machine, as far as they are known. */
export interface KnownServer {
  readonly processes: readonly ProcessRef[]
  /** The server is on this machine, but which process it is could not be found out. */
  readonly isHidden: boolean
  /** What listens at its address only passes connections on. */
  readonly areForwarders: boolean
  /** To be called now and then: notices that it was restarted. */
  check(): void
}

/** A process that was found, with its start time; of one that has ended by then, others were looked for. */
interface Found {
  readonly ref: ProcessRef
  readonly startedTicks: number | undefined
  readonly isReplaced: boolean
}

export interface ServerSearch {
  /** The process that the run started. */
  readonly started?: ProcessRef | undefined
  /** Where the server listens on this machine, if its processes are to be looked for there. */
  readonly listensAt?: ListenAddress | undefined
  readonly files?: SystemFiles
  /** This process. */
  readonly self?: number
  readonly clock?: Clock
}

/**
 * The processes of a server: the one that the run started, and those that listen at its address. A command may only ask
 * another program to start the server, as `docker run` does; and a server that is restarted has other processes than before.
 */
export class ServerProcesses implements KnownServer {
  readonly #started: ProcessRef | undefined
  readonly #listensAt: ListenAddress | undefined
  readonly #files: SystemFiles
  readonly #self: number
  readonly #clock: Clock
  #found: Found[] = []
  #lookedUpAt = Number.NEGATIVE_INFINITY
  #isHidden = false
  #areForwarders = false

  constructor(search: ServerSearch) {
    const { started, listensAt, files = systemFiles, self = process.pid, clock = monotonicClock } = search
    this.#started = started
    this.#listensAt = listensAt
    this.#files = files
    this.#self = self
    this.#clock = clock
    this.lookUp()
  }

  get processes(): readonly ProcessRef[] {
    return [...(this.#started === undefined ? [] : [this.#started]), ...this.#found.map(({ ref }) => ref)]
  }

  get isHidden(): boolean {
    return this.#isHidden
  }

  get areForwarders(): boolean {
    return this.#areForwarders
  }

  check(): void {
    const isGone = this.#found.some(
      ({ ref, startedTicks, isReplaced }) => !isReplaced && this.#startedTicks(ref.pid) !== startedTicks,
    )
    if (isGone && this.#clock.now() - this.#lookedUpAt >= lookUpMsMin) this.lookUp()
  }

  /** Looks for listeners again; what was found before stays, as it may have used CPU time before it ended. */
  lookUp(): void {
    if (this.#listensAt === undefined) return
    const isFirst = this.#lookedUpAt === Number.NEGATIVE_INFINITY
    this.#lookedUpAt = this.#clock.now()
    const { processes, areForwarders, isSelf } = findListeners(this.#listensAt, this.#files, this.#self)
    // Between its end and its new start nothing listens.
    if (processes.length === 0 && !isFirst) return
    this.#isHidden = !isSelf && (processes.length === 0 || areForwarders)
    this.#areForwarders = areForwarders
    const started = this.#started === undefined ? undefined : treeOf([this.#started.pid], scanPrograms(this.#files))
    // The kernel gives the number of a process that has ended to another one.
    const known = this.#found.flatMap(found => {
      const ticks = this.#startedTicks(found.ref.pid)
      if (ticks === found.startedTicks) return [found]
      return ticks === undefined ? [{ ...found, isReplaced: true }] : []
    })
    const added = processes
      .filter(({ pid }) => started?.has(pid) !== true && !known.some(({ ref }) => ref.pid === pid))
      .map(ref => ({ ref, startedTicks: this.#startedTicks(ref.pid), isReplaced: false }))
    this.#found = [...known, ...added].slice(-processesMax)
  }

  #startedTicks(pid: number): number | undefined {
    return readProgram(this.#files, pid)?.startedTicks
  }
}
