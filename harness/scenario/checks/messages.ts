import { InvalidValue, list, show } from '../../invalidValue.ts'
import { isMapping } from '../../mapping.ts'
import type { ProtocolSpec } from '../../protocols/protocolSpec.ts'
import { splitCommand } from '../../protocols/resp/respCommand.ts'
import { conflict, type Issue, issue, type Path } from '../path.ts'
import type { Send, Step } from '../scenario.ts'
import { parseRequestLine, requestLineForms } from '../schema/httpRequest.ts'
import { parseSlots } from '../schema/slots.ts'

/** A request and what is expected of its reply. */
export type Exchange = Pick<Step, 'send' | 'expect'>

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
const allFields = [...new Set(Object.values(protocolFields).flat())]
const rpcTypeMax = 0xff

/** Fields and requests of the step at `path` that the protocol does not have or allow. */
export function messageIssues(path: Path, exchange: Exchange, protocol: ProtocolSpec | undefined): Issue[] {
  if (!protocol) return []
  const issues = fieldIssues(path, exchange, protocol.name)
  const place = [...path, 'send']
  if (protocol.name === 'http') return [...issues, ...requestIssues(place, exchange.send)]
  return protocol.name === 'resp' ? [...issues, ...commandIssues(place, exchange.send)] : issues
}

function fieldIssues(path: Path, exchange: Exchange, protocol: ProtocolSpec['name']): Issue[] {
  const issues: Issue[] = []
  for (const [part, value] of Object.entries<unknown>(exchange)) {
    if (!isMapping(value)) continue
    for (const field of allFields.filter(field => field in value)) {
      const place = [...path, part, field]
      if (!protocolFields[protocol].includes(field)) {
        const wanted = list(protocolsWith(field), 'or')
        issues.push(issue(place, `needs protocol ${wanted}, not ${protocol}`))
      } else if (field === 'type' && protocol === 'rpc' && Number(value[field]) > rpcTypeMax) {
        issues.push(conflict(place, `0 to ${rpcTypeMax} with protocol rpc`, String(value[field])))
      }
    }
  }
  return issues
}

function protocolsWith(field: string): string[] {
  return Object.entries(protocolFields).flatMap(([name, fields]) => (fields.includes(field) ? [name] : []))
}

/** A request of HTTP needs a path, as text or as a mapping. */
function requestIssues(path: Path, send: Send): Issue[] {
  if (typeof send !== 'string') {
    if ('path' in send) return []
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
  if (typeof send === 'string') return [{ path: [], text: send }]
  const body = 'body' in send && typeof send.body === 'string' ? [{ path: ['body'], text: send.body }] : []
  const path = 'path' in send && send.path !== undefined ? [{ path: ['path'], text: send.path }] : []
  const clientIp =
    'clientIp' in send && send.clientIp !== undefined ? [{ path: ['clientIp'], text: send.clientIp }] : []
  const headers = Object.entries('headers' in send ? (send.headers ?? {}) : {})
  return [...body, ...path, ...clientIp, ...headers.map(([name, text]) => ({ path: ['headers', name], text }))]
}
