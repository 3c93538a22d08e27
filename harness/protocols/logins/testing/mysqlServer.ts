import { constants, createHash, generateKeyPairSync, type KeyObject, privateDecrypt } from 'node:crypto'
import type { LoginServer } from './dialogue.ts'

/** How a server of MySQL behaves, written from the description of its protocol. */
export interface MysqlBehaviour {
  readonly user: string
  readonly password: string
  /** The method of the user, and that of the greeting. */
  readonly plugin: string
  readonly greets?: string
  /** caching_sha2_password: the server knows the hash of the password already. */
  readonly isCached?: boolean
  /** It is older than CLIENT_DEPRECATE_EOF. */
  readonly isOld?: boolean
  /** What it sends in place of its public key. */
  readonly brokenKey?: string
  /** The connection is a unix socket. */
  readonly overUnixSocket?: boolean
}

/** One pair of keys for all servers of a test: to make one takes a while. */
let keys: { readonly publicPem: string; readonly privateKey: KeyObject } | undefined

function rsaKeys(): NonNullable<typeof keys> {
  if (keys === undefined) {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    keys = { publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(), privateKey }
  }
  return keys
}

const firstSalt = Buffer.from('abcdefghijklmnopqrst')
const secondSalt = Buffer.from('01234567890123456789')

/** A packet of the server. */
export function packet(number: number, ...parts: readonly (Uint8Array | string | number)[]): Buffer {
  const body = Buffer.concat(parts.map(part => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))))
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head[3] = number
  return Buffer.concat([head, body])
}

const sha = (name: 'sha1' | 'sha256', ...parts: readonly Uint8Array[]) =>
  createHash(name).update(Buffer.concat(parts)).digest()
const xor = (bytes: Uint8Array, other: Uint8Array) =>
  Buffer.from(bytes.map((byte, index) => byte ^ other[index % other.length]!))

/** One connection to a server of MySQL. */
export class MysqlServer implements LoginServer {
  /** What the client has said of itself. */
  flags = 0
  user = ''
  database = ''
  queries = 0
  readonly #behaviour: MysqlBehaviour
  #salt = firstSalt
  #stage: 'response' | 'changed' | 'full' | 'key sent' | 'queries' = 'response'

  constructor(behaviour: MysqlBehaviour) {
    this.#behaviour = behaviour
  }

  greeting(): Uint8Array[] {
    const { plugin, greets = plugin, isOld } = this.#behaviour
    const [low, high] = [0xf7ff, isOld ? 0x00ff : 0xc1ff]
    const flags = (value: number) => Buffer.from([value & 0xff, value >> 8])
    const head = [10, '8.0.0-test\0', Buffer.from([9, 0, 0, 0]), firstSalt.subarray(0, 8), 0]
    const rest = [flags(low), 45, Buffer.from([2, 0]), flags(high), 21, Buffer.alloc(10)]
    return [packet(0, ...head, ...rest, firstSalt.subarray(8), 0, `${greets}\0`)]
  }

  received(bytes: Uint8Array): Uint8Array[] {
    const given = Buffer.from(bytes)
    const number = given[3]! + 1
    const body = given.subarray(4)
    if (given.readUIntLE(0, 3) !== body.length) throw new Error('a wrong length')
    switch (this.#stage) {
      case 'response':
        return this.#respond(number, body)
      case 'changed':
        return this.#check(number, body)
      case 'full':
        return this.#full(number, body)
      case 'key sent':
        return this.#end(number, this.#decrypted(body))
      case 'queries':
        this.queries++
        return [packet(1, 1), packet(2, 'def'), packet(3, 1, '1'), packet(4, 0xfe, 0, 0, 2, 0, 0, 0)]
    }
  }

  #respond(number: number, body: Buffer): Uint8Array[] {
    const { plugin, user } = this.#behaviour
    this.flags = body.readUInt32LE(0)
    const userEnd = body.indexOf(0, 32)
    this.user = body.toString('utf8', 32, userEnd)
    const answerAt = userEnd + 2
    const answerEnd = answerAt + body[userEnd + 1]!
    const texts = body.toString('utf8', answerEnd).split('\0')
    const hasDatabase = (this.flags & 8) !== 0
    this.database = hasDatabase ? texts[0]! : ''
    if (this.user !== user) return this.#refuse(number)
    if (texts[hasDatabase ? 1 : 0] === plugin) return this.#check(number, body.subarray(answerAt, answerEnd))
    this.#stage = 'changed'
    this.#salt = secondSalt
    return [packet(number, 0xfe, `${plugin}\0`, secondSalt, 0)]
  }

  #check(number: number, answer: Buffer): Uint8Array[] {
    const { plugin, isCached, password } = this.#behaviour
    if (password === '') return this.#end(number, answer.length === 0)
    if (plugin !== 'caching_sha2_password') {
      const stored = sha('sha1', sha('sha1', Buffer.from(password)))
      const once = xor(answer, sha('sha1', this.#salt, stored))
      return this.#end(number, answer.length === 20 && sha('sha1', once).equals(stored))
    }
    if (!isCached) {
      this.#stage = 'full'
      return [packet(number, 1, 4)]
    }
    const stored = sha('sha256', sha('sha256', Buffer.from(password)))
    const once = xor(answer, sha('sha256', stored, this.#salt))
    const isRight = answer.length === 32 && sha('sha256', once).equals(stored)
    return isRight ? [packet(number, 1, 3), ...this.#end(number + 1, true)] : this.#end(number, false)
  }

  #full(number: number, body: Buffer): Uint8Array[] {
    const { overUnixSocket, brokenKey, password } = this.#behaviour
    if (overUnixSocket) return this.#end(number, body.equals(Buffer.from(`${password}\0`)))
    if (body.length !== 1 || body[0] !== 2) throw new Error('the password has come over a connection that can be read')
    this.#stage = 'key sent'
    return [packet(number, 1, brokenKey ?? rsaKeys().publicPem)]
  }

  #decrypted(body: Buffer): boolean {
    const padding = constants.RSA_PKCS1_OAEP_PADDING
    const hidden = privateDecrypt({ key: rsaKeys().privateKey, padding, oaepHash: 'sha1' }, body)
    return xor(hidden, this.#salt).equals(Buffer.from(`${this.#behaviour.password}\0`))
  }

  #end(number: number, isRight: boolean): Uint8Array[] {
    if (!isRight) return this.#refuse(number)
    this.#stage = 'queries'
    return [packet(number, 0, 0, 0, 2, 0, 0, 0)]
  }

  #refuse(number: number): Uint8Array[] {
    const text = `#28000Access denied for user '${this.user}'@'localhost' (using password: YES)`
    return [packet(number, 0xff, Buffer.from([0x15, 0x04]), text)]
  }
}
