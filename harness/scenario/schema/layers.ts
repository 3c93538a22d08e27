import { choice, listOf, text } from '../../fields.ts'
import { list } from '../../invalidValue.ts'
import {
  keyedLayers,
  type LayerName,
  layerKeyLengthMax,
  layerNames,
  layersMax,
  layersUnsupported,
} from '../../protocols/layers/settings.ts'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import { conflict, type Issue, issue } from '../path.ts'

/** What bodies pass through, the innermost first. */
export const layersSchema = listOf(choice(layerNames), 'layers such as gzip or crc32', 0, layersMax)

/** The one key of all layers that have one. */
export const layerKeySchema = text(`a key of at most ${layerKeyLengthMax} characters`).max(
  layerKeyLengthMax,
  `expected a key of at most ${layerKeyLengthMax} characters`,
)

interface Settings {
  readonly protocol?: ProtocolSpec
  readonly layers?: readonly LayerName[]
  readonly layerKey?: string
}

/** What does not go together of layers, their key and the protocol. */
export function layerIssues({ protocol, layers = [], layerKey }: Settings, hasKey: boolean): Issue[] {
  const issues: Issue[] = []
  const keyed = layers.filter(name => keyedLayers.includes(name))
  const misfit = protocol === undefined || layers.length === 0 ? undefined : layersUnsupported(protocol)
  if (misfit !== undefined) issues.push(issue(['layers'], misfit))
  if (keyed.length > 0 && layerKey === undefined && !hasKey) {
    issues.push(conflict(['layers'], `layerKey beside ${list([...new Set(keyed)])}`, 'none'))
  }
  if (layerKey !== undefined && keyed.length === 0) {
    const message = `layerKey goes with a layer that has a key: ${list(keyedLayers, 'or')}`
    // About the key, not its value, so that the message is shown as it is.
    issues.push({ path: ['layerKey'], about: 'key', message })
  }
  return issues
}
