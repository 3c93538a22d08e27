import { UserError } from '../errors.ts'
import type { ProtocolName } from '../protocols/protocol.ts'
import { protocolSpec } from '../protocols/spec.ts'
import { parseScenario, readScenarioText, scenarioFromUrl } from '../scenario/load.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import type { Override } from '../scenario/overrides.ts'
import { settingValue } from '../scenario/setting.ts'
import { isHttpUrl, isUrl } from '../scenario/url.ts'

/** Keys of a step's `send`, if it is a mapping. */
const sendKeys = 'hex base64 file random body type version extension clientIp method path headers'.split(' ')

/** The scenario of a file, a text or a URL; `send` replaces its steps, and an address without it gets a request that fits its protocol. */
export async function loadWithRequest(
  source: string,
  overrides: readonly Override[],
  send: string | undefined,
  variables: Readonly<Record<string, string | undefined>>,
  text?: string,
): Promise<LoadedScenario> {
  if (text !== undefined || !isUrl(source)) {
    const read = text ?? (await readScenarioText(source))
    const loaded = parseScenario(read, source, overrides, variables)
    if (send === undefined) return loaded
    const request = sendOverride(sendOf(send, loaded.scenario.protocol.name))
    return parseScenario(read, source, [...overrides, request], variables)
  }
  const input = overrides.findLast(({ path }) => path[0] === 'protocol')?.value
  const protocol = input === undefined ? schemeProtocol(source) : protocolSpec(input).name
  const isAddress = !/^(https?|rediss?|udp):/i.test(source)
  const request = send === undefined ? isAddress && defaultSend(protocol) : sendOf(send, protocol)
  return scenarioFromUrl(source, [...(request === false ? [] : [sendOverride(request)]), ...overrides])
}

function schemeProtocol(url: string): ProtocolName {
  return isHttpUrl(url) ? 'http' : /^rediss?:/i.test(url) ? 'resp' : 'raw'
}

/** A request in place of the steps. */
export function sendOverride(send: unknown): Override {
  return { path: ['loop'], value: [{ send }], origin: '--send' }
}

/** The request if only an address and a protocol are given. */
export function defaultSend(protocol: ProtocolName): unknown {
  if (protocol === 'http') return 'GET /'
  return protocol === 'resp' ? 'PING' : sendOf('Hello World!', protocol)
}

/** The text itself, or a mapping if it is one and has only keys of `send`, such as `{"type": 9, "body": "a"}`. */
export function sendOf(text: string, protocol: ProtocolName): unknown {
  const value = text.trim().startsWith('{') ? mappingOf(text) : undefined
  if (value !== undefined && Object.keys(value).every(key => sendKeys.includes(key))) return value
  // Type 1 as in "volley talk"; type 0 is often a heartbeat.
  return protocol === 'tlv' || protocol === 'rpc' ? { type: 1, body: text } : text
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
