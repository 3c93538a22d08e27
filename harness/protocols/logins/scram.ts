import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { formatCount } from '../../units.ts'

/** The most rounds of hashing that a server may ask for: a million takes about half a second, and the loop stands still. */
export const iterationsMax = 1_000_000
/** The salted passwords that are kept; a server has one salt for each user. */
const saltedMax = 16
const hashBytes = 32
const nonceBytes = 18
const saltBytesMax = 1024
/** No channel binding, and no other identity: `n,,`. */
const gs2Header = 'n,,'

/** Why a server's message is refused; its text is for people. */
export class ScramFault extends Error {}

/** Keys made of a password: they depend on its salt and its iterations alone, and take milliseconds to calculate. */
export class SaltedPasswords {
  readonly #password: string
  readonly #known = new Map<string, Buffer>()

  constructor(password: string) {
    this.#password = prepared(password)
  }

  /** Hi() of RFC 5802. */
  of(salt: string, iterations: number): Buffer {
    const key = `${iterations} ${salt}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), iterations, hashBytes, 'sha256')
    if (this.#known.size >= saltedMax) this.#known.clear()
    this.#known.set(key, salted)
    return salted
  }
}

/** One exchange of SCRAM-SHA-256 (RFC 5802, RFC 7677) on one connection; methods throw a ScramFault. */
export class ScramExchange {
  readonly #passwords: SaltedPasswords
  readonly #nonce: string
  readonly #user: string
  #serverSignature: Buffer | undefined
  /** The server has proved that it knows the password. */
  isVerified = false

  /** `user` may be empty where the server knows it already; `nonce` is for tests. */
  constructor(passwords: SaltedPasswords, user = '', nonce = randomBytes(nonceBytes).toString('base64')) {
    this.#passwords = passwords
    this.#user = user.replaceAll('=', '=3D').replaceAll(',', '=2C')
    this.#nonce = nonce
  }

  first(): string {
    return `${gs2Header}${this.#bare()}`
  }

  /** The answer to the server's first message, with the proof that the password is known. */
  final(serverFirst: string): string {
    if (this.#serverSignature !== undefined) throw new ScramFault('a second SCRAM challenge')
    const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9][0-9]*)(?:,.*)?$/s.exec(serverFirst)
    if (match === null) throw new ScramFault('the first SCRAM message of the server is not as in RFC 5802')
    const [, nonce, salt, digits] = match as unknown as [string, string, string, string]
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) {
      throw new ScramFault('the server has not extended the SCRAM nonce of the client')
    }
    const iterations = Number(digits)
    if (iterations > iterationsMax) {
      throw new ScramFault(`SCRAM with ${digits} iterations; at most ${formatCount(iterationsMax)} are done`)
    }
    if (salt.length > saltBytesMax) throw new ScramFault('the SCRAM salt of the server is too long')
    const withoutProof = `c=${Buffer.from(gs2Header).toString('base64')},r=${nonce}`
    const signed = `${this.#bare()},${serverFirst},${withoutProof}`
    const salted = this.#passwords.of(salt, iterations)
    const clientKey = hmac(salted, 'Client Key')
    const signature = hmac(createHash('sha256').update(clientKey).digest(), signed)
    const proof = clientKey.map((byte, index) => byte ^ signature[index]!)
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), signed)
    return `${withoutProof},p=${Buffer.from(proof).toString('base64')}`
  }

  /** Takes the server's last message, which proves that it knows the password too. */
  verify(serverFinal: string): void {
    const [, signature] = /^v=([A-Za-z0-9+/]+={0,2})(?:,.*)?$/s.exec(serverFinal) ?? []
    const wanted = this.#serverSignature
    const given = Buffer.from(signature ?? '', 'base64')
    if (wanted === undefined || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      throw new ScramFault('the server has not proved that it knows the password: its SCRAM signature is wrong')
    }
    this.isVerified = true
  }

  #bare(): string {
    return `n=${this.#user},r=${this.#nonce}`
  }
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

const otherSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g
const mappedToNothing = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g

/** A password as SASLprep (RFC 4013) has it; one of ASCII stays as it is. */
function prepared(password: string): string {
  return password.replaceAll(otherSpaces, ' ').replaceAll(mappedToNothing, '').normalize('NFKC')
}
