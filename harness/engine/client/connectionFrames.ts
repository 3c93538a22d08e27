import type { Patch, RequestBank } from '../../plan/bank.ts'
import { locateSlots } from '../../plan/slotPlaces.ts'
import { type MessageTemplate, partsOf } from '../../plan/templates.ts'
import type { Protocol } from '../../protocols/protocol.ts'

/** Memory of one worker for these requests; where they would take more, they are encoded each time. */
const keptBytesMax = 64 * 1024 * 1024
/** An address may be longer than the example in the bank by this. */
const addressBytesMax = 64

/** A request of one connection, and where its slots are. */
interface ConnectionFrame {
  readonly bytes: Uint8Array
  readonly slots: readonly Patch[]
}

/**
 * Requests in which only slots of a fixed width differ, once the address of their connection is known. Each is encoded when
 * a connection sends it first; from then on only its slots are overwritten, which allocates nothing.
 */
export class ConnectionFrames {
  readonly #patches: RequestBank['patches']
  /** By frame: its number among those that a connection keeps, or -1. */
  readonly #number: Int32Array
  /** How many requests a connection keeps. */
  readonly #count: number
  /** By link and number. */
  readonly #kept: (ConnectionFrame | undefined)[]
  /** Requests are compared with their replies, so that each needs bytes of its own. */
  readonly #areCompared: boolean

  constructor(
    { frames, templates, patches, steps }: RequestBank,
    links: number,
    { seal }: Pick<Protocol, 'seal'> = {},
  ) {
    this.#patches = patches
    this.#areCompared = steps.some(({ expectation }) => expectation?.echo === true)
    const fixed = templates.flatMap((template, frame) => (template !== null && hasNoValues(template) ? [frame] : []))
    const bytes = fixed.reduce((sum, frame) => sum + frames[frame]!.length + addressBytesMax, 0)
    // A checksum in a frame differs with its slots.
    const kept = bytes * links <= keptBytesMax && seal === undefined ? fixed : []
    this.#count = kept.length
    this.#number = new Int32Array(frames.length).fill(-1)
    kept.forEach((frame, number) => {
      this.#number[frame] = number
    })
    this.#kept = new Array(links * this.#count).fill(undefined)
  }

  /** Whether a connection keeps the requests of a frame. */
  keeps(frame: number): boolean {
    return this.#number[frame]! >= 0
  }

  /** Forgets the requests of a link: its next connection has another address. */
  opened(link: number): void {
    this.#kept.fill(undefined, link * this.#count, (link + 1) * this.#count)
  }

  /** The request of a frame that is kept; undefined where the connection has not sent it yet. */
  get(link: number, frame: number): ConnectionFrame | undefined {
    return this.#kept[link * this.#count + this.#number[frame]!]
  }

  /**
   * Keeps a request that was encoded twice, with different text in every slot. Undefined where the protocol changes that
   * text: then the requests of the frame are encoded each time.
   */
  keep(link: number, frame: number, bytes: Uint8Array, other: Uint8Array): ConnectionFrame | undefined {
    try {
      const kept = { bytes, slots: locateSlots(bytes, other, this.#patches[frame]!) }
      this.#kept[link * this.#count + this.#number[frame]!] = kept
      return kept
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      this.#number[frame] = -1
      return undefined
    }
  }

  /** The request with the text of its slots, which are one after another in `texts`. */
  fill({ bytes, slots }: ConnectionFrame, texts: Uint8Array): Uint8Array {
    let from = 0
    for (const { offset, length } of slots) {
      for (let index = 0; index < length; index++) bytes[offset + index] = texts[from + index]!
      from += length
    }
    return this.#areCompared && slots.length > 0 ? bytes.slice() : bytes
  }
}

/** Whether a message has no captured values and no checksums, which may be others in every request. */
function hasNoValues(template: MessageTemplate): boolean {
  return partsOf(template).every(part => typeof part === 'string' || !('value' in part || 'checksum' in part))
}
