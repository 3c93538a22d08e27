import type { Patch } from './bank.ts'

/** What is written into a slot of a fixed width. */
export type Slot = Omit<Patch, 'offset'>

/**
 * The offsets of slots in an encoded frame: where it differs from the same message with another filler. So a protocol
 * may put a text anywhere, split it or wrap it, as long as it keeps its order and all of its bytes.
 */
export function locateSlots(frame: Uint8Array, other: Uint8Array, slots: readonly Slot[]): Patch[] {
  let at = 0
  return slots.map(slot => {
    while (at < frame.length && frame[at] === other[at]) at++
    const offset = at
    for (; at < offset + slot.length; at++) {
      if (frame[at] === other[at])
        throw new RangeError('the protocol changes the bytes of a slot, which cannot be patched')
    }
    return { ...slot, offset }
  })
}
