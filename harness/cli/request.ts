import type { Command } from 'commander'
import { isCredentialHeader } from '../credentials.ts'
import { type Fault, UserError } from '../errors.ts'
import { InvalidValue, show } from '../invalidValue.ts'
import { protocolIn } from '../scenario/load.ts'
import type { Override } from '../scenario/overrides.ts'
import { isHttpUrl, isUrl } from '../scenario/url.ts'
import { collect } from './flags.ts'

/** The flags that make the request of an HTTP URL. */
export interface RequestFlags extends Readonly<Record<string, unknown>> {
  readonly header?: readonly string[]
  readonly method?: string
  readonly body?: string
}

const send = ['loop', 0, 'send']

/** Adds the flags that make the request of an HTTP URL. */
export function addRequestFlags(command: Command): Command {
  return command
    .option('-m, --method <method>', 'the method for HTTP URLs (default: GET, and POST with --body)')
    .option(
      '-H, --header <line>',
      "a header for HTTP URLs, such as 'Accept: text/html'; may be repeated; those that log in are neither shown nor saved",
      collect,
    )
    .option('--body <text>', 'the body of the request for HTTP URLs, or @file for the bytes of a file')
}

/** The changes that these flags make to the request of each source; a UserError where one of them has no such request. */
export function requestOverrides(
  flags: RequestFlags,
  sources: readonly string[],
  others: readonly Override[],
): Override[] {
  const { header = [], method, body } = flags
  const headers = header.map(headerOf)
  const given = [
    ...(method === undefined ? [] : ['--method']),
    ...(header.length === 0 ? [] : ['--header']),
    ...(body === undefined ? [] : ['--body']),
  ]
  const faults = [
    ...given.flatMap(flag => sources.flatMap(source => refusal(flag, source, others))),
    ...headers.flatMap(found => ('message' in found ? [found] : [])),
    ...repeated(headers),
  ]
  if (faults.length > 0) throw new UserError(faults)
  return [
    ...setting('--method', ['method'], method ?? (body === undefined ? undefined : 'POST')),
    ...headers.flatMap(found => ('name' in found ? setting('--header', ['headers', found.name], found.value) : [])),
    ...setting('--body', ['body'], body?.startsWith('@') ? { file: body.slice(1) } : body),
  ]
}

function setting(origin: string, path: readonly string[], value: unknown): Override[] {
  return value === undefined ? [] : [{ path: [...send, ...path], value, origin }]
}

type Header = { readonly name: string; readonly value: string }

function headerOf(line: string): Header | Fault {
  const [, name, value] = /^([^:\s]+):[ \t]*(.*?)[ \t]*$/s.exec(line) ?? []
  if (name !== undefined) return { name, value: value! }
  // Without a colon it may still be a password.
  const word = /^[\w-]+/.exec(line)?.[0] ?? ''
  const got = isCredentialHeader(word) ? `${show(word)} and no colon` : show(line)
  return { place: '--header', message: new InvalidValue("a header such as 'Accept: text/html'", got).message }
}

/** Names that stand twice in the same letters: as settings the last would win, without a word. */
function repeated(headers: readonly (Header | Fault)[]): Fault[] {
  const names = headers.flatMap(header => ('name' in header ? [header.name] : []))
  const twice = names.filter((name, index) => names.indexOf(name) < index)
  return [...new Set(twice)].map(name => ({ place: '--header', message: `the header ${show(name)} is given twice` }))
}

const inFile =
  'in a scenario file write send: { method: POST, path: /users, headers: { Accept: text/html }, body: ... }'

function refusal(flag: string, source: string, others: readonly Override[]): Fault[] {
  const protocol = protocolIn(others)
  const fault = (message: string) => [{ place: flag, message }]
  if (!isUrl(source)) return fault(`is for HTTP URLs, and ${show(source)} is a scenario; ${inFile}`)
  if (protocol === undefined ? isHttpUrl(source) : protocol === 'http') return []
  const spoken = protocol ?? (/^rediss?:/i.test(source) ? 'resp' : 'raw')
  const advice = spoken === 'raw' ? `write http:// or add --protocol http` : '--send is its request'
  return fault(`is for protocol http, and ${show(source)} is loaded with ${spoken}; ${advice}`)
}
