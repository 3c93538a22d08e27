import { basename } from 'node:path'
import { bracketed, hostPattern } from '../address.ts'
import { UserError } from '../errors.ts'
import { InvalidValue, show } from '../invalidValue.ts'
import { checkPath } from './schema/httpRequest.ts'
import { noSuchSlot, parseSlots } from './schema/slots.ts'

/** The settings that a URL stands for, in the form of a file. */
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

/** Schemes that are not supported yet, and what does the same now. */
const unsupportedSchemes = new Map([
  ['https://', 'a file with address tls://host:443 and protocol http does the same'],
  ['rediss://', 'a file with address tls://host:6379 and protocol resp does the same'],
])

/** Whether an argument of the command line is a URL, and not the path of a file. */
export function isUrl(source: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source) || source.startsWith('unix:')
}

/**
 * The settings that a URL stands for: `http://` a GET of its path, `redis://` a PING, an address "Hello World!" over
 * protocol raw. Throws a UserError for other texts; the address itself is checked with the rest of the scenario.
 */
export function settingsOfUrl(url: string): UrlSettings {
  const scheme = /^(?:unix:|[^:/]+:\/\/)/.exec(url)?.[0] ?? ''
  const instead = unsupportedSchemes.get(scheme)
  if (instead !== undefined) throw fault(url, `${show(scheme)} is not in this version of volley; ${instead}`)
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

/** A scenario name made of host, port and path, or of the file name of a unix socket; it can name a folder. */
export function nameFromUrl(url: string): string {
  const place = url.startsWith('unix:') ? basename(url) : url.replace(/^[a-z]+:\/\//, '')
  const name = place.replaceAll(/[^\w.]+/g, '-').replaceAll(/^[.-]+|-+$/g, '')
  return name.slice(0, nameLengthMax) || 'url'
}

function httpSettings(url: string): UrlSettings {
  const { host, port = httpPort, rest } = split(url, httpForms)
  const path = rest.startsWith('/') ? rest : `/${rest}`
  checkPath(path)
  // No earlier step could have captured a value.
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

/** Host, port and the rest of a URL without its fragment, which is never sent. */
function split(url: string, forms: string): { readonly host: string; readonly port?: string; readonly rest: string } {
  const match = new RegExp(`^[a-z]+://(${hostPattern})(?::(\\d+))?((?:[/?][^#]*)?)(?:#.*)?$`).exec(url)
  if (match === null) throw new InvalidValue(bracketed(url) ?? forms, show(url))
  const [, host, port, rest] = match
  return { host: host!, rest: rest!, ...(port !== undefined && { port }) }
}

function fault(url: string, message: string): UserError {
  return new UserError([{ place: url, message }])
}
