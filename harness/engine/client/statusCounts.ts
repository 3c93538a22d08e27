import { roleIndex, type Slab } from '../../metrics/slab.ts'
import type { Protocol } from '../../protocols/protocol.ts'
import type { RequestSequence } from './requestSequence.ts'

/** By status, how many replies to requests came with it; HTTP only. */
export class StatusCounts {
  readonly #counts: Float64Array
  readonly #read: (bytes: Uint8Array, from: number) => number
  readonly #role: Uint8Array

  private constructor(counts: Float64Array, read: (bytes: Uint8Array, from: number) => number, role: Uint8Array) {
    this.#counts = counts
    this.#read = read
    this.#role = role
  }

  /** Undefined where replies have no status. */
  static of({ name, status }: Protocol, { statusCodes }: Slab, { role }: RequestSequence): StatusCounts | undefined {
    return name === 'http' ? new StatusCounts(statusCodes, status!.read, role) : undefined
  }

  count(step: number, reply: Uint8Array, from: number): void {
    if (this.#role[step] === roleIndex.request) this.#counts[this.#read(reply, from)]!++
  }
}
