import type { Clock } from '../clock.ts'
import { ViewCache } from '../views.ts'
import type { Loop, TransportOptions } from './transport.ts'
import { Wakes } from './wakes.ts'

/** The socket of a link, from its connect until it is closed. */
export interface OpenLink {
  /** `isReset`: by a reset, where the socket can. */
  leave(isReset: boolean): void
}

/** What transports on Node's own event loop share: the open links, and waking the loop. */
export abstract class EventLoopTransport<Open extends OpenLink> {
  readonly clock: Clock
  loop!: Loop
  protected readonly open: (Open | undefined)[]
  protected readonly wakes: Wakes
  readonly #views = new ViewCache()
  readonly #firstConnection: number
  /** By link, its connects so far. */
  readonly #connects: Uint32Array

  constructor({ links, firstConnection = 0, isPaced = false }: TransportOptions, clock: Clock) {
    this.clock = clock
    this.open = new Array<Open | undefined>(links).fill(undefined)
    this.#firstConnection = firstConnection
    this.#connects = new Uint32Array(links)
    this.wakes = new Wakes(clock, isPaced, () => {
      for (let link = 0; link < this.open.length; link++) this.close(link)
    })
  }

  get idleMs(): number {
    return this.wakes.idleMs
  }

  now(): number {
    return this.clock.now()
  }

  wakeAt(time: number): void {
    this.wakes.wakeAt(time)
  }

  run(loop: Loop): Promise<void> {
    this.loop = loop
    return this.wakes.run(loop)
  }

  close(link: number, isReset = false): void {
    const open = this.open[link]
    if (open === undefined) return
    this.open[link] = undefined
    open.leave(isReset)
  }

  protected view(bytes: Uint8Array, from: number, to: number): Uint8Array {
    return this.#views.view(bytes, from, to)
  }

  /** The value for the next connection of a link: in turn over the connections of all workers, and over those of a link. */
  protected inTurn<Value>(values: readonly Value[], link: number): Value | undefined {
    return values[(this.#firstConnection + link + this.#connects[link]!++) % Math.max(1, values.length)]
  }
}
