import { InvalidValue, list, show } from '../../invalidValue.ts'
import { isMapping, type Mapping } from '../../mapping.ts'
import { createProtocol } from '../../protocols/catalog.ts'
import type { ElementOf } from '../../protocols/picture/elements.ts'
import { numberType, writeNumber } from '../../protocols/picture/numbers.ts'
import type { PictureSettings } from '../../protocols/picture/picture.ts'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import { splitCommand } from '../../protocols/resp/respCommand.ts'
import { unknownWord } from '../../suggestion.ts'
import { conflict, type Issue, issue, type Path } from '../path.ts'
import { isMessage, isUnframed, type Payload, type Send, type Step } from '../scenario.ts'
import { expectationKeys } from '../schema/expectation.ts'
import { parseRequestLine, requestLineForms } from '../schema/httpRequest.ts'
import { payloadKeys, sendKeys } from '../schema/payload.ts'
import { parseSlots } from '../schema/slots.ts'

/** A request and what is expected of its reply. */
export type Exchange = Pick<Step, 'send' | 'expect' | 'listens' | 'reply'> & {
  /** It is sent in answer to a message of the server, and has no reply itself. */
  readonly isAnswer?: true
}

/** The fields that messages of each protocol have in addition to their body. */
const protocolFields: Readonly<Record<ProtocolSpec['name'], readonly string[]>> = {
  raw: [],
  line: [],
  frame: [],
  tlv: ['type'],
  rpc: ['type', 'version', 'extension'],
  broadcast: ['clientIp'],
  http: ['method', 'path', 'headers', 'status'],
  resp: ['error'],
}
/** What only replies have. */
const replyFields: readonly string[] = ['status', 'error']
const allFields = [...new Set(Object.values(protocolFields).flat())]
const rpcTypeMax = 0xff
const typeMax = 0xffff_ffff
/** Keys of expectations that are no fields. */
const expectedKeys = ['equals', 'body', 'begins', 'contains', 'matches']

/** The keys that a request of the protocol may have, if it is a mapping. */
export function requestKeysOf(protocol: ProtocolSpec['name']): string[] {
  return [...payloadKeys, 'body', ...protocolFields[protocol].filter(field => !replyFields.includes(field))]
}

/** Fields and requests of the step at `path` that the protocol does not have or allow. */
export function messageIssues(path: Path, exchange: Exchange, protocol: ProtocolSpec | undefined): Issue[] {
  if (!protocol) return []
  const { send, listens, reply, isAnswer } = exchange
  if (reply?.spec !== undefined) {
    const { expect: _, reply: __, ...sent } = exchange
    return [...messageIssues(path, sent, protocol), ...expectIssues(path, exchange, reply.spec)]
  }
  if (isUnframed(send) || listens) {
    return [...expectIssues(path, exchange, protocol), ...(isAnswer ? [] : orderIssues(path, exchange, protocol))]
  }
  const issues =
    protocol.name === 'frame' && 'request' in protocol
      ? drawnIssues(path, exchange, protocol)
      : fieldIssues(path, exchange, protocol.name)
  const place = [...path, 'send']
  if (protocol.name === 'http') return [...issues, ...requestIssues(place, exchange.send)]
  return protocol.name === 'resp' ? [...issues, ...commandIssues(place, exchange.send)] : issues
}

/** What is expected of the reply to a message that the protocol does not frame, or to none. */
function expectIssues(path: Path, { expect }: Exchange, protocol: ProtocolSpec): Issue[] {
  if (expect === undefined) return []
  return protocol.name === 'frame' && 'request' in protocol
    ? drawnIssues(path, { send: '', expect }, protocol)
    : fieldIssues(path, { send: '', expect }, protocol.name)
}

/** Such a message has no id, so its reply has to be the next one. */
function orderIssues(path: Path, { listens }: Exchange, protocol: ProtocolSpec): Issue[] {
  const { requestId } = createProtocol(protocol)
  if (requestId === undefined) return []
  const what = listens ? 'a step without send' : 'unframed'
  return [
    issue(listens ? path : [...path, 'send'], `${what} needs replies in order, and those of this protocol have ids`),
  ]
}

const knownKeys: Readonly<Record<string, readonly string[]>> = { send: sendKeys, expect: expectationKeys }

function fieldIssues(path: Path, exchange: Exchange, protocol: ProtocolSpec['name']): Issue[] {
  const issues: Issue[] = []
  for (const [part, value] of Object.entries<unknown>(exchange)) {
    if (!isMapping(value)) continue
    for (const key of Object.keys(isMapping(value['fields']) ? value['fields'] : {})) {
      issues.push(unknownKey([...path, part, key], key, knownKeys[part]!))
    }
    for (const field of allFields.filter(field => field in value)) {
      const place = [...path, part, field]
      if (!protocolFields[protocol].includes(field)) {
        const wanted = list(protocolsWith(field), 'or')
        issues.push(issue(place, `needs protocol ${wanted}, not ${protocol}`))
      } else issues.push(...rangeIssues(place, field, value[field], protocol))
    }
  }
  return issues
}

