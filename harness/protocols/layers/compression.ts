import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import type { Layer } from './layer.ts'

/** What cannot be compressed is stored, with 5 bytes for each 16 KiB and an envelope of 18 at most: both with room to spare. */
const storedShift = 10
const envelopeBytesMax = 64

/** Bodies in the zlib format (RFC 1950), which HTTP calls deflate too. */
export function createDeflate(): Layer {
  return compression(deflateSync, inflateSync)
}

/** Bodies in the gzip format (RFC 1952). */
export function createGzip(): Layer {
  return compression(gzipSync, gunzipSync)
}

function compression(
  compress: (body: Uint8Array) => Uint8Array,
  expand: (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array,
): Layer {
  return {
    // Both formats have a checksum, but gzip passes over what stands behind its end, and over parts of its header.
    verifies: false,
    wrappedBytesMax: bodyBytes => bodyBytes + (bodyBytes >>> storedShift) + envelopeBytesMax,
    wrap: compress,
    unwrap(bytes, bodyBytesMax) {
      try {
        // A bomb is given up on as soon as it is over the bound.
        return expand(bytes, { maxOutputLength: Math.max(1, bodyBytesMax) })
      } catch {
        return undefined
      }
    },
  }
}
