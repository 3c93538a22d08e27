import { ViewCache } from '../../harness/views.ts'

/** The replies of one readable event are usually shorter; longer ones take several writes. */
const bufferBytes = 64 * 1024
/** Up to this length a loop copies faster than a runtime call. */
const plainCopyBytes = 64
const noBytes = new Uint8Array(0)

/** Where replies are written: a DirectSocket, whose `write` returns false when it keeps the bytes. */
export interface ReplySocket {
  readonly queuedBytes: number
  write(bytes: Uint8Array): boolean
}

/**
 * Collects the replies of one readable event, so that one write sends them all. One instance serves every connection of a
 * server in turn, so that a reply allocates nothing: the buffer is reused unless the kernel did not take everything, and
 * the view of each length is made once.
 */
export class Replies {
  /** The buffer that `reserve` returns offsets into; it may be replaced by `reserve`, `append`, `echo` and `flush`. */
  bytes: Uint8Array = new Uint8Array(bufferBytes)
  /** Bytes written so far, to all connections. */
  bytesOut = 0
  #length = 0
  readonly #views = new ViewCache()
  #socket: ReplySocket | undefined
  // A run of requests that are echoed: they are copied together, not one by one.
  #run: Uint8Array = noBytes
  #runFrom = 0
  #runEnd = 0

  /** Sets the connection of all replies up to the next `flush`. */
  start(socket: ReplySocket): void {
    this.#socket = socket
  }

  /** Replies with `bytes[from, end)`, which must not change until `flush`. */
  echo(bytes: Uint8Array, from: number, end: number): void {
    if (from === this.#runEnd && bytes === this.#run) {
      this.#runEnd = end
      return
    }
    this.#copyRun()
    this.#run = bytes
    this.#runFrom = from
    this.#runEnd = end
  }

  /** Replies with a copy of `bytes[from, end)`, which may be changed before the next call; returns its offset in `bytes`. */
  append(bytes: Uint8Array, from = 0, end: number = bytes.length): number {
    const at = this.reserve(end - from)
    copy(bytes, from, end, this.bytes, at)
    return at
  }

  /** Makes room for a reply of `length` bytes, to be filled in before the next call; returns its offset in `bytes`. */
  reserve(length: number): number {
    this.#copyRun()
    if (this.#length + length > this.bytes.length) {
      this.#writeBuffer()
      if (length > this.bytes.length) this.bytes = new Uint8Array(length)
    }
    this.#length += length
    return this.#length - length
  }

  /** Writes all collected replies. */
  flush(): void {
    this.#copyRun()
    this.#writeBuffer()
  }

  #copyRun(): void {
    const run = this.#run
    const from = this.#runFrom
    const end = this.#runEnd
    if (from === end) return
    this.#run = noBytes
    this.#runFrom = 0
    this.#runEnd = 0
    // A write may replace the buffer by one of another length, so whether the run fits is checked after it.
    if (this.#length + end - from > this.bytes.length) this.#writeBuffer()
    if (end - from > this.bytes.length) {
      this.#write(run.slice(from, end))
      return
    }
    copy(run, from, end, this.bytes, this.#length)
    this.#length += end - from
  }

  #writeBuffer(): void {
    const length = this.#length
    if (length === 0) return
    this.#length = 0
    // Bytes behind others that wait will wait too: in an array of their own length rather than the whole buffer.
    if (this.#socket!.queuedBytes > 0) this.#write(this.bytes.slice(0, length))
    else if (!this.#write(this.#views.view(this.bytes, 0, length))) this.bytes = new Uint8Array(bufferBytes)
  }

  #write(bytes: Uint8Array): boolean {
    this.bytesOut += bytes.length
    return this.#socket!.write(bytes)
  }
}

function copy(source: Uint8Array, from: number, end: number, target: Uint8Array, at: number): void {
  if (end - from > plainCopyBytes) target.set(source.subarray(from, end), at)
  else for (let index = from; index < end; index++) target[at++] = source[index]!
}
