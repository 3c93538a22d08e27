import type { LayerText } from '../protocols/layers/settings.ts'
import type { LoginName, LoginSettings } from '../protocols/logins/login.ts'
import type { ChecksumName } from '../protocols/picture/checksums.ts'
import type { LengthForm } from '../protocols/picture/lengths.ts'
import type { FloatName, NumberName } from '../protocols/picture/numbers.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import type { ReplyRules } from '../protocols/replies/replies.ts'
import type { RelaySettings } from '../relaySettings.ts'
import type { SocketSettings } from '../socketOptions.ts'
import type { WireSettings } from '../transports/wire.ts'

/**
 * A valid scenario with its units resolved: durations in milliseconds, sizes in bytes. It keeps the shape of the YAML
 * file, so that a path in one is the same path in the other.
 */
export interface Scenario {
  readonly name: string
  readonly description?: string
  readonly target: Target
  readonly environments: Readonly<Record<string, Target>>
  readonly protocol: ProtocolSpec
  /**
   * The layers of bodies, in the order in which they are applied when sending, and the key of those that have one. What
   * the file has as `{ hmac-sha1: { place: before } }` is `hmac-sha1:before` here.
   */
  readonly layers?: readonly LayerText[]
  readonly layerKey?: string
  /** How writes are split or coalesced. */
  readonly wire?: WireSettings
  readonly socket?: SocketSettings
  /** Of all clients together, where they differ. */
  readonly connections: number
  /** Each new connection begins with the protocol's own handshake, in which it proves that it knows this key. */
  readonly key?: string
  /** The handshake: run once on each new connection. */
  readonly connect: readonly Step[]
  readonly load: Load
  /**
   * Length of the measured part, without the warm-up. With `warmup: auto` a longer warm-up shortens it, or the run is
   * extended once by its own length.
   */
  readonly duration: number
  /** Requests in total, over all connections; the run ends with the last of them, or after `duration`. */
  readonly requests?: number
  /** Before the measured part; `auto` lasts until the steady state, and shortens the measured part. */
  readonly warmup: number | 'auto'
  readonly timeout: number
  readonly reconnect: Reconnect
  /** The steps of one iteration, one after the other; exactly one of `loop`, `mix` and `clients` is present. */
  readonly loop?: readonly Step[]
  readonly mix?: readonly MixStep[]
  /** Connections that do not all do the same: each group has its own handshake, and its own loop or mix. */
  readonly clients?: readonly ClientGroup[]
  readonly heartbeat?: Heartbeat
  readonly data?: { readonly file: string; readonly order: 'sequential' | 'random' }
  readonly thresholds: readonly Threshold[]
  readonly tls?: TlsFiles
  readonly workers: number | 'auto'
  readonly transport: 'auto' | 'node' | 'epoll'
  /** Local addresses to connect from, used in turn: each has ports of its own. Empty where the run shall take none by itself. */
  readonly sourceAddresses?: readonly string[]
  readonly seed?: number
}

/** Connections that do the same; without a loop or a mix they only listen. */
export interface ClientGroup {
  readonly name?: string
  readonly connections: number
  readonly connect: readonly Step[]
  readonly loop?: readonly Step[]
  readonly mix?: readonly MixStep[]
}

export type Target = Through &
  (
    | {
        readonly serve: 'echo' | 'tlv' | 'rpc' | 'broadcast' | 'http'
        readonly options: Readonly<Record<string, string | number | boolean>>
        /** TCP by default. */
        readonly over?: 'tcp' | 'udp'
      }
    /** `{port}` in both texts is replaced by a free port; the default address is `tcp://127.0.0.1:{port}`. */
    | { readonly command: string; readonly address?: string }
    | { readonly address: string }
  )

export interface Through {
  /** The network that a relay on this machine simulates between the client and the target. */
  readonly relay?: RelaySettings
}

export interface Load {
  readonly mode: 'loop' | 'rate' | 'search' | 'once'
  /** Requests in flight per connection. */
  readonly pipeline: number
  /**
   * Requests per second over all connections; with stages, the rate at the start of the first; in mode search, the
   * first rate to try.
   */
  readonly rate?: number
  readonly arrivals?: 'poisson' | 'constant'
  readonly stages?: readonly Stage[]
}

/**
 * A part of the run in which the load changes linearly: in mode rate to `to` requests a second, in mode loop to a number
 * of sending connections. All stages of a scenario set the same one of the two.
 */
export interface Stage {
  readonly duration: number
  readonly to?: number
  readonly connections?: number
}

export interface Reconnect {
  readonly when: 'failure' | 'every-request' | 'never'
  readonly backoff: { readonly min: number; readonly max: number }
  /** A connection is closed and opened anew after so many requests. */
  readonly after?: number
  /** A connection that could not be opened, or do its handshake, so often in a row is given up. */
  readonly attempts?: number
  /** `reset`: a connection that has had its request is closed by a reset, and leaves no port in TIME_WAIT. */
  readonly close?: 'normal' | 'reset'
}

export interface Step {
  /** Empty where the step listens or logs in. */
  readonly send: Send
  /** In the handshake: the step is a login, with as many messages as the server wants. */
  readonly login?: LoginStep
  /** In the handshake: nothing is sent, and what the server says by itself is the reply. */
  readonly listens?: true
  readonly expect?: Expectation
  /** How its reply ends, where that is unlike other replies. */
  readonly reply?: ReplyForm
  /** Values that later steps of the connection use as `{{name}}`: `body`, `json:access.token` or `regex:...` by name. */
  readonly capture?: Readonly<Record<string, string>>
  /** Milliseconds between the reply and the connection's next request. */
  readonly think: number | RandomPause
}

/** By the name of the system, of which there is one. */
export type LoginStep = Readonly<Partial<Record<LoginName, LoginSettings>>>

