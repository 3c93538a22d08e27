import type { ProtocolSpec } from '../catalog.ts'
import {
  keyedLayers,
  type LayerName,
  type LayerSettings,
  layerKeyLengthMax,
  layerNames,
  layersMax,
  layersUnsupported,
} from './layers.ts'

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
