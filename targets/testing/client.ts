import net from 'node:net'
import type { ListenAddress } from '../../harness/listenAddress.ts'

/** The longest that a test waits for anything. */
const waitMs = 15_000
/** The real ones, also in a test that has virtual time. */
const { setTimeout } = globalThis
const now = performance.now.bind(performance)

/** A client that is independent of the code under test: a plain socket and the bytes that it received. */
export class Client {
  readonly socket: net.Socket
  /** Bytes that were received and not taken yet. */
  available = 0
  ended = false
  closed = false
  #chunks: Uint8Array[] = []

  private constructor(socket: net.Socket) {
    this.socket = socket
    socket.on('data', chunk => {
      this.#chunks.push(chunk)
      this.available += chunk.length
    })
    socket.on('end', () => {
      this.ended = true
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
    })
  }

  /** Connects; with `halfOpen` our side stays open when the server closes its own. */
  static async connect(address: ListenAddress, halfOpen = false): Promise<Client> {
    const socket = net.connect({ ...address, allowHalfOpen: halfOpen, noDelay: true })
    const client = new Client(socket)
    // A server may close at once what it has accepted.
    let isConnected = false
    socket.once('connect', () => {
      isConnected = true
    })
    await until('a connection', () => isConnected || client.closed)
    if (!isConnected) throw new Error('the connection was refused')
    return client
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  /** Resolves with the next `length` bytes once they are received. */
  async take(length: number): Promise<Uint8Array> {
    await until(`${length} bytes`, () => this.available >= length)
    const taken = new Uint8Array(length)
    let from = 0
    let used = 0
    while (from < length) {
      const chunk = this.#chunks[used]!
      const part = chunk.subarray(0, length - from)
      taken.set(part, from)
      from += part.length
      if (part.length === chunk.length) used++
      else this.#chunks[used] = chunk.subarray(part.length)
    }
    this.#chunks.splice(0, used)
    this.available -= length
    return taken
  }

  /** Resolves with everything up to the end that the server sent. */
  async takeAll(): Promise<Uint8Array> {
    await until('the end', () => this.ended || this.closed)
    return this.take(this.available)
  }
}

/** Resolves as soon as the condition holds; rejects, naming what was waited for, if that takes too long. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = now() + waitMs
  while (!condition()) {
    if (now() > deadline) throw new Error(`waited ${waitMs} ms in vain for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}
