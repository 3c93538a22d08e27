import { list } from '../../invalidValue.ts'
import { frameStrip, shortestFrame } from '../frame.ts'
import type { ProtocolSpec } from '../protocolSpec.ts'

export const layerNames = ['deflate', 'gzip', 'crc32', 'hmac-sha1', 'hmac-sha256', 'aes-256-gcm'] as const
export type LayerName = (typeof layerNames)[number]

/** The layers that have a key. */
export const keyedLayers: readonly LayerName[] = ['hmac-sha1', 'hmac-sha256', 'aes-256-gcm']
export const layersMax = 8
export const layerKeyLengthMax = 1024

/** Layers in the order in which they are applied, innermost first, and the key of those that have one. Cloneable. */
export interface LayerSettings {
  readonly names: readonly LayerName[]
  readonly key?: string
}

/** The layers of a scenario; undefined where it has none. */
export function layerSettings(scenario: {
  readonly layers?: readonly LayerName[]
  readonly layerKey?: string
}): LayerSettings | undefined {
  const { layers: names = [], layerKey: key } = scenario
  return names.length === 0 ? undefined : { names, ...(key !== undefined && { key }) }
}

/** Why a protocol cannot have layers; undefined if any bytes can be a body and no byte of the header is part of it. */
export function layersUnsupported(spec: ProtocolSpec): string | undefined {
  if (spec.name === 'tlv' || spec.name === 'rpc') return undefined
  if (spec.name !== 'frame') return `go with protocol frame, tlv or rpc, not with ${spec.name}`
  if ('request' in spec) {
    // Unwrapped replies are encoded anew, as they are drawn for requests.
    const isOne = JSON.stringify(spec.request) === JSON.stringify(spec.reply)
    if (spec.request.some(({ kind }) => kind === 'checksum')) return 'go with frames that have no checksum of their own'
    return isOne ? undefined : 'go with a frame that is drawn once, not with one picture for each direction'
  }
  const least = shortestFrame(spec)
  const strip = frameStrip(spec)
  return strip >= least
    ? undefined
    : `need a strip of at least ${least}, as layers must not change the header; it is ${strip}`
}

/** Layers as a user asks for them. */
export interface AskedLayers {
  readonly names: readonly string[]
  readonly key?: string | undefined
  /** Whether there is a key: true for one that is already known to be invalid and not in `key`. */
  readonly hasKey?: boolean
}

/** What the user calls layers and their key: two flags, or two keys of a scenario. */
export interface LayerLabels {
  readonly layers: string
  readonly key: string
}

/** The names in a text such as `gzip, crc32`; none in an absent one. */
export function splitLayerNames(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').map(name => name.trim())
}

/**
 * The layers that a user asks for, undefined where there are none. `fault` is called for everything wrong with them,
 * with the label at fault and a message, which never has the key in it; then the result is not to be used.
 */
export function checkLayers(
  asked: AskedLayers,
  spec: ProtocolSpec | undefined,
  labels: LayerLabels,
  fault: (label: string, message: string) => void,
): LayerSettings | undefined {
  const { names, key } = asked
  for (const name of names) {
    if (!isLayer(name)) fault(labels.layers, `expected names out of ${layerNames.join(', ')}, got "${name}"`)
  }
  if (names.length > layersMax) fault(labels.layers, `expected at most ${layersMax} layers, got ${names.length}`)
  const unsupported = names.length === 0 || spec === undefined ? undefined : layersUnsupported(spec)
  if (unsupported !== undefined) fault(labels.layers, unsupported)
  const known = names.filter(isLayer)
  checkLayerKey(asked, known, labels, fault)
  return known.length === 0 ? undefined : { names: known, ...(key !== undefined && { key }) }
}

function checkLayerKey(
  { key, hasKey = key !== undefined }: AskedLayers,
  names: readonly LayerName[],
  labels: LayerLabels,
  fault: (label: string, message: string) => void,
): void {
  const keyed = [...new Set(names.filter(name => keyedLayers.includes(name)))]
  if (keyed.length > 0 && !hasKey) fault(labels.layers, `need ${labels.key} for ${list(keyed)}`)
  if (key === undefined) return
  if (keyed.length === 0) fault(labels.key, `goes with ${labels.layers} that have a key: ${list(keyedLayers, 'or')}`)
  if (key.length < 1 || key.length > layerKeyLengthMax) {
    fault(labels.key, `expected 1 to ${layerKeyLengthMax} characters`)
  }
}

function isLayer(name: string): name is LayerName {
  return (layerNames as readonly string[]).includes(name)
}
