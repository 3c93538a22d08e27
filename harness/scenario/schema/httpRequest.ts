import { z } from 'zod'
import { checked, wantedText } from '../../fields.ts'
import { InvalidValue, list, show } from '../../invalidValue.ts'
import {
  headerNamePattern,
  isHeaderValue,
  isPath,
  lineBytesMax,
  splitRequestLine,
  unframedMethods,
} from '../../protocols/http/httpSyntax.ts'
import { parseSlots, slotsLength } from './slots.ts'

/** The methods that a request may have. */
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
const methodForms = list(methods, 'or')

/** How a request is written as one text. */
export const requestLineForms = 'METHOD /path such as GET /users/{{seq}}'
const pathForms = 'a path such as /users/{{seq}}'
const headersForms = 'a mapping of headers such as { Accept: text/html }'

const headersMax = 100

/** The codec writes these, as they follow from the body. */
const framingHeaders: readonly string[] = ['content-length', 'transfer-encoding']

const method = z
  .string({ error: issue => wantedText(methodForms, issue.input) })
  .superRefine(checked(checkMethod))
  .meta({ enum: methods })

const path = z.string({ error: issue => wantedText(pathForms, issue.input) }).superRefine(checked(checkPath))

const headerName = z
  .string()
  .regex(headerNamePattern, 'expected the name of a header such as Accept')
  .meta({ pattern: headerNamePattern.source })
const headerValue = z.string({ error: issue => wantedText('text', issue.input) }).superRefine(checked(checkHeaderValue))

/** Headers by name. */
export const headersSchema = z.record(headerName, headerValue, `expected ${headersForms}`).superRefine(checkHeaders)

/** The keys of an HTTP request other than its body. */
export const httpShape = {
  method: method.exactOptional().describe('Protocol http: the method; GET by default'),
  path: path.exactOptional().describe('Protocol http: the path and query, percent-encoded; slots are filled in'),
  headers: headersSchema
    .exactOptional()
    .describe('Protocol http: headers; Host is added where it is not among them; slots are filled in'),
}

/** Method and path out of `GET /users/{{seq}}`; throws an InvalidValue for other texts. */
export function parseRequestLine(text: string): { readonly method: string; readonly path: string } {
  const line = splitRequestLine(text)
  if (line === undefined || !isPathWithSlots(line.path)) throw new InvalidValue(requestLineForms)
  checkMethod(line.method)
  checkLength(line.path)
  return line
}

function checkMethod(method: string): void {
  if ((methods as readonly string[]).includes(method)) return
  const reason = `; replies to ${list(unframedMethods)} do not end where their heads say`
  throw new InvalidValue(`${methodForms}${unframedMethods.includes(method) ? reason : ''}`, show(method))
}

/** Throws an InvalidValue unless a text is the path of a request. */
export function checkPath(path: string): void {
  if (!isPathWithSlots(path))
    throw new InvalidValue(`${pathForms}, of visible ASCII characters and without #`, show(path))
  checkLength(path)
}

/** Whether a text with slots is a path once they are filled in; a data column or a captured value may be all of it. */
function isPathWithSlots(text: string): boolean {
  const filled = parseSlots(text).map(part =>
    'text' in part ? part.text : 'column' in part || 'name' in part ? '/' : '0',
  )
  return isPath(filled.join('')) && !text.includes('#')
}

function checkHeaderValue(value: string): void {
  if (!isHeaderValue(value)) throw new InvalidValue('a text without line ends and control characters')
  checkLength(value)
}

function checkLength(text: string): void {
  if (slotsLength(parseSlots(text)) > lineBytesMax) {
    throw new InvalidValue(`at most ${lineBytesMax} characters with slots filled in`, 'more')
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
    if (framingHeaders.includes(known)) fault('is added from the body; leave it out')
    else if (before !== undefined) fault(`is the same header as ${show(before)}`)
    else seen.set(known, name)
  }
}
