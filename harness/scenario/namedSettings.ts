import { credentialsOf, isCredentialHeader } from '../credentials.ts'
import { InvalidValue } from '../invalidValue.ts'
import { isMapping, type Mapping } from '../mapping.ts'
import { type Issue, issue, type Path } from './path.ts'
import { checkPath, headersSchema } from './schema/httpRequest.ts'

/** A setting as the text that is put into a description, with what of it must not be shown; or what is wrong with it. */
export type SettingText =
  | { readonly text: string; readonly credentials?: readonly string[] }
  | { readonly issues: readonly Issue[] }

/** Headers that make an HTTP request an upgrade (RFC 6455, section 4.1), and those by which it would ask for more. */
const ownHeaders: Readonly<Record<string, string>> = {
  host: 'is set by host, beside headers',
  upgrade: 'is in every upgrade',
  connection: 'is in every upgrade',
  'sec-websocket-key': 'is in every upgrade, and always the same, so that the answer to it is known',
  'sec-websocket-version': 'is in every upgrade',
  'sec-websocket-extensions': 'would let the server compress messages, which volley does not read',
}

/** The text of a setting: a path without its slash, headers as lines, and any other as it is. */
export function settingText(key: string, value: unknown, path: Path): SettingText {
  if (key === 'headers') return headerLines(value, path)
  if (typeof value === 'object') return { issues: [issue(path, 'expected text or a number')] }
  const text = String(value)
  const unfit = key === 'user' || key === 'password' ? unfitInLogins[String(path[1])] : undefined
  // The value is not shown: it may be a password.
  if (unfit?.pattern.test(text))
    return { issues: [issue(path, `cannot have ${unfit.what} in it: its place is a text`)] }
  return key === 'path' ? requestPath(text, path) : { text }
}

/** What would end the text in which a user or a password stands, or be read as a slot, by description. */
const unfitInLogins: Readonly<Record<string, { readonly pattern: RegExp; readonly what: string }>> = {
  amqp: { pattern: /\{\{/, what: '{{' },
  mqtt: { pattern: /\{\{/, what: '{{' },
  nats: { pattern: /["\\\p{Cc}]|\{\{/u, what: 'a quotation mark, a backslash, a control character or {{' },
  stomp: { pattern: /[:\\\p{Cc}]|\{\{/u, what: 'a colon, a backslash, a control character or {{' },
}

/** The path of a request, whose slash the description has. */
function requestPath(given: string, path: Path): SettingText {
  const text = given.replace(/^\//, '')
  try {
    checkPath(`/${text}`)
    return { text }
  } catch (error) {
    if (error instanceof InvalidValue) return { issues: [issue(path, error.message)] }
    throw error
  }
}

/** Headers as lines, each with its end; those that log in are credentials. */
function headerLines(value: unknown, path: Path): SettingText {
  const result = headersSchema.safeParse(value)
  if (!result.success) {
    return { issues: result.error.issues.map(fault => issue([...path, ...(fault.path as Path)], fault.message)) }
  }
  const headers = result.data
  const refused = Object.keys(isMapping(value) ? (value as Mapping) : {}).flatMap(name => {
    const why = ownHeaders[name.toLowerCase()]
    return why === undefined ? [] : [issue([...path, name], why)]
  })
  if (refused.length > 0) return { issues: refused }
  return {
    text: Object.entries(headers)
      .map(([name, text]) => `${name}: ${text}\r\n`)
      .join(''),
    credentials: Object.entries(headers).flatMap(([name, text]) =>
      isCredentialHeader(name) ? credentialsOf(text) : [],
    ),
  }
}
