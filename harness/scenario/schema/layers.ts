import { z } from 'zod'
import { choice, listOf, mapping, text } from '../../fields.ts'
import { InvalidValue, list, show } from '../../invalidValue.ts'
import { isMapping } from '../../mapping.ts'
import {
  checkLayers,
  isLayerName,
  isPlaceable,
  type LayerText,
  layerKeyLengthMax,
  layerNames,
  layersMax,
  layerText,
  layerTexts,
  parseLayer,
  placeableLayers,
  places,
} from '../../protocols/layers/settings.ts'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import { unknownWord } from '../../suggestion.ts'
import { type Issue, issue } from '../path.ts'

const exampleOfPlace = '{ place: before }'
const layerForms = `${list(layerNames, 'or')}, or a mapping such as { hmac-sha1: ${exampleOfPlace} }`

const placement = mapping(
  {
    place: choice(places)
      .default('after')
      .describe('Where the checksum or signature stands: before the body, or after it, as by default'),
  },
  `a mapping such as ${exampleOfPlace}`,
)

/** A layer by its name, or as a mapping of its name to where it stands; its output is a text for both. */
const layer = z
  .unknown()
  .transform(readLayer)
  .meta({
    anyOf: [
      { enum: [...layerTexts, ...placeableLayers.map(name => `${name}:after`)] },
      {
        type: 'object',
        properties: Object.fromEntries(placeableLayers.map(name => [name, jsonOf(placement)])),
        additionalProperties: false,
        minProperties: 1,
        maxProperties: 1,
      },
    ],
  })

/** The layers that bodies pass through, the innermost first. */
export const layersSchema = listOf(layer, 'layers such as gzip or crc32', 0, layersMax)

/** The key that all keyed layers share. */
export const layerKeySchema = text(`a key of at most ${layerKeyLengthMax} characters`).max(
  layerKeyLengthMax,
  `expected a key of at most ${layerKeyLengthMax} characters`,
)

interface Settings {
  readonly protocol?: ProtocolSpec
  readonly layers?: readonly LayerText[]
  readonly layerKey?: string
}

/** Layers that do not go with the protocol, or with their key; `hasKey` is true for an invalid one too. */
export function layerIssues({ protocol, layers = [], layerKey }: Settings, hasKey: boolean): Issue[] {
  const issues: Issue[] = []
  const labels = { layers: 'layers', key: 'layerKey' }
  checkLayers({ names: layers, key: layerKey, hasKey }, protocol, labels, (label, message) => {
    if (label === labels.layers) issues.push(issue([label], message))
    // About the key of the mapping: its value is secret, and must not be shown beside the message.
    else issues.push({ path: [label], about: 'key', message: `${label} ${message}` })
  })
  return issues
}

function readLayer(input: unknown, context: z.RefinementCtx): LayerText {
  const refuse = (message: string): never => {
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  if (typeof input === 'string') return readName(input, refuse)
  const [name, another] = isMapping(input) ? Object.keys(input) : []
  if (name === undefined) return refuse(new InvalidValue(layerForms).message)
  if (another !== undefined) return refuse(new InvalidValue('one layer', list([name, another].map(show))).message)
  if (!isPlaceable(name)) return refuse(placeFault(name))
  const result = placement.safeParse((input as Readonly<Record<string, unknown>>)[name])
  if (result.success) return layerText(name, result.data.place)
  for (const found of result.error.issues) context.addIssue({ ...found, path: [name, ...found.path] })
  return z.NEVER
}

/** A layer as text, as flags have it. */
function readName(text: string, refuse: (message: string) => never): LayerText {
  if (!isLayerName(text.split(':')[0]!)) return refuse(new InvalidValue(layerForms, show(text)).message)
  try {
    return parseLayer(text)
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    return refuse(error.message)
  }
}

/** What is wrong with a layer that is written with a place, and cannot have one. */
function placeFault(name: string): string {
  return isLayerName(name)
    ? `${name} has no place: only ${list(placeableLayers)} can stand before the body`
    : unknownWord('layer', name, layerNames)
}

function jsonOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return json
}
