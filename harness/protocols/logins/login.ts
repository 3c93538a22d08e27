import type { ProtocolSpec } from '../protocolSpec.ts'

/** The systems that connections can log in to. */
export const loginNames = ['postgres', 'mysql'] as const
export type LoginName = (typeof loginNames)[number]

/** Who logs in, and to which database; an empty one is what the server takes by itself. */
export interface LoginSettings {
  readonly user: string
  readonly password: string
  readonly database: string
}

/** The login of a step of the handshake; plain data. */
export interface LoginSpec extends LoginSettings {
  readonly system: LoginName
}

/** What a client does next in a login. Texts are for people; those of a server are as it has sent them. */
export type LoginAct =
  /** Sends these bytes, and waits for the next message of the server. */
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'wait' }
  | { readonly kind: 'done'; readonly text: string }
  /** The server says no. */
  | { readonly kind: 'refused'; readonly text: string }
  /** The server says what is no login, or asks for what cannot be done. */
  | { readonly kind: 'failed'; readonly text: string }

/** The client's half of a login on one connection: whole messages in, bytes out. It has no sockets and no clocks. */
export interface Login {
  /**
   * What to do after a whole message of the server, or undefined at the beginning. It throws nothing, whatever comes, and
   * sends a few messages at most, whatever the server asks for.
   */
  next(message: Uint8Array | undefined): LoginAct
}

/** How connections log in to a system. */
export interface LoginSystem {
  /** The format of single messages during the login. */
  readonly format: ProtocolSpec
  /** The server sends the first message. */
  readonly speaksFirst: boolean
  /**
   * Makes the login of each new connection; what takes long is calculated once for all of them. Over a unix socket, where
   * nobody can read along, a server may want another answer.
   */
  readonly logins: (settings: LoginSettings, overUnixSocket: boolean) => () => Login
}

export const wait: LoginAct = { kind: 'wait' }

/** Sends bytes, and waits for the next message. */
export function send(bytes: Uint8Array): LoginAct {
  return { kind: 'send', bytes }
}

/** The end of a login that cannot go on. */
export function fail(text: string): LoginAct {
  return { kind: 'failed', text }
}

/** A longer message of a server is no part of a login. */
export const loginFrameBytesMax = 64 * 1024
