import { constants, createPublicKey, type KeyObject, publicEncrypt } from 'node:crypto'

/** The keys that are kept; a server has one. */
const keysMax = 4
/** A longer key would hold up the loop. */
const modulusBitsMax = 8192

/** The keys of servers as they send them, each read once. */
export class PublicKeys {
  readonly #known = new Map<string, KeyObject>()

  /**
   * Encrypts bytes for the owner of a key in PEM (RSA, with OAEP and SHA-1); undefined where it is none, or too short for
   * them.
   */
  encrypt(pem: string, bytes: Uint8Array): Buffer | undefined {
    const key = this.#known.get(pem) ?? readKey(pem)
    if (key === undefined) return undefined
    if (this.#known.size >= keysMax) this.#known.clear()
    this.#known.set(pem, key)
    try {
      return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, bytes)
    } catch {
      return undefined
    }
  }
}

function readKey(pem: string): KeyObject | undefined {
  try {
    const key = createPublicKey(pem)
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    return key.asymmetricKeyType === 'rsa' && bits >= 1024 && bits <= modulusBitsMax ? key : undefined
  } catch {
    return undefined
  }
}
