import { type LoadedScenario, type LoadOptions, load, type Override } from '../api.ts'
import { UserError } from '../errors.ts'
import type { ProtocolName } from '../protocols/protocol.ts'
import { protocolNames } from '../protocols/spec.ts'
import { requestKeysOf } from '../scenario/checks/messages.ts'
import { protocolIn, protocolInText, readScenarioText } from '../scenario/load.ts'
import { settingValue } from '../scenario/setting.ts'
import { isUrl, messageOf, settingsOfUrl } from '../scenario/url.ts'

type LoadSettings = Required<Pick<LoadOptions, 'overrides' | 'variables'>> & Pick<LoadOptions, 'environment' | 'text'>

/** The scenario of a file, a text or a URL; a request among the overrides, as of `--send`, is read as its protocol has it. */
export async function loadWithRequest(source: string, settings: LoadSettings): Promise<LoadedScenario> {
  const { overrides, variables } = settings
  if (!overrides.some(isRequest)) return load(source, settings)
  if (isUrl(source)) {
    const chosen = protocolIn(overrides)
    return load(source, { ...settings, overrides: inProtocol(overrides, chosen ?? protocolOfUrl(source)) })
  }
  const text = settings.text ?? (await readScenarioText(source))
  const protocol = protocolIn(overrides) ?? protocolInText(text, variables)
  return load(source, { ...settings, text, overrides: inProtocol(overrides, protocol) })
}

/** The protocol of a URL of HTTP or Redis follows from its scheme; that of other URLs is raw. */
function protocolOfUrl(url: string): string | undefined {
  return protocolIn([{ path: ['protocol'], value: settingsOfUrl(url).protocol, origin: '' }])
}

/** The origins of requests that are given as text. */
const origins: readonly string[] = ['--send', 'VOLLEY_SEND']

function isRequest({ path, origin }: Override): boolean {
  return path.length === 1 && path[0] === 'loop' && origins.includes(origin)
}

/** The overrides with the request as the protocol has it; a protocol that there is not is a fault of its own. */
function inProtocol(overrides: readonly Override[], protocol: string | undefined): Override[] {
  const known = protocolNames.find(name => name === protocol)
  return overrides.map(override => {
    if (!isRequest(override) || known === undefined) return override
    const [{ send }] = override.value as [{ send: string }]
    return { ...override, value: [{ send: sendOf(send, known) }] }
  })
}

/** A request in place of the steps. */
export function sendOverride(send: unknown): Override {
  return { path: ['loop'], value: [{ send }], origin: '--send' }
}

/**
 * The text itself, or a mapping if it is one and has only keys that a request of the protocol has, such as
 * `{"type": 9, "body": "a"}` of tlv: to a server of lines that is a text like any other.
 */
export function sendOf(text: string, protocol: ProtocolName): unknown {
  const value = text.trim().startsWith('{') ? mappingOf(text) : undefined
  const keys = requestKeysOf(protocol)
  const isFields = value !== undefined && Object.keys(value).every(key => keys.includes(key))
  return isFields ? value : messageOf(text, protocol)
}

function mappingOf(text: string): object | undefined {
  try {
    const value = settingValue(text, '--send')
    return typeof value === 'object' && value !== null ? value : undefined
  } catch (error) {
    // Braces that do not enclose a mapping are text.
    if (error instanceof UserError) return undefined
    throw error
  }
}
