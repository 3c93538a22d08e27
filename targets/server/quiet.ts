/**
 * A relay that is to stop goes on until nothing has come for `quietMs`, longer than TCP holds an acknowledgement, and
 * with it the bytes behind it, back (40 ms on Linux), and nothing is on its way; with what its clients send for no
 * more than `readOnMs`, and with all of it for `flushMsMax`, or what it is given for that.
 */
const quietMs = 50
const readOnMs = 1000
const flushMsMax = 5000

/** What a relay tells of itself while it comes to rest. */
export interface Quiescible {
  /** Changes whenever something comes. */
  received(): number
  /** Whether something is on its way that will arrive. */
  isPending(): boolean
  /** Takes nothing more from clients. */
  stopReading(): void
}

/** Resolves when a relay is at rest, or when its time is over; it accepts no clients any more. */
export async function awaitQuiet(relay: Quiescible, flushMs = flushMsMax): Promise<void> {
  const beginMs = performance.now()
  for (;;) {
    const before = relay.received()
    await new Promise(resolve => setTimeout(resolve, quietMs))
    if (relay.received() === before && !relay.isPending()) return
    const elapsedMs = performance.now() - beginMs
    if (elapsedMs >= readOnMs) relay.stopReading()
    if (elapsedMs >= flushMs) return
  }
}
