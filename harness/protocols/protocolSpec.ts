import type { LineSettings } from './line.ts'
import type { PictureSettings } from './picture/picture.ts'
import type { ReplyRules } from './replies/replies.ts'
import type { RespSettings } from './resp/resp.ts'

/** A protocol's name and settings: plain and cloneable, made into a `Protocol` where it is used. */
export type ProtocolSpec =
  | { readonly name: 'raw'; readonly replyBytes?: number }
  | ({ readonly name: 'line' } & LineSettings & WithReplies)
  | ({ readonly name: 'frame' } & FrameSettings & WithReplies)
  /** Drawn element by element. */
  | ({ readonly name: 'frame' } & PictureSettings & WithReplies)
  | { readonly name: 'tlv'; readonly maxFrame: number }
  /** `id.max` is the largest id of requests; by default below 2^31. */
  | {
      readonly name: 'rpc'
      readonly lengthPrefix: boolean
      readonly maxFrame: number
      readonly id?: { readonly max: number }
    }
  /** `line` by default. */
  | { readonly name: 'broadcast'; readonly framing?: BroadcastFraming; readonly maxFrame: number }
  /** `host` is the value of the header Host for requests without one; localhost by default. */
  | { readonly name: 'http'; readonly host?: string; readonly maxFrame: number }
  | ({ readonly name: 'resp' } & RespSettings)

/** Formats in which a reply may be several frames, and frames may come that answer nothing. */
export interface WithReplies {
  readonly replies?: ReplyRules
  /** What reports call it. */
  readonly called?: string
}

/**
 * How messages of `broadcast` are told apart: by line ends, by the braces of JSON objects, as bare texts to clients, or as
 * messages of WebSocket.
 */
export type BroadcastFraming = 'line' | 'json' | 'text' | 'websocket'

export interface FrameSettings {
  /** Where the length field begins. */
  readonly lengthOffset: number
  readonly lengthBytes: 1 | 2 | 3 | 4 | 8
  readonly endian: 'big' | 'little'
  /** Added to the length field: a frame is lengthOffset + lengthBytes + length + lengthAdjustment bytes long. */
  readonly lengthAdjustment: number
  /**
   * Bytes at the start of a frame that are not its body; by default up to the end of the length field and of the id.
   */
  readonly strip?: number
  /** The longest frame that is accepted, with its header. */
  readonly maxFrame: number
  /** `max` is the largest id of requests; by default the largest that the field holds. */
  readonly id?: { readonly offset: number; readonly bytes: 1 | 2 | 3 | 4; readonly max?: number }
}
