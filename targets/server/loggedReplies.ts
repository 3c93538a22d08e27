import { Replies, type ReplySocket } from './replies.ts'
import type { TrafficLog } from './trafficLog.ts'

/** Replies that are written as always, and told to the log one by one as they are written. */
export class LoggedReplies extends Replies {
  /** The lengths of the replies that are collected and not written. */
  readonly #lengths: number[] = []
  readonly #told: ToldSocket

  constructor(log: TrafficLog) {
    super()
    this.#told = new ToldSocket(log, this.#lengths)
  }

  override start(socket: ReplySocket): void {
    this.#told.socket = socket
    super.start(this.#told)
  }

  override echo(bytes: Uint8Array, from: number, end: number): void {
    this.#lengths.push(end - from)
    super.echo(bytes, from, end)
  }

  override reserve(length: number): number {
    this.#lengths.push(length)
    return super.reserve(length)
  }
}

/** In front of the socket that replies are written to. */
class ToldSocket implements ReplySocket {
  socket!: ReplySocket
  readonly #log: TrafficLog
  readonly #lengths: number[]

  constructor(log: TrafficLog, lengths: number[]) {
    this.#log = log
    this.#lengths = lengths
  }

  get queuedBytes(): number {
    return this.socket.queuedBytes
  }

  write(bytes: Uint8Array): boolean {
    this.#log.wrote(this.socket, bytes, this.#lengths)
    return this.socket.write(bytes)
  }
}
