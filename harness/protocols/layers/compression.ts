import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import type { Layer } from './layer.ts'

/** Incompressible bodies grow by 5 bytes for each 16 KiB and an envelope of at most 18: both bounds leave a margin. */
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
    // Both formats have a checksum, but gzip ignores bytes after its end, and parts of its header.
    verifies: false,
    wrappedBytesMax: bodyBytes => bodyBytes + (bodyBytes >>> storedShift) + envelopeBytesMax,
    wrap: compress,
    unwrap(bytes, bodyBytesMax) {
      try {
        // Expanding stops at the bound, so that a decompression bomb does no harm.
        return expand(bytes, { maxOutputLength: Math.max(1, bodyBytesMax) })
      } catch {
        return undefined
      }
    },
  }
}
