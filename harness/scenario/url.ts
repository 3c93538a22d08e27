import { basename } from 'node:path'
import { bracketed, hostPattern, withScheme } from '../address.ts'
import { UserError } from '../errors.ts'
import { InvalidValue, list, show } from '../invalidValue.ts'
import { describedByScheme, describedNames, describedSchemes } from '../protocols/described.ts'
import { nearest } from '../suggestion.ts'
import { checkPath } from './schema/httpRequest.ts'
import { noSuchSlot, parseSlots } from './schema/slots.ts'

/** The settings that a URL stands for, in the form of a file. */
export interface UrlSettings {
  readonly target: { readonly address: string }
  readonly protocol: unknown
  /** Absent where the description of the protocol has it. */
  readonly loop?: readonly { readonly send: unknown; readonly expect?: unknown }[]
}

const ports = { http: '80', https: '443', redis: '6379', rediss: '6379' } as const
const nameLengthMax = 80
const schemes = [...Object.keys(ports), ...describedSchemes, 'tcp', 'udp', 'tls']

/** What `host:port` begins with where a scheme would be. */
const bareAddress = new RegExp(`^(?:${hostPattern})?:\\d+(?:[/?#]|$)`)

/** An IPv6 address, or one with a port that lacks its brackets. */
const bareIPv6 = /^[\da-f.:]*::[\da-f.:]*$/i

/** Whether an argument of the command line is a URL or an address, and not the path of a file. */
export function isUrl(source: string): boolean {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source) || source.startsWith('unix:')) return true
  return (bareAddress.test(source) || bareIPv6.test(source)) && !/\.ya?ml$/i.test(source)
}

/** Whether a URL is one of HTTP, with or without TLS. */
export function isHttpUrl(source: string): boolean {
  return /^https?:\/\//i.test(source)
}

/** Whether a URL names a protocol that comes as a description, such as `mqtt://`. */
export function isDescribedUrl(source: string): boolean {
  const [, scheme = ''] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(source) ?? []
  return describedByScheme(scheme.toLowerCase()) !== undefined
}

/**
 * The settings that a URL stands for: `http://` and `https://` a GET of its path, `redis://` and `rediss://` a login and a
 * PING, an address a request that fits the protocol, which is raw by default. Throws a UserError for other texts; the address
 * itself is checked with the rest of the scenario.
 */
export function settingsOfUrl(url: string, protocol = 'raw'): UrlSettings {
  const given = /^(?:unix:|[^:/]+:\/\/)/.exec(url)?.[0] ?? ''
  const scheme = given.toLowerCase()
  // A scheme may be written in capitals (RFC 3986, 3.1).
  const text = scheme + url.slice(given.length)
  try {
    const described = describedByScheme(scheme.replace('://', ''))
    if (described !== undefined) return describedSettings(text, described)
    switch (scheme) {
      case 'http://':
      case 'https://':
        return httpSettings(text)
      case 'redis://':
      case 'rediss://':
        return redisSettings(text)
      case 'tcp://':
      case 'udp://':
      case 'tls://':
      case 'unix:':
        return { target: { address: text }, ...requestOf(protocol) }
      case '':
        return { target: { address: bareSettings(url) }, ...requestOf(protocol) }
    }
  } catch (error) {
    if (error instanceof InvalidValue) throw fault(url, error.message)
    throw error
  }
  throw fault(url, noSuchScheme(scheme))
}

function fault(url: string, message: string): UserError {
  return new UserError([{ place: withoutLogin(url), message }])
}

/** Says which schemes there are; a misspelt one gets the one that was meant. */
function noSuchScheme(scheme: string): string {
  const meant = nearest(scheme.replace('://', ''), schemes)
  if (meant !== undefined) return `unknown scheme ${show(scheme)}; did you mean "${meant}://"?`
  const known = [...schemes.map(name => `${name}://`), 'unix:/path', 'host:port alone, which is TCP']
  return `${show(scheme)} is not in this version of volley; it has ${list(known)}`
}

