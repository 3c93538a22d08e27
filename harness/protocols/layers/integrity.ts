import { createHmac, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { readUint32, writeUint32 } from '../integers.ts'
import type { Layer } from './layer.ts'
import type { Place } from './settings.ts'

const crcBytes = 4
const hmacBytes = { sha1: 20, sha256: 32 } as const

/** Adds the CRC-32 (ISO 3309, as in gzip) of the body, 4 bytes big-endian. */
export function createCrc32(place: Place): Layer {
  return integrityLayer(place, {
    addedBytes: crcBytes,
    write: (bytes, at, body) => writeUint32(bytes, at, crc32(body)),
    isRight: (bytes, at, body) => readUint32(bytes, at) === crc32(body),
  })
}

/** Adds the HMAC (RFC 2104) of the body under the key in UTF-8, 20 or 32 bytes. */
export function createHmacLayer(hash: 'sha1' | 'sha256', key: string, place: Place): Layer {
  const addedBytes = hmacBytes[hash]
  const sign = (body: Uint8Array) => createHmac(hash, key).update(body).digest()
  return integrityLayer(place, {
    addedBytes,
    write: (bytes, at, body) => bytes.set(sign(body), at),
    isRight: (bytes, at, body) => timingSafeEqual(bytes.subarray(at, at + addedBytes), sign(body)),
  })
}

/** What is added to a body so that a change of it is noticed. */
interface Addition {
  readonly addedBytes: number
  /** Writes what belongs to the body at `at`. */
  write(bytes: Uint8Array, at: number, body: Uint8Array): void
  /** Whether what belongs to the body is at `at`. */
  isRight(bytes: Uint8Array, at: number, body: Uint8Array): boolean
}

/** A layer that leaves the body as it is, and adds something before or after it. */
function integrityLayer(place: Place, { addedBytes, write, isRight }: Addition): Layer {
  const isBefore = place === 'before'
  const bodyAt = isBefore ? addedBytes : 0
  return {
    verifies: true,
    wrappedBytesMax: bodyBytes => bodyBytes + addedBytes,
    wrap(body) {
      const bytes = new Uint8Array(body.length + addedBytes)
      bytes.set(body, bodyAt)
      write(bytes, isBefore ? 0 : body.length, body)
      return bytes
    },
    unwrap(bytes) {
      const bodyBytes = bytes.length - addedBytes
      if (bodyBytes < 0) return undefined
      const body = bytes.subarray(bodyAt, bodyAt + bodyBytes)
      return isRight(bytes, isBefore ? 0 : bodyBytes, body) ? body : undefined
    },
  }
}
