import type { ProtocolSpec } from '../catalog.ts'
import { frameStrip, shortestFrame } from '../frame.ts'
import { createDeflate, createGzip } from './compression.ts'
import { createAes256Gcm } from './encryption.ts'
import { createCrc32, createHmacLayer } from './integrity.ts'

/** What a body passes through on its way out, and back through on its way in. Bytes in, bytes out; it throws nothing. */
export interface Layer {
  /** Whether `unwrap` finds any change of the bytes. */
  readonly verifies: boolean
  /** The most bytes that `wrap` makes of a body of so many. */
  wrappedBytesMax(bodyBytes: number): number
  wrap(body: Uint8Array): Uint8Array
  /** What was wrapped; undefined where `bytes` is not what `wrap` makes, or of more than `bodyBytesMax` bytes. */
  unwrap(bytes: Uint8Array, bodyBytesMax: number): Uint8Array | undefined
}

export const layerNames = ['deflate', 'gzip', 'crc32', 'hmac-sha1', 'hmac-sha256', 'aes-256-gcm'] as const
export type LayerName = (typeof layerNames)[number]

/** The layers that have a key. */
export const keyedLayers: readonly LayerName[] = ['hmac-sha1', 'hmac-sha256', 'aes-256-gcm']
export const layersMax = 8
export const layerKeyLengthMax = 1024

/** Layers in the order in which they are put on: plain and cloneable. One key is for all of them that have one. */
export interface LayerSettings {
  readonly names: readonly LayerName[]
  readonly key?: string
}

/** The layers that a scenario asks for; undefined where it has none. */
export function layerSettings(asked: {
  readonly layers?: readonly LayerName[]
  readonly layerKey?: string
}): LayerSettings | undefined {
  const { layers: names = [], layerKey: key } = asked
  return names.length === 0 ? undefined : { names, ...(key !== undefined && { key }) }
}

/** Why bodies of a protocol cannot have layers; undefined where they can: they may be any bytes, and are not in the header. */
export function layersUnsupported(spec: ProtocolSpec): string | undefined {
  if (spec.name === 'tlv' || spec.name === 'rpc') return undefined
  if (spec.name !== 'frame') return `go with protocol frame, tlv or rpc, not with ${spec.name}`
  const least = shortestFrame(spec)
  const strip = frameStrip(spec)
  return strip >= least ? undefined : `need a strip of at least ${least}, as the header is not for them; it is ${strip}`
}

/** The layers by their names, the innermost first. */
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
