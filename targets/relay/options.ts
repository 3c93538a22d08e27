import type { ListenAddress } from '../../harness/listenAddress.ts'
import type { RelaySettings } from '../../harness/relaySettings.ts'
import type { CreateWakeTimer } from './wakeTimer.ts'

/** How a relay is set up. */
export interface RelayOptions {
  readonly listen: ListenAddress
  readonly settings: RelaySettings
  /** The seed of jitter, losses and resets. */
  readonly seed: number
  /** UDP: a client that has been silent for this long is forgotten. */
  readonly idleTimeoutMs: number
  /** What wakes the relay: a timer of Node where absent. */
  readonly createTimer?: CreateWakeTimer
}