/** A scenario name made of host, port and path, or of the file name of a unix socket; it can name a folder. */
export function nameFromUrl(url: string): string {
  const place = url.startsWith('unix:') ? basename(url) : withoutLogin(url).replace(/^[a-z]+:\/\//i, '')
  const name = place.replaceAll(/[^\w.]+/g, '-').replaceAll(/^[.-]+|-+$/g, '')
  return name.slice(0, nameLengthMax) || 'url'
}

/** The request where only an address and a protocol are given: one that servers of the protocol answer. */
export function defaultSend(protocol: string): unknown {
  if (protocol === 'http') return 'GET /'
  return protocol === 'resp' ? 'PING' : messageOf('Hello World!', protocol)
}

/** A text as a message: with types it is one of type 1, as type 0 is often a heartbeat. */
export function messageOf(text: string, protocol: string): unknown {
  return protocol === 'tlv' || protocol === 'rpc' ? { type: 1, body: text } : text
}

function requestOf(protocol: string): Pick<UrlSettings, 'protocol' | 'loop'> {
  if (describedNames.includes(protocol)) return { protocol }
  const expect = protocol === 'resp' ? { expect: { equals: 'PONG' } } : {}
  return { protocol, loop: [{ send: defaultSend(protocol), ...expect }] }
}

/** `host:port` as an address: a path belongs to HTTP, and a port alone names no server. */
function bareSettings(text: string): string {
  if (bareIPv6.test(text)) throw new InvalidValue('an IPv6 address in brackets, and a port: [::1]:8080', show(text))
  if (text.startsWith(':')) throw new InvalidValue(`a host before the port, as in 127.0.0.1${text}`, show(text))
  const rest = /^[^/?#]*\/?(.*)$/s.exec(text)![1]!
  if (rest !== '') throw new InvalidValue(`host:port without a path, or a URL such as http://${text}`, show(text))
  return withScheme(text)
}

function httpSettings(url: string): UrlSettings {
  const { scheme, host, port, rest } = split(url, 'http://host:port/path')
  const path = rest.startsWith('/') ? rest : `/${rest}`
  checkPath(path)
  checkNothingCaptured(path)
  const own = ports[scheme]
  return {
    target: { address: `${scheme === 'https' ? 'tls' : 'tcp'}://${host}:${port ?? own}` },
    protocol: { http: { host: port === undefined || port === own ? host : `${host}:${port}` } },
    loop: [{ send: `GET ${path}` }],
  }
}

const loginUrl = new RegExp(
  `^[a-z]+://(?:([^@/?#:]*)(?::([^@/?#]*))?@)?(${hostPattern})(?::(\\d+))?((?:[/?][^#]*)?)(?:#.*)?$`,
)

/** Redis with the user, the password and the database of its URL as settings. */
function redisSettings(url: string): UrlSettings {
  const scheme = url.slice(0, url.indexOf(':')) as 'redis' | 'rediss'
  const match = loginUrl.exec(url)
  // Where it is printed, what looks like a login in a URL is masked.
  const forms = `${scheme}://host:port/database, with user:password@ before the host for a login`
  if (match === null) throw new InvalidValue(bracketed(withoutLogin(url)) ?? forms, show(withoutLogin(url)))
  const [, user = '', password = '', host, port, rest = ''] = match
  const database = /^\/?(\d*)$/.exec(rest)?.[1]
  if (database === undefined)
    throw new InvalidValue(`the number of a database, as in ${scheme}://host/1`, show(withoutLogin(url)))
  const settings = {
    ...(user !== '' && { user: decoded(user) }),
    ...(password !== '' && { password: decoded(password) }),
    ...(database !== '' && { database: Number(database) }),
  }
  return {
    target: { address: `${scheme === 'rediss' ? 'tls' : 'tcp'}://${host}:${port ?? ports[scheme]}` },
    ...requestOf('resp'),
    ...(Object.keys(settings).length > 0 && { protocol: { redis: settings } }),
  }
}

/** A protocol that comes as a description, with the user, the password and the path of its URL as settings. */
function describedSettings(
  url: string,
  { name, protocol, isSecure }: NonNullable<ReturnType<typeof describedByScheme>>,
): UrlSettings {
  const match = loginUrl.exec(url)
  const forms = `${url.slice(0, url.indexOf(':'))}://user:password@host:port${protocol.path === undefined ? '' : `/${protocol.path}`}`
  if (match === null) throw new InvalidValue(bracketed(url) ?? forms, show(withoutLogin(url)))
  const [, user, password, host, port, rest = ''] = match
  // The path of a request is sent as it is written.
  const bare = rest.replace(/^\//, '')
  const path = protocol.path === 'path' ? requestPath(bare) : decoded(bare)
  if (path !== '' && protocol.path === undefined) throw new InvalidValue(`${forms} without a path`, show(rest))
  if (protocol.path === 'database' && rest.includes('?')) {
    throw new InvalidValue(`${forms} without parameters, of which none is read`, show(rest))
  }
  const scheme = isSecure ? 'tls' : protocol.overUdp ? 'udp' : 'tcp'
  const ownPort = isSecure ? protocol.secure!.port : protocol.port
  const settings = {
    ...(user !== undefined && user !== '' && { user: decoded(user) }),
    ...(password !== undefined && { password: decoded(password) }),
    ...(path !== '' && { [protocol.path!]: path }),
  }
  return { target: { address: `${scheme}://${host}:${port ?? ownPort}` }, protocol: { [name]: settings } }
}

/** The path of a request without its slash; throws an InvalidValue where it is none, or takes a captured value. */
function requestPath(bare: string): string {
  checkPath(`/${bare}`)
  checkNothingCaptured(bare)
  return bare
}

/** Throws an InvalidValue for a captured value in a path of a URL: no earlier step could have captured it. */
function checkNothingCaptured(path: string): void {
  const captured = parseSlots(path).find(part => 'name' in part)
  if (captured !== undefined) throw noSuchSlot(`{{${captured.name}}}`)
}

/** A part of a URL without its escapes; throws an InvalidValue where they are none of UTF-8. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new InvalidValue('escapes such as %20 in a URL', 'others')
  }
}

/** Schemes of which a URL may have a password, and has no path with an @ in it. */
const withPassword = /^(?:rediss?|amqps?|mqtts?|mysql|mariadb|nats|postgres(?:ql)?|stomp):/i

/**
 * A URL without the user and the password in it. Where no path has an @, a password which is not escaped as it should be is
 * not shown either.
 */
export function withoutLogin(url: string): string {
  return url.replace(withPassword.test(url) ? /^([a-z]+:\/\/).*@/is : /^([a-z]+:\/\/)[^@/?#]*@/i, '$1')
}

interface UrlParts {
  readonly scheme: keyof typeof ports
  readonly host: string
  readonly port?: string
  readonly rest: string
}

/** The parts of a URL without its fragment, which is never sent; `forms` are those of its scheme without TLS. */
function split(url: string, forms: string): UrlParts {
  const match = new RegExp(`^([a-z]+)://(${hostPattern})(?::(\\d+))?((?:[/?][^#]*)?)(?:#.*)?$`).exec(url)
  const scheme = url.slice(0, url.indexOf(':')) as UrlParts['scheme']
  if (match === null) {
    const shown = withoutLogin(url)
    const wanted = `${forms.replace(/^[a-z]+/, scheme)}${shown === url ? '' : ' without a login'}`
    throw new InvalidValue(bracketed(shown) ?? wanted, show(shown))
  }
  const [, , host, port, rest] = match
  return { scheme, host: host!, rest: rest!, ...(port !== undefined && { port }) }
}
