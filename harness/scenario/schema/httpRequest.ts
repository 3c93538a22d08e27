import { z } from 'zod'
import { checked, wantedText } from '../../fields.ts'
import { InvalidValue, list, show } from '../../invalidValue.ts'
import { parseSlots, slotsLength } from './slots.ts'

/** The methods that a request may have: the length of every reply to them is in the reply itself. */
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
const methodForms = list(methods, 'or')
const unframedMethods: readonly string[] = ['HEAD', 'CONNECT']

/** A request as one text. */
export const requestLineForms = 'METHOD /path such as GET /users/{{seq}}'
const pathForms = 'a path such as /users/{{seq}}'
const headersForms = 'a mapping of headers such as { Accept: text/html }'

/** Servers take no request line or header that is longer. */
const lengthMax = 64 * 1024
const headersMax = 100

/** Names of headers are tokens (RFC 9110, section 5.6.2). */
const tokenPattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
/** Those that the codec writes, as the body has them. */
const framingHeaders: readonly string[] = ['content-length', 'transfer-encoding']

const method = z
  .string({ error: issue => wantedText(methodForms, issue.input) })
  .superRefine(checked(checkMethod))
  .meta({ enum: methods })

const path = z.string({ error: issue => wantedText(pathForms, issue.input) }).superRefine(checked(checkPath))

const headerName = z
  .string()
  .regex(new RegExp(tokenPattern), 'expected the name of a header such as Accept')
  .meta({ pattern: tokenPattern })
const headerValue = z.string({ error: issue => wantedText('text', issue.input) }).superRefine(checked(checkHeaderValue))

const headers = z.record(headerName, headerValue, `expected ${headersForms}`).superRefine(checkHeaders)

/** What a request of protocol http has beside its body. */
export const httpShape = {
  method: method.exactOptional().describe('Protocol http: the method; GET by default'),
  path: path.exactOptional().describe('Protocol http: the path and query, percent-encoded; slots are filled in'),
  headers: headers
    .exactOptional()
    .describe('Protocol http: headers; Host is added where it is not among them; slots are filled in'),
}

/** Method and path out of `GET /users/{{seq}}`; throws a InvalidValue for other texts. */
export function parseRequestLine(text: string): { readonly method: string; readonly path: string } {
  const [, method, path] = /^([A-Za-z]+) (.+)$/s.exec(text) ?? []
  if (method === undefined || path === undefined || !isPath(path)) throw new InvalidValue(requestLineForms)
  checkMethod(method)
  checkLength(path)
  return { method, path }
}

function checkMethod(method: string): void {
  if ((methods as readonly string[]).includes(method)) return
  const reason = `; replies to ${list(unframedMethods)} cannot be told apart in an ordered stream`
  throw new InvalidValue(`${methodForms}${unframedMethods.includes(method) ? reason : ''}`, show(method))
}

/** Throws a InvalidValue for what is no path of a request. */
export function checkPath(path: string): void {
  if (!isPath(path)) throw new InvalidValue(`${pathForms}, of visible ASCII characters and without #`, show(path))
  checkLength(path)
}

/** A column of the data, or what was captured, may hold the whole path. */
function isPath(text: string): boolean {
  const filled = parseSlots(text).map(part =>
    'text' in part ? part.text : 'column' in part || 'name' in part ? '/' : '0',
  )
  return /^\/[!-~]*$/.test(filled.join('')) && !text.includes('#')
}

function checkHeaderValue(value: string): void {
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) throw new InvalidValue('a text without line ends and control characters')
  checkLength(value)
}

function checkLength(text: string): void {
  if (slotsLength(parseSlots(text)) > lengthMax) {
    throw new InvalidValue(`at most ${lengthMax} characters with slots filled in`, 'more')
  }
}

function checkHeaders(headers: Readonly<Record<string, string>>, context: z.RefinementCtx): void {
  const names = Object.keys(headers)
  if (names.length > headersMax) {
    context.addIssue(new InvalidValue(`at most ${headersMax} headers`, String(names.length)).message)
  }
  const seen = new Map<string, string>()
  for (const name of names) {
    const known = name.toLowerCase()
    const fault = (message: string) => context.addIssue({ code: 'custom', path: [name], message })
    const before = seen.get(known)
    if (framingHeaders.includes(known)) fault('is written as the body has it; leave it out')
    else if (before !== undefined) fault(`is the same header as ${show(before)}`)
    else seen.set(known, name)
  }
}
