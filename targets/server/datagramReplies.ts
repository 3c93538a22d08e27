import { Replies } from './replies.ts'

/** Replies over UDP: each call makes a datagram of its own. */
export class DatagramReplies extends Replies {
  override echo(bytes: Uint8Array, from: number, end: number): void {
    this.flush()
    super.echo(bytes, from, end)
  }

  override reserve(length: number): number {
    this.flush()
    return super.reserve(length)
  }
}
