/** One request or reply, apart from its wire format. */
export interface Message {
  body: Uint8Array
  /** TLV type or RPC command type. */
  type?: number
  /** RPC version. */
  version?: number
  /** RPC extension, a signed 64-bit number. */
  extension?: bigint
  /** What joins a reply to its request where replies come in any order. */
  id?: number
  /** HTTP requests. */
  method?: string
  path?: string
  headers?: Readonly<Record<string, string>>
  /** HTTP replies. */
  status?: number
}

/** What `frameEnd` answers besides an offset. Every other answer is the offset just past the first whole frame. */
export const incomplete = 0
export const malformed = -1
export const tooLarge = -2

/**
 * A wire format: bytes in, messages out. No sockets, timers or clocks; an instance has no state, and any number of
 * connections share it. Whatever bytes come in, `frameEnd` answers: it throws nothing and allocates nothing.
 */
export interface Protocol {
  readonly name: string
  /** The longest frame that is taken, header and all; a longer one is `tooLarge` as soon as its header is read. */
  readonly frameBytesMax: number
  /**
   * The end of the first whole frame in `bytes[from, to)`, or `incomplete`, `malformed` or `tooLarge`.
   * `requestBytes` is the length of the request that the frame answers (a server passes what it has);
   * only a format without framing looks at it.
   */
  frameEnd(bytes: Uint8Array, from: number, to: number, requestBytes: number): number
  /** Formats whose `frameEnd` looks at `requestBytes`; the others may be given 0. */
  readonly needsRequestBytes?: boolean
  /** The frame of a message; throws a RangeError that says why when the message does not fit the format. */
  encode(message: Message): Uint8Array
  /** The message in the whole frame `bytes[from, end)`; its body is a view, valid until the bytes are reused. */
  decode(bytes: Uint8Array, from: number, end: number): Message
  /** Where the body of the whole frame `bytes[from, end)` begins. */
  bodyStart(bytes: Uint8Array, from: number, end: number): number
  /** Where the body of the whole frame `bytes[from, end)` ends. */
  bodyEnd(bytes: Uint8Array, from: number, end: number): number
  /** Formats whose frames carry a type. */
  readonly type?: { read(bytes: Uint8Array, from: number): number }
  /** Formats whose replies carry a status, as HTTP does. */
  readonly status?: { read(bytes: Uint8Array, from: number): number }
  /** Whether a whole reply says that the server refused the request, as an error of RESP does; unexpected unless expected. */
  isRefusal?(bytes: Uint8Array, from: number, end: number): boolean
  /**
   * Formats in which a server also sends what answers no request: of such a frame, which is whole, where the text begins that some
   * client has sent; of a reply -1.
   */
  delivery?(bytes: Uint8Array, from: number, end: number): number
  /** Formats whose frames carry an id: replies may come in any order. */
  readonly requestId?: RequestId
  /** Formats with a handshake of their own by which a client shows that it knows a key. */
  readonly keyHandshake?: KeyHandshake
  /** Formats that announce a frame's length: bytes of the first frame as announced, or 0 while that is not yet in. */
  announcedBytes?(bytes: Uint8Array, from: number, to: number): number
  /** Formats whose bodies pass through layers, which all else but `encode`, `frameEnd` and `decode` does not see. */
  readonly layers?: BodyLayers
}

/** What a frame as it is sent and the plain one, as it was before its body passed through the layers, have to do with each other. */
export interface BodyLayers {
  readonly plain: Protocol
  /** A plain frame as it is sent; throws a RangeError when it does not fit the format. */
  wrapFrame(frame: Uint8Array): Uint8Array
  /** The most bytes that a plain frame of this length is sent with; throws a RangeError when that does not fit the format. */
  wrappedBytesMax(frame: Uint8Array): number
  /** The plain frame of the whole frame `bytes[from, end)`; undefined where that is not in order. */
  unwrapFrame(bytes: Uint8Array, from: number, end: number): Uint8Array | undefined
}

/** The id field of a frame, an unsigned number of `bits` bits; its place must lie within every whole frame. */
export interface RequestId {
  readonly bits: number
  read(bytes: Uint8Array, from: number, end: number): number
  write(bytes: Uint8Array, from: number, id: number): void
}

/**
 * A challenge handshake: the key itself is never sent. The client says hello, the server answers with a challenge of
 * random bytes, the client with their signature, the server with a welcome; or, to anything else, with a refusal. Each is
 * a message of a type of its own.
 */
export interface KeyHandshake {
  readonly helloType: number
  readonly challengeType: number
  readonly signatureType: number
  readonly welcomeType: number
  readonly refusalType: number
  readonly challengeBytes: number
  readonly signatureBytes: number
  sign(key: string, challenge: Uint8Array): Uint8Array
}

export type ProtocolName = 'raw' | 'line' | 'frame' | 'tlv' | 'rpc' | 'broadcast' | 'http' | 'resp'
