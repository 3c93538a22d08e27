/** One request or reply, independent of its wire format. */
export interface Message {
  body: Uint8Array
  /** TLV type or RPC command type. */
  type?: number
  /** RPC version. */
  version?: number
  /** RPC extension, a signed 64-bit number. */
  extension?: bigint
  /** Matches a reply to its request where replies may arrive in any order. */
  id?: number
  /** HTTP requests only. */
  method?: string
  path?: string
  headers?: Readonly<Record<string, string>>
  /** Broadcast requests only: by which address the client names itself. */
  clientIp?: string
  /** HTTP replies only. */
  status?: number
  /** The fields of a frame that is drawn element by element, by name. */
  fields?: Readonly<Record<string, number | bigint | string>>
}

/** The results of `frameEnd` that are not offsets. Any other result is the offset just past the first whole frame. */
export const incomplete = 0
export const malformed = -1
export const tooLarge = -2

/**
 * A wire format: bytes in, messages out. It has no sockets, timers or clocks, and no state that its results depend on,
 * so any number of connections share an instance. `frameEnd` never throws and never allocates, whatever bytes arrive.
 */
export interface Protocol {
  readonly name: string
  /** The longest frame that is accepted, with its header; a longer one is `tooLarge` as soon as its header is in. */
  readonly frameBytesMax: number
  /**
   * The end of the first whole frame in `bytes[from, to)`, or `incomplete`, `malformed` or `tooLarge`.
   * `requestBytes` is the length of the request that the frame answers, 0 where it is unknown; only a format without
   * framing uses it.
   */
  frameEnd(bytes: Uint8Array, from: number, to: number, requestBytes: number): number
  /** Whether `frameEnd` uses `requestBytes`; 0 will do for the others. */
  readonly needsRequestBytes?: boolean
  /** The frame of a message; throws a RangeError with the reason when the message does not fit the format. */
  encode(message: Message): Uint8Array
  /** The message in the whole frame `bytes[from, end)`; its body is a view, valid until the bytes are reused. */
  decode(bytes: Uint8Array, from: number, end: number): Message
  /** Where the body of the whole frame `bytes[from, end)` begins. */
  bodyStart(bytes: Uint8Array, from: number, end: number): number
  /** Where the body of the whole frame `bytes[from, end)` ends. */
  bodyEnd(bytes: Uint8Array, from: number, end: number): number
  /** The most bytes that stand behind a body, where finding its end takes time. */
  readonly tailBytesMax?: number
  /**
   * Formats in which the bytes between `bodyStart` and `bodyEnd` need not be the body itself, as in chunks of HTTP: a copy
   * of the body of such a whole frame; undefined for all others.
   */
  joinedBody?(bytes: Uint8Array, from: number, end: number): Uint8Array | undefined
  /** Formats in which bytes may stand between frames that belong to none: where in `bytes[from, to)` they end. */
  between?(bytes: Uint8Array, from: number, to: number): number
  /**
   * Formats in which a frame may say that its connection ends with it: whether the whole frame `bytes[from, end)` does.
   * Of a reply this means that no other follows; of a request, that the server closes after the reply to it. The bytes
   * must still be those that `frameEnd` saw.
   */
  endsConnection?(bytes: Uint8Array, from: number, end: number): boolean
  /**
   * Formats in which a frame may last until its connection closes, and `frameEnd` finds it incomplete until then: its end
   * when the peer has closed the connection after `bytes[from, to)`, or `incomplete` or `tooLarge`.
   */
  endAtClose?(bytes: Uint8Array, from: number, to: number): number
  /**
   * In a few plain words, why `frameEnd` finds `bytes[from, to)` malformed or tooLarge; undefined where it does not. For
   * people, once a failure has been seen: it may allocate and read the bytes several times.
   */
  explain?(bytes: Uint8Array, from: number, to: number): string | undefined
  /** Formats with fields that have names: reads each of them in the whole frame `bytes[from, end)`. */
  readonly fields?: Readonly<Record<string, (bytes: Uint8Array, from: number, end: number) => number>>
  /** Formats in which requests are framed differently from replies: the parts of a request. */
  readonly sent?: Pick<Protocol, 'frameEnd' | 'decode' | 'bodyStart' | 'bodyEnd' | 'fields'>
  /** Formats whose frames carry a type. */
  readonly type?: { read(bytes: Uint8Array, from: number): number }
  /** Formats whose frames carry a version, a signed number. */
  readonly version?: { read(bytes: Uint8Array, from: number): number }
  /** Formats whose frames carry a signed number of 64 bits: its upper and its lower half, each as an unsigned number. */
  readonly extension?: { high(bytes: Uint8Array, from: number): number; low(bytes: Uint8Array, from: number): number }
  /** Formats whose replies carry a status, as HTTP does. */
  readonly status?: { read(bytes: Uint8Array, from: number): number }
  /** Whether a whole reply refuses the request, as a RESP error does: it is unexpected unless a scenario expects it. */
  isRefusal?(bytes: Uint8Array, from: number, end: number): boolean
  /** Formats in which a reply may be several frames: whether one of them refuses that is not the first. */
  isRefusalLater?(bytes: Uint8Array, from: number, end: number): boolean
  /** A refusal is told by its text alone, so that what a scenario expects of a body may be one. */
  readonly refusesByText?: true
  /**
   * Formats in which a server also sends frames that answer no request: the place in such a whole frame where the text
   * of another client begins, or -1 for a reply.
   */
  delivery?(bytes: Uint8Array, from: number, end: number): number
  /**
   * Formats whose frames carry checksums: fills them in anew in the whole frame `bytes[from, end)`, after something in it
   * has changed.
   */
  seal?(bytes: Uint8Array, from: number, end: number): void
  /** The server sends each message of a client to all others, so that the number of deliveries is known. */
  readonly broadcasts?: true
  /** Formats of WebSocket whose connections begin with its upgrade, and whose server asks by pings and closes. */
  readonly isUpgraded?: true
  /** Formats in which frames come that answer nothing and are of no interest: whether such a whole frame is one. */
  ignores?(bytes: Uint8Array, from: number, end: number): boolean
  /**
   * Formats in which a server asks, and waits for an answer: the number of the rule by which such a whole frame is answered,
   * or -1 for any other.
   */
  answerTo?(bytes: Uint8Array, from: number, end: number): number
  /** Formats in which a reply may be several frames, with others among them that are none: the end of the first frame. */
  readonly singleFrameEnd?: Protocol['frameEnd']
  /**
   * Formats in which a delivery has no end, so that more of it may come: whether the whole frame `bytes[from, end)` is only
   * more of the frame before it. `delivery` then gives its beginning.
   */
  continues?(bytes: Uint8Array, from: number, end: number): boolean
  /** A server knows by `clientIp` whose request it is: where a message has none, the address of its connection is sent. */
  readonly needsLocalAddress?: boolean
  /** Formats whose frames carry an id, so that replies may arrive in any order. */
  readonly requestId?: RequestId
  /** Formats with their own handshake, in which a client proves that it knows a key. */
  readonly keyHandshake?: KeyHandshake
  /** Formats that announce a frame's length: the announced bytes of the first frame, or 0 until the length is in. */
  announcedBytes?(bytes: Uint8Array, from: number, to: number): number
  /** Formats whose bodies pass through layers: `encode`, `frameEnd` and `decode` apply them, no other member does. */
  readonly layers?: BodyLayers
}

/** Translates between wrapped frames, which are sent, and plain ones, whose bodies have not been through the layers. */
export interface BodyLayers {
  readonly plain: Protocol
  /** The wrapped frame of a plain one; throws a RangeError when it does not fit the format. */
  wrapFrame(frame: Uint8Array): Uint8Array
  /** The most bytes that a plain frame of this length has once wrapped; throws a RangeError when they do not fit. */
  wrappedBytesMax(frame: Uint8Array): number
  /** The plain frame of the whole wrapped frame `bytes[from, end)`; undefined where that is not valid. */
  unwrapFrame(bytes: Uint8Array, from: number, end: number): Uint8Array | undefined
}

/** The id field of a frame, an unsigned number of `bits` bits; every whole frame must contain it. */
export interface RequestId {
  readonly bits: number
  /** The largest id that requests use; the smallest is 1. */
  readonly max: number
  read(bytes: Uint8Array, from: number, end: number): number
  write(bytes: Uint8Array, from: number, id: number): void
}

/**
 * A challenge handshake: the key itself is never sent. The client sends a hello, the server a challenge of random
 * bytes, the client their signature, the server a welcome, or a refusal of anything else. Each message has a type.
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
