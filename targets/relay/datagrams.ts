import type { Job, Timeline } from './timeline.ts'
import type { Way } from './way.ts'

/** Number of datagrams on their way in one direction; further ones are lost, as in a router whose queue is full. */
const datagramsMax = 65_536

/** One direction of a relay for UDP. Datagrams travel independently, so that one may overtake another. */
export class DatagramFlow<Session> {
  /** Datagrams on their way. */
  count = 0
  #bytesHeld = 0
  readonly #timeline: Timeline
  readonly #way: Way
  readonly #bytesMax: number
  readonly #deliver: (bytes: Uint8Array, session: Session) => boolean

  /** `deliver` returns whether it succeeded; a datagram that it could not deliver is lost. */
  constructor(
    timeline: Timeline,
    way: Way,
    bytesMax: number,
    deliver: (bytes: Uint8Array, session: Session) => boolean,
  ) {
    this.#timeline = timeline
    this.#way = way
    this.#bytesMax = bytesMax
    this.#deliver = deliver
  }

  /** Sends a datagram on its way; its bytes must not change. */
  send(bytes: Uint8Array, session: Session): void {
    this.#way.datagramsIn++
    if (this.#way.loses()) return
    const isFull = this.count >= datagramsMax || (this.count > 0 && this.#bytesHeld + bytes.length > this.#bytesMax)
    const arrivalMs = isFull ? Number.POSITIVE_INFINITY : this.#way.arrivalMs(this.#timeline.now(), bytes.length)
    // A datagram that would never arrive is not kept.
    if (arrivalMs === Number.POSITIVE_INFINITY) {
      this.#way.lost++
      return
    }
    this.count++
    this.#bytesHeld += bytes.length
    this.#timeline.add(new Datagram(this, bytes, session), arrivalMs)
  }

  arrived({ bytes, session }: Datagram<Session>): void {
    this.count--
    this.#bytesHeld -= bytes.length
    if (this.#deliver(bytes, session)) {
      this.#way.datagramsPassed++
      this.#way.bytesPassed += bytes.length
    } else this.#way.lost++
  }
}

class Datagram<Session> implements Job {
  dueMs = 0
  sequence = 0
  readonly #flow: DatagramFlow<Session>
  readonly bytes: Uint8Array
  readonly session: Session

  constructor(flow: DatagramFlow<Session>, bytes: Uint8Array, session: Session) {
    this.#flow = flow
    this.bytes = bytes
    this.session = session
  }

  fire(): void {
    this.#flow.arrived(this)
  }
}
