import { UserError } from '../errors.ts'
import type { ProtocolName } from '../protocols/protocol.ts'
import { protocolSpec } from '../protocols/spec.ts'
import { loadScenario, scenarioFromUrl } from '../scenario/load.ts'
import type { Override } from '../scenario/overrides.ts'
import type { LoadedScenario } from '../scenario/scenario.ts'
import { settingValue } from '../scenario/setting.ts'
import { isUrl } from '../scenario/url.ts'

/** What `send` of a step has, where it is a mapping. */
const sendKeys = 'hex base64 file random body type version extension method path headers'.split(' ')

/** The scenario of a file or a URL, with what `--send` has in place of its steps, or what suits the protocol of an address. */
export async function loadWithValidRequest(
  source: string,
  overrides: readonly Override[],
  send: string | undefined,
): Promise<LoadedScenario> {
  if (!isUrl(source)) {
    const loaded = await loadScenario(source, overrides, process.env)
    if (send === undefined) return loaded
    return loadScenario(source, [...overrides, sendOverride(sendOf(send, loaded.scenario.protocol.name))], process.env)
  }
  const input = overrides.findLast(({ path }) => path[0] === 'protocol')?.value
  const protocol = input === undefined ? schemeProtocol(source) : protocolSpec(input).name
  const isAddress = /^(tcp:|tls:|unix:)/.test(source)
  const request = send === undefined ? isAddress && defaultSend(protocol) : sendOf(send, protocol)
  return scenarioFromUrl(source, [...(request === false ? [] : [sendOverride(request)]), ...overrides])
}

function schemeProtocol(url: string): ProtocolName {
  return url.startsWith('http:') ? 'http' : url.startsWith('redis:') ? 'resp' : 'raw'
}

function sendOverride(send: unknown): Override {
  return { path: ['loop'], value: [{ send }], origin: '--send' }
}

/** What is asked for where only an address and a protocol are named. */
function defaultSend(protocol: ProtocolName): unknown {
  if (protocol === 'http') return 'GET /'
  return protocol === 'resp' ? 'PING' : sendOf('Hello World!', protocol)
}

/** A text as it stands, but for a mapping of nothing but what a step's send has, such as `{"type": 9, "body": "a"}`. */
function sendOf(text: string, protocol: ProtocolName): unknown {
  const value = text.trim().startsWith('{') ? mappingOf(text) : undefined
  if (value !== undefined && Object.keys(value).every(key => sendKeys.includes(key))) return value
  // Of types 1 is the usual one, as in "volley talk"; 0 is often a heartbeat.
  return protocol === 'tlv' || protocol === 'rpc' ? { type: 1, body: text } : text
}

function mappingOf(text: string): object | undefined {
  try {
    const value = settingValue(text, '--send')
    return typeof value === 'object' && value !== null ? value : undefined
  } catch (error) {
    // Braces that are no mapping are text.
    if (error instanceof UserError) return undefined
    throw error
  }
}
