import type { ListenAddress } from '../../harness/listenAddress.ts'
import type { ServerCounters } from './counters.ts'

/** How long a server that is to stop waits for the replies to what is in hand; what is not answered by then is told. */
export const answerMsMax = 60_000

/** A server as one lives with it: in this process, or in several others. */
export interface ManagedServer<Counters = ServerCounters> {
  readonly address: ListenAddress
  counters(): Counters
  /**
   * Stops accepting, answers what is in hand, closes every connection; resolves when all are closed: in some 5 s where no
   * request waits for its reply, and in `answerMs` (60 s) in any case.
   */
  stop(answerMs?: number): Promise<void>
  /** Requests in hand that were not answered when it had to stop. */
  readonly unanswered?: number
  /** What it speaks at its address; by default TCP. */
  readonly scheme?: 'udp'
  /** Brings up to date what `counters` and `cpuMicros` answer, where that is counted elsewhere. */
  refresh?(): Promise<void>
  /** CPU time of all its processes since their start; by default that of this process. */
  cpuMicros?(): number
  /** Resolves with the cause when the server cannot go on. */
  readonly broken?: Promise<string>
}
