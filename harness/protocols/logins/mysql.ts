import { createHash } from 'node:crypto'
import type { Picture } from '../picture/elements.ts'
import {
  fail,
  type Login,
  type LoginAct,
  type LoginSettings,
  type LoginSystem,
  loginFrameBytesMax,
  send,
  wait,
} from './login.ts'
import { PublicKeys } from './publicKeys.ts'

const headerBytes = 4
/** What a client may say of itself, and what a server must be able to do (the flags of the protocol). */
const flag = {
  longPassword: 0x1,
  longFlag: 0x4,
  connectWithDatabase: 0x8,
  protocol41: 0x200,
  transactions: 0x2000,
  secureConnection: 0x8000,
  pluginAuth: 0x8_0000,
  deprecateEof: 0x100_0000,
} as const
const needed = flag.protocol41 | flag.secureConnection | flag.pluginAuth
const wanted = needed | flag.longPassword | flag.longFlag | flag.transactions | flag.deprecateEof
const packetBytesMax = 16_777_216
const utf8mb4 = 45
const saltBytes = 20
/** The first byte of a packet. */
const packet = { ok: 0x00, moreData: 0x01, greeting: 0x0a, change: 0xfe, error: 0xff } as const
const native = 'mysql_native_password'
const cachingSha2 = 'caching_sha2_password'
/** What the server says in caching_sha2_password, and how it is asked for its key. */
const sha2 = { isCached: 3, needsPassword: 4, sendKey: 2 } as const
const known = `volley has ${native} and ${cachingSha2}`

const picture: Picture = [
  { kind: 'length', form: 'u24le', counts: 'body', plus: 0, flag: 0 },
  { kind: 'field', name: 'number', type: 'u8', value: 0 },
  { kind: 'body' },
]

/** MySQL and MariaDB, protocol 10: mysql_native_password and caching_sha2_password. */
export const mysqlLogin: LoginSystem = {
  format: { name: 'frame', request: picture, reply: picture, maxFrame: loginFrameBytesMax },
  speaksFirst: true,
  logins(settings, overUnixSocket) {
    const keys = new PublicKeys()
    return () => new MysqlLogin(settings, overUnixSocket, keys)
  },
}

interface Greeting {
  readonly capabilities: number
  readonly salt: Buffer
  readonly plugin: string
}

class MysqlLogin implements Login {
  readonly #settings: LoginSettings
  readonly #overUnixSocket: boolean
  readonly #keys: PublicKeys
  #plugin = ''
  #salt: Buffer = Buffer.alloc(0)
  #isGreeted = false
  #hasChanged = false
  /** In caching_sha2_password: what the server was sent last. */
  #stage: 'hash' | 'asked for the key' | 'password' = 'hash'

  constructor(settings: LoginSettings, overUnixSocket: boolean, keys: PublicKeys) {
    this.#settings = settings
    this.#overUnixSocket = overUnixSocket
    this.#keys = keys
  }

  next(message: Uint8Array | undefined): LoginAct {
    if (message === undefined) return wait
    if (message.length <= headerBytes) return fail('an empty packet')
    const body = Buffer.from(message.subarray(headerBytes))
    const act = this.#answer(body)
    // A packet has the number after that of the packet it answers.
    return act.kind === 'send' ? send(numbered(act.bytes, (message[headerBytes - 1]! + 1) & 0xff)) : act
  }

  #answer(body: Buffer): LoginAct {
    const first = body[0]!
    if (first === packet.error) return { kind: 'refused', text: errorText(body) }
    if (!this.#isGreeted) return first === packet.greeting ? this.#greeted(body) : fail('no greeting of MySQL')
    switch (first) {
      case packet.ok:
        return { kind: 'done', text: `logged in ${this.#method()}` }
      case packet.change:
        return this.#change(body)
      case packet.moreData:
        return this.#plugin === cachingSha2 ? this.#goOn(body.subarray(1)) : fail(`more data for ${this.#plugin}`)
      default:
        return fail(`a packet that begins with ${first}, which is no part of a login`)
    }
  }

  #greeted(body: Buffer): LoginAct {
    const greeting = readGreeting(body)
    if (greeting === undefined) return fail('a greeting that is cut off')
    const { capabilities, salt, plugin } = greeting
    if ((capabilities & needed) !== needed) return fail('the server is older than MySQL 5.5.7')
    if ((capabilities & flag.deprecateEof) === 0) {
      return fail('the server is older than MySQL 5.7.5 and MariaDB 10.2')
    }
    this.#isGreeted = true
    this.#salt = salt
    // A method that is not known here may be the server's first choice, but not that of the user.
    this.#plugin = plugin === cachingSha2 ? cachingSha2 : native
    return send(this.#response())
  }

  #response(): Buffer {
    const { user, database } = this.#settings
    const flags = wanted | (database === '' ? 0 : flag.connectWithDatabase)
    const head = Buffer.alloc(32)
    head.writeUInt32LE(flags, 0)
    head.writeUInt32LE(packetBytesMax, 4)
    head[8] = utf8mb4
    const answer = this.#hash()
    return Buffer.concat([
      head,
      text(user),
      Buffer.from([answer.length]),
      answer,
      ...(database === '' ? [] : [text(database)]),
      text(this.#plugin),
    ])
  }

