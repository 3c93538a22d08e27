import net from 'node:net'
import type { ListenAddress } from '../server/listen.ts'

/** No wait of a test is longer. */
const waitMs = 15_000

/** A client that owes nothing to the code under test: a plain socket, and what came in on it. */
export class Client {
  readonly socket: net.Socket
  /** Bytes that came in and were not taken. */
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

  /** Connects; with `halfOpen` our side stays open when the server ends its own. */
  static async connect(address: ListenAddress, halfOpen = false): Promise<Client> {
    const socket = net.connect({ ...address, allowHalfOpen: halfOpen, noDelay: true })
    const client = new Client(socket)
    await until('a connection', () => !socket.connecting || client.closed)
    if (client.closed) throw new Error('the connection was refused')
    return client
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  /** The next `length` bytes, as soon as they are in. */
  async take(length: number): Promise<Uint8Array> {
    await until(`${length} bytes`, () => this.available >= length)
    const all = Buffer.concat(this.#chunks)
    this.#chunks = [all.subarray(length)]
    this.available -= length
    return Uint8Array.from(all.subarray(0, length))
  }

  /** Everything up to the server's end. */
  async takeAll(): Promise<Uint8Array> {
    await until('the end', () => this.ended || this.closed)
    return this.take(this.available)
  }
}

/** Resolves as soon as the condition holds; fails, with what was waited for, when it does not in time. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + waitMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${waitMs} ms for ${what} in vain`)
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}
