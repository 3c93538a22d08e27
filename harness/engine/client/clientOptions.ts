import type { Protocol } from '../../protocols/protocol.ts'
import type { Transport } from '../../transports/transport.ts'

/** What a client loop is made with, beside its plan. */
export interface ClientOptions {
  readonly memory: SharedArrayBuffer
  readonly transport: Transport
  readonly protocol: Protocol
  /** What turns the transport's time into the time that all workers share, and into that of the day. */
  readonly sharedOffsetMs: number
  readonly epochOffsetMs: number
  /** The heap in use, in KiB; asked once a second. */
  readonly heapKiB: () => number
}