  /** The server wants another method than it has named first. */
  #change(body: Buffer): LoginAct {
    const nameEnd = body.indexOf(0, 1)
    if (nameEnd < 0) return fail(`the server asks for mysql_old_password; ${known}`)
    const plugin = body.toString('latin1', 1, nameEnd)
    if (plugin !== native && plugin !== cachingSha2) return fail(`the server asks for ${plugin}; ${known}`)
    if (this.#hasChanged || this.#stage !== 'hash') return fail('the server changes the login method once too often')
    this.#hasChanged = true
    this.#plugin = plugin
    this.#stage = 'hash'
    this.#salt = body.subarray(nameEnd + 1, nameEnd + 1 + saltBytes)
    if (this.#salt.length < saltBytes) return fail(`a salt of ${this.#salt.length} bytes`)
    return send(this.#hash())
  }

  /** The rest of caching_sha2_password: the server knows the hash already, or wants the password itself. */
  #goOn(data: Buffer): LoginAct {
    if (this.#stage === 'asked for the key') {
      const hidden = this.#keys.encrypt(data.toString('latin1'), xored(text(this.#settings.password), this.#salt))
      if (hidden === undefined) return fail('the server sends a public key that cannot be used')
      this.#stage = 'password'
      return send(hidden)
    }
    if (this.#stage === 'password' || data.length !== 1) return fail(`more data for ${cachingSha2}`)
    if (data[0] === sha2.isCached) return wait
    if (data[0] !== sha2.needsPassword) return fail(`the state ${data[0]} of ${cachingSha2}, which is not known`)
    // Nobody can read along on a unix socket, and the server wants the password as it is.
    this.#stage = this.#overUnixSocket ? 'password' : 'asked for the key'
    return send(this.#overUnixSocket ? text(this.#settings.password) : Buffer.from([sha2.sendKey]))
  }

  #hash(): Buffer {
    const { password } = this.#settings
    if (password === '') return Buffer.alloc(0)
    return this.#plugin === native ? nativeHash(password, this.#salt) : cachingSha2Hash(password, this.#salt)
  }

  #method(): string {
    if (this.#settings.password === '') return 'without a password'
    return `by ${this.#plugin}${this.#stage === 'hash' ? '' : ', with the password itself'}`
  }
}

/** SHA1(password) XOR SHA1(salt, SHA1(SHA1(password))). */
function nativeHash(password: string, salt: Buffer): Buffer {
  const once = digest('sha1', Buffer.from(password))
  return xored(once, digest('sha1', salt, digest('sha1', once)))
}

/** SHA256(password) XOR SHA256(SHA256(SHA256(password)), salt). */
function cachingSha2Hash(password: string, salt: Buffer): Buffer {
  const once = digest('sha256', Buffer.from(password))
  return xored(once, digest('sha256', digest('sha256', once), salt))
}

function digest(name: 'sha1' | 'sha256', ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash(name)
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The bytes, each combined with that of the other, which is repeated. */
function xored(bytes: Buffer, other: Buffer): Buffer {
  return Buffer.from(bytes.map((byte, index) => byte ^ other[index % other.length]!))
}

/** The parts of the first packet of a server; undefined where it is cut off. */
function readGreeting(body: Buffer): Greeting | undefined {
  const versionEnd = body.indexOf(0, 1)
  // Behind the version: a number of 4 bytes, 8 of the salt, a zero, then the flags and what is sized by them.
  const saltAt = versionEnd + 5
  const flagsAt = saltAt + 9
  const restAt = flagsAt + 18
  if (versionEnd < 0 || body.length < restAt) return undefined
  const capabilities = body.readUInt16LE(flagsAt) | (body.readUInt16LE(flagsAt + 5) << 16)
  const restBytes = Math.max(13, body[flagsAt + 7]! - 8)
  const nameAt = restAt + restBytes
  const salt = Buffer.concat([body.subarray(saltAt, saltAt + 8), body.subarray(restAt, restAt + saltBytes - 8)])
  if (salt.length < saltBytes) return undefined
  const nameEnd = body.indexOf(0, nameAt)
  return { capabilities, salt, plugin: body.toString('latin1', nameAt, nameEnd < 0 ? body.length : nameEnd) }
}

function numbered(body: Uint8Array, number: number): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUIntLE(body.length, 0, 3)
  header[3] = number
  return Buffer.concat([header, body])
}

/** A text with the NUL behind it. */
function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

/** What an error says and its number: `Access denied for user 'x'@'localhost' (1045, 28000)`. */
function errorText(body: Buffer): string {
  if (body.length < 3) return 'an error without a number'
  const number = body.readUInt16LE(1)
  // A server that has not greeted yet sends no state.
  const hasState = body[3] === 0x23 && body.length >= 9
  const state = hasState ? `, ${body.toString('latin1', 4, 9)}` : ''
  return `${body.toString('utf8', hasState ? 9 : 3)} (${number}${state})`
}
