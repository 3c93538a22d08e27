import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import type { Layer } from './layer.ts'

const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
const keyPattern = /^[0-9a-f]{64}$/i

/** AES-256-GCM: a random nonce of 12 bytes, the ciphertext and the tag of 16 bytes. */
export function createAes256Gcm(keyText: string): Layer {
  const key = keyBytes(keyText)
  return {
    verifies: true,
    wrappedBytesMax: bodyBytes => nonceBytes + bodyBytes + tagBytes,
    wrap(body) {
      const nonce = randomBytes(nonceBytes)
      const encrypt = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes })
      const ciphertext = encrypt.update(body)
      encrypt.final()
      return Buffer.concat([nonce, ciphertext, encrypt.getAuthTag()])
    },
    unwrap(bytes) {
      const end = bytes.length - tagBytes
      if (end < nonceBytes) return undefined
      const decrypt = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
      decrypt.setAuthTag(bytes.subarray(end))
      const body = decrypt.update(bytes.subarray(nonceBytes, end))
      try {
        // Checks the tag, and with it that the bytes were encrypted under this key.
        decrypt.final()
        return body
      } catch {
        return undefined
      }
    },
  }
}

/** The 32 bytes of 64 hexadecimal digits, or the SHA-256 of any other text. */
function keyBytes(text: string): Uint8Array {
  return keyPattern.test(text) ? Buffer.from(text, 'hex') : createHash('sha256').update(text).digest()
}
