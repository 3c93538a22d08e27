import { keyedLayers } from '../../harness/protocols/layers/settings.ts'
import type { Options } from './settings.ts'

/** The options that a variable stands for as well. */
type Exported = 'key' | 'layerKey' | 'secret'

/**
 * The options without those that only a variable has and that the server has no use for: a variable may have been exported
 * for another one. A flag is meant for the server that it stands behind, and is kept for it to refuse.
 */
export function withoutForeignVariables(
  name: string,
  options: Options,
  isExported: (option: Exported) => boolean,
): Options {
  const isOurs: Readonly<Record<Exported, boolean>> = {
    key: name === 'tlv',
    layerKey: options.layers?.split(',').some(layer => isKeyed(layer.trim())) === true,
    secret: name === 'rpc' && options.group !== undefined,
  }
  const isForeign = (option: string) =>
    option in isOurs && !isOurs[option as Exported] && isExported(option as Exported)
  return Object.fromEntries(Object.entries(options).filter(([option]) => !isForeign(option))) as unknown as Options
}

function isKeyed(layer: string): boolean {
  return (keyedLayers as readonly string[]).includes(layer)
}
