import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import type { LoginServer } from './dialogue.ts'

/** How a server of PostgreSQL behaves, written from the description of its protocol. */
export interface PostgresBehaviour {
  readonly method: 'trust' | 'password' | 'md5' | 'scram-sha-256'
  readonly user: string
  readonly password: string
  readonly iterations?: number
  /** It does not know the password, and pretends to. */
  readonly cannotSign?: boolean
  /** It accepts a login by SCRAM without a signature. */
  readonly skipsSignature?: boolean
}

const md5Salt = Buffer.from([1, 2, 3, 4])
const scramSalt = Buffer.from('a salt of 16 byt')
const serverNonce = 'server+nonce'

/** A message of the server. */
export function message(type: string, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body)
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeUInt32BE(bytes.length + 4, 1)
  return Buffer.concat([head, bytes])
}

/** A message that asks for a login, or accepts it. */
export function ask(method: number, rest: Uint8Array | string = ''): Buffer {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(method)
  return message('R', Buffer.concat([number, Buffer.from(rest)]))
}

const refused = (user: string) => [
  message('E', `SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "${user}"\0\0`),
]
const welcome = () => [
  ask(0),
  message('S', 'server_version\x0015.0\0'),
  message('N', 'SNOTICE\0Mhello\0\0'),
  message('K', Buffer.alloc(8, 7)),
  message('Z', 'I'),
]

/** One connection to a server of PostgreSQL. */
export class PostgresServer implements LoginServer {
  /** The parameters of the first message. */
  parameters: Readonly<Record<string, string>> = {}
  queries = 0
  readonly #behaviour: PostgresBehaviour
  #messages = 0
  #clientFirst = ''
  #isLoggedIn = false

  constructor(behaviour: PostgresBehaviour) {
    this.#behaviour = behaviour
  }

  greeting(): Uint8Array[] {
    return []
  }

  received(bytes: Uint8Array): Uint8Array[] {
    const given = Buffer.from(bytes)
    const { method, user } = this.#behaviour
    if (this.#isLoggedIn) {
      this.queries++
      return [message('T', 'columns'), message('D', 'row'), message('C', 'SELECT 1\0'), message('Z', 'I')]
    }
    if (this.#messages++ === 0) {
      const texts = given.toString('utf8', 8).split('\0').slice(0, -2)
      this.parameters = Object.fromEntries(
        texts.flatMap((name, index) => (index % 2 === 0 ? [[name, texts[index + 1]!]] : [])),
      )
      if (method === 'trust') return this.#accept(welcome())
      if (method === 'password') return [ask(3)]
      if (method === 'md5') return [ask(5, md5Salt)]
      return [ask(10, 'SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0')]
    }
    const body = given.subarray(5)
    if (method === 'scram-sha-256') return this.#scram(body)
    return body.equals(Buffer.from(`${this.#wanted()}\0`)) ? this.#accept(welcome()) : refused(user)
  }

  #wanted(): string {
    const { method, user, password } = this.#behaviour
    if (method === 'password') return password
    const stored = createHash('md5').update(`${password}${user}`).digest('hex')
    return `md5${createHash('md5')
      .update(Buffer.concat([Buffer.from(stored), md5Salt]))
      .digest('hex')}`
  }

  #scram(body: Buffer): Uint8Array[] {
    const { iterations = 4096, user, cannotSign, skipsSignature } = this.#behaviour
    if (this.#messages === 2) {
      const nameEnd = body.indexOf(0)
      if (body.toString('latin1', 0, nameEnd) !== 'SCRAM-SHA-256') throw new Error('another method')
      this.#clientFirst = body.toString('latin1', nameEnd + 5)
      return [ask(11, this.#serverFirst(iterations))]
    }
    const final = body.toString('latin1')
    const signature = cannotSign ? Buffer.alloc(32, 1).toString('base64') : this.#signatureFor(final, iterations)
    if (signature === undefined) return refused(user)
    return this.#accept([...(skipsSignature ? [] : [ask(12, `v=${signature}`)]), ...welcome()])
  }

  #serverFirst(iterations: number): string {
    const [, clientNonce] = /,r=(.+)$/.exec(this.#clientFirst)!
    return `r=${clientNonce}${serverNonce},s=${scramSalt.toString('base64')},i=${iterations}`
  }

  /** The server's signature; undefined where the proof of the client is wrong. */
  #signatureFor(final: string, iterations: number): string | undefined {
    const [, withoutProof, proof] = /^(.*),p=(.*)$/.exec(final)!
    const signed = [this.#clientFirst.slice(3), this.#serverFirst(iterations), withoutProof].join(',')
    const salted = pbkdf2Sync(this.#behaviour.password, scramSalt, iterations, 32, 'sha256')
    const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()
    const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
    const clientSignature = hmac(storedKey, signed)
    const clientKey = Buffer.from(proof!, 'base64').map((byte, index) => byte ^ clientSignature[index]!)
    if (!createHash('sha256').update(clientKey).digest().equals(storedKey)) return undefined
    return hmac(hmac(salted, 'Server Key'), signed).toString('base64')
  }

  #accept(messages: Uint8Array[]): Uint8Array[] {
    this.#isLoggedIn = true
    return messages
  }
}
