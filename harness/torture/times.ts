/** How long trials wait for what may or may not happen, in milliseconds; tests use shorter times than `defaultTimes`. */
export interface TortureTimes {
  /**
   * Between two pieces of a message. With Nagle's algorithm off each piece is sent at once, and a server that is not busy
   * has read it by then; a busy server gets two pieces in one read, which is not its fault.
   */
  readonly apartMs: number
  /** After the last expected reply, during which no further one may arrive. */
  readonly quietMs: number
  /** For an answer to bytes that need none, and for the silence in the middle of a frame. */
  readonly heldMs: number
  /** A server that accepts no bytes for this long while it serves others has stopped reading. */
  readonly stalledMs: number
  /** The longest that requests are written without reading a reply. */
  readonly floodMsMax: number
  /** A crowd has at least this long: when a listen queue overflows, the kernel retries after 1 s, 2 s and 4 s. */
  readonly crowdMsMin: number
  /** The longest wait for a server to answer again after a failed trial. */
  readonly recoveryMsMax: number
  /** The longest that one trial may take; its connections are then closed. */
  readonly trialMsMax: number
  /** No trial begins later than this after the first. */
  readonly tortureMsMax: number
}

export const defaultTimes: TortureTimes = {
  apartMs: 10,
  quietMs: 30,
  heldMs: 200,
  stalledMs: 500,
  floodMsMax: 8000,
  crowdMsMin: 10_000,
  recoveryMsMax: 10_000,
  trialMsMax: 60_000,
  tortureMsMax: 300_000,
}
