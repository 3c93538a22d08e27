import { list, show } from '../../invalidValue.ts'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import { parseProtocolText } from '../../protocols/spec.ts'
import { conflictsOf, type OptionName, type OptionTexts, serverProtocols } from '../../serverOptions.ts'
import { conflict, type Issue, type Path } from '../path.ts'
import type { Target } from '../scenario.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { optionText, scenarioOptions } from '../schema/serverOptions.ts'
import { targetsOf } from './targets.ts'

type Served = Extract<Target, { serve: string }>

const names: ReadonlySet<string> = new Set(scenarioOptions.map(([name]) => name))

/** Options of reference servers that do not go with the server, with each other, or with UDP. */
export function serverOptionIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { layers = [], protocol } = settings
  return targetsOf(settings).flatMap(({ path, target }) =>
    'serve' in target ? [...issuesOf(path, target, layers), ...framingIssues(path, target, protocol)] : [],
  )
}

function issuesOf(path: Path, { serve: server, options, over }: Served, layers: readonly string[]): Issue[] {
  const given = textsOf(options)
  // The server has the scenario's layers unless its options name others.
  const texts = { ...(layers.length > 0 && { layers: layers.join(',') }), ...given }
  const context = {
    server,
    overUdp: over === 'udp',
    show: (name: OptionName) => (names.has(name) ? name : undefined),
  }
  const issues = Object.keys(given).flatMap(key => {
    const name = key as OptionName
    // The check of keys against the protocol reports this one already.
    if (name === 'key' && server !== 'tlv') return []
    return conflictsOf(name, texts, context).map(
      // About the key, not its value, so that a message about a secret is shown as it is.
      (message): Issue => ({ path: [...path, 'options', name], about: 'key', message: `${name} ${message}` }),
    )
  })
  return [...issues, ...protocolIssues([...path, 'options'], server, given)]
}

function protocolIssues(path: Path, server: Served['serve'], { protocol }: OptionTexts): Issue[] {
  if (typeof protocol !== 'string') return []
  const { name } = parseProtocolText(protocol)
  const spoken: readonly string[] = serverProtocols[server]
  return spoken.includes(name) ? [] : [conflict([...path, 'protocol'], list(spoken, 'or'), show(name))]
}

/** A server that is told another framing than the scenario has would not be understood. */
function framingIssues(path: Path, { options }: Served, protocol: ProtocolSpec | undefined): Issue[] {
  const { framing } = options
  if (framing === undefined || protocol?.name !== 'broadcast') return []
  const { framing: spoken = 'line' } = protocol
  if (framing === spoken) return []
  const wanted = `${spoken}, the framing of the scenario, which { broadcast: { framing: ${framing} } } sets in protocol`
  return [conflict([...path, 'options', 'framing'], wanted, show(framing))]
}

function textsOf(options: Served['options']): OptionTexts {
  const texts = Object.entries(options).map(([name, value]) => [name, optionText(value)] as const)
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined))
}
