import { basename } from 'node:path'
import { hostPattern } from '../address.ts'
import { UserError } from '../errors.ts'
import { InvalidValue, show } from '../invalidValue.ts'
import { checkPath } from './schema/httpRequest.ts'
import { noSuchSlot, parseSlots } from './schema/slots.ts'

/** What a URL says of a scenario, as a file would have it. */
interface UrlSettings {
  readonly target: { readonly address: string }
  readonly protocol: unknown
  readonly loop: readonly { readonly send: string; readonly expect?: unknown }[]
}

const httpPort = '80'
const redisPort = '6379'
const nameLengthMax = 80
const httpForms = 'http://host:port/path'
const redisForms = 'redis://host:port'
const urlForms = `${httpForms}, ${redisForms}, tcp://host:port, udp://host:port, tls://host:port or unix:/path`

/** Schemes of versions to come, and what there is for them now. */
const laterSchemes = new Map([
  ['https://', 'a file with address tls://host:443 and protocol http does the same'],
  ['rediss://', 'a file with address tls://host:6379 and protocol resp does the same'],
])

/** Whether what is named on a command line is a URL, and not a file. */
export function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source) || source.startsWith('unix:')
}

/**
 * What a URL stands for: `http://` a GET of its path, `redis://` a PING, an address "Hello World!" over protocol raw.
 * Throws a UserError for other texts; the address itself is checked with the rest of the scenario.
 */
export function settingsOfUrl(url: string): UrlSettings {
  const scheme = /^(?:unix:|[^:/]+:\/\/)/.exec(url)?.[0] ?? ''
  const later = laterSchemes.get(scheme)
  if (later !== undefined) throw fault(url, `${show(scheme)} is not in this version of volley; ${later}`)
  try {
    switch (scheme) {
      case 'http://':
        return httpSettings(url)
      case 'redis://':
        return redisSettings(url)
      case 'tcp://':
      case 'udp://':
      case 'tls://':
      case 'unix:':
        return { target: { address: url }, protocol: 'raw', loop: [{ send: 'Hello World!' }] }
    }
    throw new InvalidValue(urlForms, show(url))
  } catch (error) {
    if (error instanceof InvalidValue) throw fault(url, error.message)
    throw error
  }
}

/** A name that can be a folder's, out of host, port and path or the socket's file. */
export function nameFromUrl(url: string): string {
  const place = url.startsWith('unix:') ? basename(url) : url.replace(/^[a-z]+:\/\//, '')
  const name = place.replaceAll(/[^\w.]+/g, '-').replaceAll(/^[.-]+|-+$/g, '')
  return name.slice(0, nameLengthMax) || 'url'
}

function httpSettings(url: string): UrlSettings {
  const { host, port = httpPort, rest } = split(url, httpForms)
  const path = rest.startsWith('/') ? rest : `/${rest}`
  checkPath(path)
  // There is no step before it that could have captured anything.
  const captured = parseSlots(path).find(part => 'name' in part)
  if (captured !== undefined) throw noSuchSlot(`{{${captured.name}}}`)
  return {
    target: { address: `tcp://${host}:${port}` },
    protocol: { http: { host: port === httpPort ? host : `${host}:${port}` } },
    loop: [{ send: `GET ${path}` }],
  }
}

function redisSettings(url: string): UrlSettings {
  const { host, port = redisPort, rest } = split(url, redisForms)
  if (rest !== '' && rest !== '/') throw new InvalidValue(`${redisForms} without a database`, show(url))
  return {
    target: { address: `tcp://${host}:${port}` },
    protocol: 'resp',
    loop: [{ send: 'PING', expect: { equals: 'PONG' } }],
  }
}

/** Host, port and what follows them up to a fragment, which is never sent. */
function split(url: string, forms: string): { readonly host: string; readonly port?: string; readonly rest: string } {
  const match = new RegExp(`^[a-z]+://(${hostPattern})(?::(\\d+))?((?:[/?][^#]*)?)(?:#.*)?$`).exec(url)
  if (match === null) throw new InvalidValue(forms, show(url))
  const [, host, port, rest] = match
  return { host: host!, rest: rest!, ...(port !== undefined && { port }) }
}

function fault(url: string, message: string): UserError {
  return new UserError([{ place: url, message }])
}