/** Values of fields that the protocol does not hold. */
function rangeIssues(place: Path, field: string, value: unknown, protocol: ProtocolSpec['name']): Issue[] {
  if (field !== 'type' && field !== 'status') return []
  const [from, to] = field === 'status' ? [100, 599] : [0, protocol === 'rpc' ? rpcTypeMax : typeMax]
  const wrong = [value].flat().find(one => typeof one !== 'number' || one < from || one > to)
  if (wrong === undefined) return []
  const wanted =
    field === 'type' && protocol === 'rpc'
      ? `${from} to ${to} with protocol rpc`
      : `a whole number from ${from} to ${to}`
  return [conflict(place, wanted, typeof wrong === 'string' ? show(wrong) : String(wrong))]
}

/** Fields of a frame that is drawn: those of its own pictures, with values that they hold. */
function drawnIssues(path: Path, { send, expect }: Exchange, { request, reply }: PictureSettings): Issue[] {
  const parts = [
    { part: 'send', value: send, elements: request, others: ['body', ...payloadKeys] },
    { part: 'expect', value: expect, elements: reply, others: expectedKeys },
  ]
  return parts.flatMap(({ part, value, elements, others }) => {
    // A number, a length and the like are a payload alone.
    if (!isMapping(value) || (part === 'send' && !isMessage(send))) return []
    const fields = elements.filter(element => element.kind === 'field')
    const { fields: own = {}, ...rest } = value as Mapping
    const given = Object.entries({ ...rest, ...(own as Mapping) }).filter(([key]) => !others.includes(key))
    return given.flatMap(([key, values]) => {
      const field = fields.find(({ name }) => name === key)
      const place = [...path, part, key]
      if (field === undefined) return [unknownKey(place, key, [...fields.map(({ name }) => name), ...others])]
      const listed = part === 'expect' ? [values].flat() : [values]
      const fault = listed.map(one => fieldValueFault(field, one)).find(message => message !== undefined)
      return fault === undefined ? [] : [issue(place, fault)]
    })
  })
}

/** Why a field cannot have a value: `expected 0 to 255 (u8), got 300`. */
function fieldValueFault({ type }: ElementOf<'field'>, value: unknown): string | undefined {
  const number = numberType(type)
  try {
    writeNumber(new Uint8Array(number.bytes), 0, number, value as number)
    return undefined
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
}

function unknownKey(path: Path, key: string, known: readonly string[]): Issue {
  return { path, about: 'key', message: unknownWord('key', key, known) }
}

function protocolsWith(field: string): string[] {
  return Object.entries(protocolFields).flatMap(([name, fields]) => (fields.includes(field) ? [name] : []))
}

/** A request of HTTP needs a path, as text or as a mapping. */
function requestIssues(path: Path, send: Send): Issue[] {
  if (typeof send !== 'string') {
    if (isMessage(send) && send.path !== undefined) return []
    return [conflict(path, `${requestLineForms}, or a mapping with path`, `a mapping with ${list(Object.keys(send))}`)]
  }
  try {
    parseRequestLine(send)
    return []
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    return [issue(path, error.message.includes(', got ') ? error.message : `${error.message}, got ${show(send)}`)]
  }
}

/** A command of RESP needs a word and closed quotes; values that fill slots change neither. */
function commandIssues(path: Path, send: Send): Issue[] {
  return textsOf(send).flatMap(({ path: inside, text }) => {
    const filled = parseSlots(text).map(part => ('text' in part ? part.text : '0'))
    try {
      splitCommand(new TextEncoder().encode(filled.join('')))
      return []
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return [issue([...path, ...inside], error.message)]
    }
  })
}

/** Columns in the texts of the step at `path`, for a scenario without data. */
export function dataIssues(path: Path, send: Send): Issue[] {
  return textsOf(send).flatMap(({ path: inside, text }) =>
    parseSlots(text).flatMap(part => {
      if (!('column' in part)) return []
      return [issue([...path, 'send', ...inside], `{{data.${part.column}}} needs data with the CSV file that has it`)]
    }),
  )
}

/** Every text of a request that may have slots in it, with its path in the request. */
export function textsOf(send: Send): { readonly path: Path; readonly text: string }[] {
  if (isUnframed(send)) return payloadTexts(send.unframed, ['unframed'])
  if (!isMessage(send)) return payloadTexts(send, [])
  const { body, path, clientIp, headers = {} } = send
  return [
    ...(body === undefined ? [] : payloadTexts(body, ['body'])),
    ...(path === undefined ? [] : [{ path: ['path'], text: path }]),
    ...(clientIp === undefined ? [] : [{ path: ['clientIp'], text: clientIp }]),
    ...Object.entries(headers).map(([name, text]) => ({ path: ['headers', name], text })),
  ]
}

function payloadTexts(payload: Payload, path: Path): { readonly path: Path; readonly text: string }[] {
  if (typeof payload === 'string') return [{ path, text: payload }]
  if (Array.isArray(payload)) {
    return (payload as readonly Payload[]).flatMap((part, index) => payloadTexts(part, [...path, index]))
  }
  if ('number' in payload) {
    return typeof payload.value === 'string' ? [{ path: [...path, payload.number], text: payload.value }] : []
  }
  if ('domain' in payload) return [{ path: [...path, 'domain'], text: payload.domain }]
  return 'of' in payload ? payloadTexts(payload.of, [...path, 'of']) : []
}
