import type { Loop, TcpInfo, Transport, Written } from './transport.ts'

/** A transport around another one, which answers for its own what the wrapper does not change. */
export abstract class WrappedTransport implements Transport {
  protected readonly transport: Transport

  constructor(transport: Transport) {
    this.transport = transport
  }

  get name(): string {
    return this.transport.name
  }

  get idleMs(): number {
    return this.transport.idleMs
  }

  get retransmits(): number {
    return this.transport.retransmits ?? 0
  }

  now(): number {
    return this.transport.now()
  }

  wakeAt(time: number): void {
    this.transport.wakeAt(time)
  }

  queuedBytes(link: number): number {
    return this.transport.queuedBytes(link)
  }

  tcpInfo(link: number): TcpInfo | undefined {
    return this.transport.tcpInfo?.(link)
  }

  localAddress(link: number): string | undefined {
    return this.transport.localAddress?.(link)
  }

  abstract connect(link: number): void
  abstract write(link: number, bytes: Uint8Array, from: number, to: number, requests?: number): Written
  abstract close(link: number, isReset?: boolean): void
  abstract run(loop: Loop): Promise<void>
}
