import { frameStrip, shortestFrame } from '../frame.ts'
import type { ProtocolSpec } from '../protocolSpec.ts'

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

/** The flags of layers as they were given. */
export interface LayerFlags {
  readonly layers?: string
  readonly layerKey?: string
}

/** The layers that the flags ask for; `fault` is told what is wrong with them, without the key. */
export function layerOptions(
  { layers, layerKey: key }: LayerFlags,
  spec: ProtocolSpec | undefined,
  fault: (flag: string, message: string) => void,
): LayerSettings | undefined {
  const names = layers === undefined ? [] : layers.split(',').map(name => name.trim())
  for (const name of names) {
    if (!isLayer(name)) fault('--layers', `expected names out of ${layerNames.join(', ')}, got "${name}"`)
  }
  if (names.length > layersMax) fault('--layers', `expected at most ${layersMax} layers, got ${names.length}`)
  const misfit = names.length === 0 || spec === undefined ? undefined : layersUnsupported(spec)
  if (misfit !== undefined) fault('--layers', misfit)
  const known = names.filter(isLayer)
  const keyed = known.filter(name => keyedLayers.includes(name))
  if (keyed.length > 0 && key === undefined) fault('--layers', `need --layer-key for ${keyed.join(', ')}`)
  if (key !== undefined && keyed.length === 0) {
    fault('--layer-key', `goes with --layers that have a key: ${keyedLayers.join(', ')}`)
  }
  if (key !== undefined && (key.length < 1 || key.length > layerKeyLengthMax)) {
    fault('--layer-key', `expected 1 to ${layerKeyLengthMax} characters`)
  }
  return known.length === 0 ? undefined : { names: known, ...(key !== undefined && { key }) }
}

function isLayer(name: string): name is LayerName {
  return (layerNames as readonly string[]).includes(name)
}
