import { InvalidValue, list, show } from '../../invalidValue.ts'
import { frameStrip, shortestFrame } from '../frame.ts'
import type { ProtocolSpec } from '../protocolSpec.ts'

export const layerNames = ['deflate', 'gzip', 'crc32', 'hmac-sha1', 'hmac-sha256', 'aes-256-gcm'] as const
export type LayerName = (typeof layerNames)[number]

/** The layers that have a key. */
export const keyedLayers: readonly LayerName[] = ['hmac-sha1', 'hmac-sha256', 'aes-256-gcm']
/** The layers that leave the body as it is and add a checksum or a signature, which can stand on either side of it. */
export const placeableLayers = ['crc32', 'hmac-sha1', 'hmac-sha256'] as const satisfies readonly LayerName[]
export type PlaceableLayer = (typeof placeableLayers)[number]
export const layersMax = 8
export const layerKeyLengthMax = 1024

/** Where a checksum or a signature stands: before the body, or after it. */
export const places = ['before', 'after'] as const
export type Place = (typeof places)[number]

/**
 * A layer as flags, reports and titles have it: its name, with `:before` where its checksum or signature stands before
 * the body. After the body is the default, and is not written.
 */
export type LayerText = LayerName | `${PlaceableLayer}:before`

/** What `--help` and messages about flags say of places. */
export const placeForms = `with :before, ${list(placeableLayers)} stand before the body, not after it`

/** Every layer that is not written as it is by default, as well as those that are. */
export const layerTexts: readonly LayerText[] = [
  ...layerNames,
  ...placeableLayers.map(name => `${name}:before` as const),
]

/** Layers in the order in which they are applied, innermost first, and the key of those that have one. Cloneable. */
export interface LayerSettings {
  readonly names: readonly LayerText[]
  readonly key?: string
}

/** The layer in a text such as `hmac-sha1:before` or `gzip`; throws an InvalidValue where it is none. */
export function parseLayer(text: string): LayerText {
  const at = text.indexOf(':')
  const name = at < 0 ? text : text.slice(0, at)
  const place = at < 0 ? 'after' : text.slice(at + 1)
  if (!isLayerName(name)) throw new InvalidValue(`names out of ${list(layerNames)} with commas between`, show(text))
  if (at < 0) return name
  if (!isPlaceable(name)) throw new InvalidValue(`${name} without a place`, `${show(text)}; ${placeForms}`)
  if (!isPlace(place)) throw new InvalidValue(placesOf(name), show(text))
  return layerText(name, place)
}

/** A layer with a place as a text. */
export function layerText(name: PlaceableLayer, place: Place): LayerText {
  return place === 'before' ? `${name}:before` : name
}

/** The name of a layer, and where its checksum or signature stands. */
export function placedLayer(text: LayerText): { readonly name: LayerName; readonly place: Place } {
  const [name, place] = text.split(':') as [LayerName, Place?]
  return { name, place: place ?? 'after' }
}

/** Whether a layer, with or without a place, has a key; false for a text that is no layer. */
export function isKeyed(text: string): boolean {
  return keyedLayers.some(name => name === text.split(':')[0])
}

/** The layers of a scenario; undefined where it has none. */
export function layerSettings(scenario: {
  readonly layers?: readonly LayerText[]
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
  const known: LayerText[] = []
  for (const name of names) {
    try {
      known.push(parseLayer(name))
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      fault(labels.layers, error.message)
    }
  }
  if (names.length > layersMax) fault(labels.layers, `expected at most ${layersMax} layers, got ${names.length}`)
  const unsupported = names.length === 0 || spec === undefined ? undefined : layersUnsupported(spec)
  if (unsupported !== undefined) fault(labels.layers, unsupported)
  checkLayerKey(asked, known, labels, fault)
  return known.length === 0 ? undefined : { names: known, ...(key !== undefined && { key }) }
}

function checkLayerKey(
  { key, hasKey = key !== undefined }: AskedLayers,
  names: readonly LayerText[],
  labels: LayerLabels,
  fault: (label: string, message: string) => void,
): void {
  const keyed = [...new Set(names.filter(isKeyed).map(text => placedLayer(text).name))]
  if (keyed.length > 0 && !hasKey) fault(labels.layers, `need ${labels.key} for ${list(keyed)}`)
  if (key === undefined) return
  if (keyed.length === 0) fault(labels.key, `goes with ${labels.layers} that have a key: ${list(keyedLayers, 'or')}`)
  if (key.length < 1 || key.length > layerKeyLengthMax) {
    fault(labels.key, `expected 1 to ${layerKeyLengthMax} characters`)
  }
}

function placesOf(name: PlaceableLayer): string {
  return list(
    places.map(place => `${name}:${place}`),
    'or',
  )
}

/** Whether a text is the name of a layer. */
export function isLayerName(name: string): name is LayerName {
  return (layerNames as readonly string[]).includes(name)
}

/** Whether a text is the name of a layer that can stand before the body. */
export function isPlaceable(name: string): name is PlaceableLayer {
  return (placeableLayers as readonly string[]).includes(name)
}

function isPlace(text: string): text is Place {
  return (places as readonly string[]).includes(text)
}
