import type { ListenAddress } from '../../harness/listenAddress.ts'
import type { ServerCounters } from './counters.ts'

/** How long a server that stops waits for the replies to pending requests; those that are left are counted. */
export const answerMsMax = 60_000

/** A running server, in this process or in several others. */
export interface ManagedServer<Counters = ServerCounters> {
  readonly address: ListenAddress
  counters(): Counters
  /**
   * Stops accepting, answers pending requests and closes every connection. Resolves when all are closed: within 5 s where
   * no request waits for its reply, and after `answerMs` (60 s) at the latest.
   */
  stop(answerMs?: number): Promise<void>
  /** Requests that were not answered before it had to stop. */
  readonly unanswered?: number
  /** `udp` where it serves over UDP; TCP, where absent. */
  readonly scheme?: 'udp'
  /** Updates what `counters` and `cpuMicros` return, where other processes count. */
  refresh?(): Promise<void>
  /** CPU time of all its processes since their start, in microseconds; that of this process, where absent. */
  cpuMicros?(): number
  /** Resolves with the cause when the server fails. */
  readonly broken?: Promise<string>
}
