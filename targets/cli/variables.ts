import { isKeyed, splitLayerNames } from '../../harness/protocols/layers/settings.ts'
import { type OptionName, type OptionTexts, optionEntries } from '../../harness/serverOptions.ts'

/**
 * The options with those that an environment variable holds. A variable may have been exported for another server, so one
 * that this server cannot use is ignored; a flag is always meant for this server, and is kept for the checks to refuse.
 */
export function withVariables(server: string, given: OptionTexts, environment: NodeJS.ProcessEnv): OptionTexts {
  const found = optionEntries.flatMap(([name, { variable }]) => {
    const text = variable === undefined ? undefined : environment[variable]
    return text !== undefined && given[name] === undefined && isUsed(name, server, given) ? [[name, text]] : []
  })
  return { ...given, ...Object.fromEntries(found) }
}

function isUsed(option: OptionName, server: string, { layers, group }: OptionTexts): boolean {
  if (option === 'key') return server === 'tlv'
  if (option === 'secret') return server === 'rpc' && group !== undefined
  return splitLayerNames(typeof layers === 'string' ? layers : undefined).some(isKeyed)
}
