import type { RespSettings } from './resp.ts'
import { encodeWords } from './respCommand.ts'

/** A command with which a connection begins. */
export interface LoginCommand {
  /** How reports name its step. */
  readonly name: string
  readonly frame: Uint8Array
  /** The reply to it; absent where any but an error will do. */
  readonly equals?: Uint8Array
}

/** The user that has the password of a server without users. */
const userDefault = 'default'
const utf8 = new TextEncoder()

/** The commands with which every connection begins: the version, the login and the database of the settings. */
export function loginCommands({ version, user, password, database }: RespSettings): LoginCommand[] {
  const login = password === undefined ? [] : [user ?? userDefault, password]
  // Before it knew users, Redis took the password alone.
  const auth = user === undefined ? login.slice(1) : login
  return [
    ...(version === undefined
      ? []
      : [command('resp.hello', ['HELLO', `${version}`, ...(login.length === 0 ? [] : ['AUTH', ...login])])]),
    ...(version === undefined && auth.length > 0 ? [command('resp.auth', ['AUTH', ...auth], 'OK')] : []),
    ...(database === undefined ? [] : [command('resp.select', ['SELECT', `${database}`], 'OK')]),
  ]
}

function command(name: string, words: readonly string[], reply?: string): LoginCommand {
  const frame = encodeWords(words.map(word => utf8.encode(word)))
  return { name, frame, ...(reply !== undefined && { equals: utf8.encode(reply) }) }
}