/** Exactly one of the two: other rules for the frames of the protocol, or another format, with rules of its own. */
export interface ReplyForm {
  readonly rules?: Pick<ReplyRules, 'until' | 'more' | 'single' | 'joined'>
  readonly spec?: ProtocolSpec
}

/** Pauses in milliseconds, each drawn anew: `exponential`, or `uniform` from 0 to twice their mean. */
export interface RandomPause {
  readonly mean: number
  readonly spread: 'exponential' | 'uniform'
}

export interface MixStep extends Step {
  readonly weight: number
}

export interface Heartbeat {
  readonly every: number
  readonly send: Send
  /** Whether the server answers it. */
  readonly reply: boolean
}

/** What a request carries: a payload alone, or a body with the other fields of the protocol. */
export type Send = Payload | MessageSend | UnframedSend

/** A whole message: nothing is put around it. */
export interface UnframedSend {
  readonly unframed: Payload
}

/** A body with the other fields of the protocol. */
export interface MessageSend {
  readonly body?: Payload
  /** A character in a frame whose field is one. */
  readonly type?: number | string
  readonly version?: number
  /** A text where a number of JavaScript would be rounded. */
  readonly extension?: number | string
  /** Other fields of a frame that is drawn, by name. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** HTTP. A text such as `GET /users/{{seq}}` is a method and a path. */
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Broadcast: by which address the client names itself; with framing text its own, unless this sets another. */
  readonly clientIp?: string
}

/** What a field of a reply must be: one value, or one of several; a character where the field is one. */
export type FieldValues = number | string | readonly (number | string)[]

const payloadKeys = ['hex', 'base64', 'file', 'random', 'number', 'of', 'domain', 'unframed']

/** Whether a request is a body with other fields, and not a payload alone. */
export function isMessage(send: Send): send is MessageSend {
  return typeof send === 'object' && !Array.isArray(send) && !payloadKeys.some(key => key in send)
}

/** Whether a step expects no reply. */
export function isOneWay({ expect }: Pick<Step, 'expect'>): boolean {
  return expect === 'nothing'
}

/** Whether a request is a whole message that is sent as it is. */
export function isUnframed(send: Send): send is UnframedSend {
  return typeof send === 'object' && 'unframed' in send
}

/** Bytes that are the same in every request. */
export type ConstantPayload =
  | { readonly hex: string }
  | { readonly base64: string }
  | { readonly file: string }
  | { readonly random: number }

export type Payload =
  | string
  | ConstantPayload
  | NumberPart
  | LengthPart
  | ChecksumPart
  | DomainPart
  /** One after the other. */
  | readonly Payload[]

/** A number as its bytes; a text is a slot that fills it in. */
export interface NumberPart {
  readonly number: NumberName | FloatName
  readonly value: number | string
}

/** The length of a payload, then the payload itself. */
export interface LengthPart {
  readonly length: LengthForm
  readonly counts: 'rest' | 'itself'
  readonly plus: number
  /** Where the payload is empty, there is no length either. */
  readonly omit?: 'empty'
  readonly of: Payload
}

/** A payload, then its checksum. */
export interface ChecksumPart {
  readonly checksum: ChecksumName
  readonly as?: NumberName | { readonly digits: number }
  readonly of: Payload
}

/** A name of DNS: its labels, each with its length before it, and the root. */
export interface DomainPart {
  readonly domain: string
}

/** What a reply must be: all conditions of an object must hold. `body` is another name for `equals`. */
export type Expectation =
  | 'echo'
  /** No reply at all: the request is completed once the client's kernel has taken it. */
  | 'nothing'
  | {
      readonly equals?: Payload
      readonly body?: Payload
      /** The reply begins with this. */
      readonly begins?: Payload
      readonly contains?: Payload
      readonly matches?: string
      readonly type?: FieldValues
      /** RPC; the extension is as in `MessageSend`. */
      readonly version?: number
      readonly extension?: number | string
      readonly status?: FieldValues
      /** Other fields of a frame that is drawn: each has this value, or one of several. */
      readonly fields?: Readonly<Record<string, unknown>>
      /** RESP: the reply is an error that begins so. Without it an error fails its request. */
      readonly error?: string
    }

export interface Threshold {
  /** The text, such as `p99 < 5ms`. */
  readonly expression: string
  readonly metric:
    | 'throughput'
    | 'errors'
    | 'availability'
    | 'mean'
    | 'p50'
    | 'p75'
    | 'p90'
    | 'p95'
    | 'p99'
    | 'p99.9'
    | 'p99.99'
    | 'max'
  readonly operator: '<' | '<=' | '>' | '>='
  /** Requests a second for throughput, a fraction for errors and availability, milliseconds for the rest. */
  readonly limit: number
}

/** Paths of PEM files, relative to the scenario file. */
export interface TlsFiles {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly insecure?: boolean
}

/** Bounds on what a scenario may ask for and on what is read from files. */
export const limits = {
  scenarioBytesMax: 1024 * 1024,
  nestingMax: 32,
  stepsMax: 64,
  clientGroupsMax: 16,
  connectionsMax: 1_000_000,
  pipelineMax: 65_536,
  inFlightMax: 16 * 1024 * 1024,
  workersMax: 256,
  payloadBytesMax: 16 * 1024 * 1024,
  dataBytesMax: 64 * 1024 * 1024,
  dataRowsMax: 1_000_000,
  rateMax: 100_000_000,
  stagesMax: 1000,
  attemptsMax: 10_000,
  durationMsMax: 7 * 24 * 3_600_000,
  /** How long a run may take that ends with a number of requests, or after one pass, where no duration is set. */
  countedDurationMs: 3_600_000,
} as const
