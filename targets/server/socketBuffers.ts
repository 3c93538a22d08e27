import type net from 'node:net'
import {
  type BufferSizes,
  hasBuffers,
  loadSocketCalls,
  type SocketCalls,
  setBuffers,
} from '../../harness/socketOptions.ts'

/** Sets the kernel's buffers of sockets that Node has opened. */
export class SocketBuffers {
  readonly #calls: SocketCalls
  readonly #settings: BufferSizes

  private constructor(calls: SocketCalls, settings: BufferSizes) {
    this.#calls = calls
    this.#settings = settings
  }

  /** Undefined where the settings ask for no buffers, or this machine cannot set them. */
  static of(settings: BufferSizes): SocketBuffers | undefined {
    const calls = hasBuffers(settings) ? loadSocketCalls() : undefined
    return calls === undefined || typeof calls === 'string' ? undefined : new SocketBuffers(calls, settings)
  }

  /**
   * Sets those of a listening socket, whose connections inherit them, or of a connection. A worker has no listening socket of
   * its own.
   */
  set(owner: net.Server | net.Socket): void {
    const { fd } = (owner as unknown as { _handle: { fd?: number } | null })._handle ?? {}
    if (fd !== undefined && fd >= 0) setBuffers(this.#calls, fd, this.#settings)
  }
}
