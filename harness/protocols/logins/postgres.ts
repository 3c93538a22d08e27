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
import { SaltedPasswords, ScramExchange, ScramFault } from './scram.ts'

const version3 = 196_608
/** A character and a length that counts itself. */
const headerBytes = 5
const scramName = 'SCRAM-SHA-256'

/** What the server asks for, by the number in its messages of type R. */
const ask = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const
/** Methods that are not known here. */
const otherMethods: Readonly<Record<number, string>> = {
  2: 'Kerberos V5',
  6: 'SCM credentials',
  7: 'GSSAPI',
  8: 'GSSAPI',
  9: 'SSPI',
}

const picture: Picture = [
  { kind: 'field', name: 'type', type: 'char', value: 'p' },
  { kind: 'length', form: 'u32', counts: 'itself', plus: 0, flag: 0 },
  { kind: 'body' },
]

/** PostgreSQL, protocol 3.0: trust, password, md5 and scram-sha-256. */
export const postgresLogin: LoginSystem = {
  format: {
    name: 'frame',
    request: picture,
    reply: picture,
    maxFrame: loginFrameBytesMax,
  },
  speaksFirst: false,
  logins(settings) {
    const passwords = new SaltedPasswords(settings.password)
    return () => new PostgresLogin(settings, passwords)
  },
}

class PostgresLogin implements Login {
  readonly #settings: LoginSettings
  readonly #passwords: SaltedPasswords
  #method: string | undefined
  #scram: ScramExchange | undefined
  #isLoggedIn = false

  constructor(settings: LoginSettings, passwords: SaltedPasswords) {
    this.#settings = settings
    this.#passwords = passwords
  }

  next(message: Uint8Array | undefined): LoginAct {
    if (message === undefined) return send(startup(this.#settings))
    if (message.length < headerBytes) return fail('a message without a type and a length')
    const type = String.fromCharCode(message[0]!)
    const body = Buffer.from(message.subarray(headerBytes))
    switch (type) {
      case 'R':
        return this.#isLoggedIn ? fail('the server asks for a login after it has accepted one') : this.#asked(body)
      case 'E':
        return { kind: 'refused', text: errorText(body) }
      // Notices, settings of the server, the key to cancel with, an older version of the protocol.
      case 'N':
      case 'S':
      case 'K':
      case 'v':
        return wait
      case 'Z':
        return this.#isLoggedIn
          ? { kind: 'done', text: `logged in ${this.#method ?? 'without a password'}` }
          : fail('the server is ready before it has accepted the login')
      default:
        return fail(`a message of type ${JSON.stringify(type)}, which is no part of a login`)
    }
  }

  #asked(body: Buffer): LoginAct {
    if (body.length < 4) return fail('a message of type R without a number')
    const method = body.readUInt32BE(0)
    const rest = body.subarray(4)
    switch (method) {
      case ask.ok:
        if (this.#scram !== undefined && !this.#scram.isVerified) {
          return fail('accepted without proof: the server has not shown that it knows the password')
        }
        this.#isLoggedIn = true
        return wait
      case ask.saslContinue:
      case ask.saslFinal:
        return this.#goOn(method === ask.saslFinal, rest.toString('latin1'))
    }
    if (this.#method !== undefined) return fail('the server asks for a password for the second time')
    switch (method) {
      case ask.cleartext:
        this.#method = 'with the password in clear text'
        return send(passwordMessage(text(this.#settings.password)))
      case ask.md5:
        if (rest.length < 4) return fail('a request for MD5 without a salt')
        this.#method = 'by MD5'
        return send(passwordMessage(text(this.#md5(rest.subarray(0, 4)))))
      case ask.sasl:
        return this.#beginScram(rest)
      default:
        return fail(`the server asks for ${otherMethods[method] ?? `login method ${method}`}; ${known}`)
    }
  }

  #goOn(isFinal: boolean, message: string): LoginAct {
    if (this.#scram === undefined) return fail('a SASL message that was not asked for')
    try {
      if (!isFinal) return send(passwordMessage(Buffer.from(this.#scram.final(message))))
      this.#scram.verify(message)
      return wait
    } catch (error) {
      if (error instanceof ScramFault) return fail(error.message)
      throw error
    }
  }

  #md5(salt: Uint8Array): string {
    const { user, password } = this.#settings
    const inner = createHash('md5').update(password).update(user).digest('hex')
    return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`
  }

  #beginScram(names: Buffer): LoginAct {
    const offered = names
      .toString('latin1')
      .split('\0')
      .filter(name => name !== '')
    if (!offered.includes(scramName)) return fail(`the server asks for ${offered.join(' or ')}; ${known}`)
    this.#method = `by ${scramName}`
    // The server takes the user from the first message of the connection.
    this.#scram = new ScramExchange(this.#passwords)
    const first = Buffer.from(this.#scram.first())
    return send(passwordMessage(Buffer.concat([text(scramName), u32(first.length), first])))
  }
}

const known = 'volley has trust, password, md5 and scram-sha-256'

/** The first message of a connection, which has no type. */
function startup({ user, database }: LoginSettings): Buffer {
  const parameters = {
    user,
    ...(database !== '' && { database }),
    application_name: 'volley',
    client_encoding: 'UTF8',
  }
  const texts = Object.entries(parameters).flatMap(pair => pair.map(text))
  const body = Buffer.concat([u32(version3), ...texts, Buffer.from([0])])
  return Buffer.concat([u32(body.length + 4), body])
}

function passwordMessage(body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('p'), u32(body.length + 4), body])
}

/** A text with the NUL behind it. */
function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** What an error says and its code: `password authentication failed for user "x" (28P01)`. */
function errorText(body: Buffer): string {
  const fields = new Map<string, string>()
  for (const part of body.toString().split('\0')) if (part !== '') fields.set(part[0]!, part.slice(1))
  const code = fields.get('C')
  return `${fields.get('M') ?? 'an error without a message'}${code === undefined ? '' : ` (${code})`}`
}
