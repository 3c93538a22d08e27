import { choice, listOf, text } from '../../fields.ts'
import {
  checkLayers,
  type LayerName,
  layerKeyLengthMax,
  layerNames,
  layersMax,
} from '../../protocols/layers/settings.ts'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import { type Issue, issue } from '../path.ts'

/** The layers that bodies pass through, the innermost first. */
export const layersSchema = listOf(choice(layerNames), 'layers such as gzip or crc32', 0, layersMax)

/** The key that all keyed layers share. */
export const layerKeySchema = text(`a key of at most ${layerKeyLengthMax} characters`).max(
  layerKeyLengthMax,
  `expected a key of at most ${layerKeyLengthMax} characters`,
)

interface Settings {
  readonly protocol?: ProtocolSpec
  readonly layers?: readonly LayerName[]
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
