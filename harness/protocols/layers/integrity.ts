import { createHmac, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { readUint32, writeUint32 } from '../integers.ts'
import type { Layer } from './layer.ts'

const crcBytes = 4
const hmacBytes = { sha1: 20, sha256: 32 } as const

/** Appends the CRC-32 (ISO 3309, as in gzip) of the body, 4 bytes big-endian. */
export function createCrc32(): Layer {
  return {
    verifies: true,
    wrappedBytesMax: bodyBytes => bodyBytes + crcBytes,
    wrap(body) {
      const bytes = new Uint8Array(body.length + crcBytes)
      bytes.set(body)
      writeUint32(bytes, body.length, crc32(body))
      return bytes
    },
    unwrap(bytes) {
      const bodyBytes = bytes.length - crcBytes
      if (bodyBytes < 0) return undefined
      const body = bytes.subarray(0, bodyBytes)
      return readUint32(bytes, bodyBytes) === crc32(body) ? body : undefined
    },
  }
}

/** Appends the HMAC (RFC 2104) of the body under the key in UTF-8, 20 or 32 bytes. */
export function createHmacLayer(hash: 'sha1' | 'sha256', key: string): Layer {
  const signatureBytes = hmacBytes[hash]
  const sign = (body: Uint8Array) => createHmac(hash, key).update(body).digest()
  return {
    verifies: true,
    wrappedBytesMax: bodyBytes => bodyBytes + signatureBytes,
    wrap(body) {
      const bytes = new Uint8Array(body.length + signatureBytes)
      bytes.set(body)
      bytes.set(sign(body), body.length)
      return bytes
    },
    unwrap(bytes) {
      const bodyBytes = bytes.length - signatureBytes
      if (bodyBytes < 0) return undefined
      const body = bytes.subarray(0, bodyBytes)
      return timingSafeEqual(bytes.subarray(bodyBytes), sign(body)) ? body : undefined
    },
  }
}
