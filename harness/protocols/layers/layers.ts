import { createDeflate, createGzip } from './compression.ts'
import { createAes256Gcm } from './encryption.ts'
import { createCrc32, createHmacLayer } from './integrity.ts'
import type { Layer } from './layer.ts'
import type { LayerName, LayerSettings } from './settings.ts'

/** The layers that the settings name, the innermost first. */
export function createLayers({ names, key = '' }: LayerSettings): Layer[] {
  return names.map(name => createLayer(name, key))
}

function createLayer(name: LayerName, key: string): Layer {
  switch (name) {
    case 'deflate':
      return createDeflate()
    case 'gzip':
      return createGzip()
    case 'crc32':
      return createCrc32()
    case 'hmac-sha1':
      return createHmacLayer('sha1', key)
    case 'hmac-sha256':
      return createHmacLayer('sha256', key)
    case 'aes-256-gcm':
      return createAes256Gcm(key)
  }
}
