import { createDeflate, createGzip } from './compression.ts'
import { createAes256Gcm } from './encryption.ts'
import { createCrc32, createHmacLayer } from './integrity.ts'
import type { Layer } from './layer.ts'
import { type LayerSettings, type LayerText, placedLayer } from './settings.ts'

/** The layers that the settings name, the innermost first. */
export function createLayers({ names, key = '' }: LayerSettings): Layer[] {
  return names.map(text => createLayer(text, key))
}

function createLayer(text: LayerText, key: string): Layer {
  const { name, place } = placedLayer(text)
  switch (name) {
    case 'deflate':
      return createDeflate()
    case 'gzip':
      return createGzip()
    case 'crc32':
      return createCrc32(place)
    case 'hmac-sha1':
      return createHmacLayer('sha1', key, place)
    case 'hmac-sha256':
      return createHmacLayer('sha256', key, place)
    case 'aes-256-gcm':
      return createAes256Gcm(key)
  }
}
