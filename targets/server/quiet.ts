/**
 * A server or relay that stops waits until nothing has come in for `quietMs` and nothing is on its way. TCP may delay an
 * acknowledgement, and with it the bytes behind it, by 40 ms on Linux, so `quietMs` is longer than that. Clients are read
 * for at most `readOnMs`, and all of it takes at most `flushMsMax` unless the caller says otherwise.
 */
const quietMs = 50
const readOnMs = 1000
const flushMsMax = 5000

/** A server or relay that can become quiet. */
export interface Quiescible {
  /** A number that changes whenever something comes in. */
  received(): number
  /** Whether something is on its way that will arrive. */
  isPending(): boolean
  /** Reads nothing more from clients. */
  stopReading(): void
}

/** Resolves when nothing comes in and nothing is pending, or after `flushMs`; no new clients may be accepted meanwhile. */
export async function awaitQuiet(quiescible: Quiescible, flushMs = flushMsMax): Promise<void> {
  const beginMs = performance.now()
  for (;;) {
    const before = quiescible.received()
    await new Promise(resolve => setTimeout(resolve, quietMs))
    if (quiescible.received() === before && !quiescible.isPending()) return
    const elapsedMs = performance.now() - beginMs
    if (elapsedMs >= readOnMs) quiescible.stopReading()
    if (elapsedMs >= flushMs) return
  }
}
