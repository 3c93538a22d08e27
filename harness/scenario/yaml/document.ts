import { Composer, CST, type Document, Lexer, LineCounter, Parser } from 'yaml'
import { limits } from '../scenario.ts'

/** A fault that makes a text unreadable, at an offset into it. */
export interface TextFault {
  readonly offset: number
  readonly message: string
}

/** Words, brackets and line ends of a file. More would take the YAML parser seconds, and no scenario has so many. */
const tokensMax = 100_000

/** The one document of a YAML text, or all faults that make it unreadable. Bounded in tokens and in nesting. */
export function parseDocument(text: string): Document.Parsed | readonly TextFault[] {
  const tokens = tokenize(text)
  if (tokens === undefined) {
    return [{ offset: 0, message: `expected a scenario of at most ${tokensMax} words and brackets, got more` }]
  }
  const tooDeep = findTooDeep(tokens)
  if (tooDeep !== undefined) return [{ offset: tooDeep, message: nestingMessage }]
  const documents = [...createComposer().compose(tokens, true, text.length)]
  const [document, second] = documents
  const faults = documents.flatMap(({ errors, warnings }) =>
    [...errors, ...warnings].map(({ pos, message }) => ({ offset: pos[0], message: `not valid YAML: ${message}` })),
  )
  if (faults.length > 0) return faults
  if (second !== undefined) {
    return [{ offset: second.range[0], message: `expected one document, got ${documents.length}` }]
  }
  return document!
}

export const nestingMessage = `expected at most ${limits.nestingMax} levels of nesting, got more`

function createComposer(): Composer {
  return new Composer({
    // `Reader` finds duplicate keys: the package would compare every pair of keys.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
    // Only text, numbers, booleans, null, lists and mappings result, whatever a %YAML directive says.
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
  })
}

function tokenize(text: string): CST.Token[] | undefined {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let count = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > tokensMax) return undefined
    for (const token of parser.next(lexeme)) tokens.push(token)
  }
  for (const token of parser.end()) tokens.push(token)
  return tokens
}

/** Where nesting exceeds its limit. It is checked before documents are composed, because composing is recursive. */
function findTooDeep(tokens: readonly CST.Token[]): number | undefined {
  const rest = tokens.map(token => ({ token, depth: 0 }))
  for (let entry = rest.pop(); entry !== undefined; entry = rest.pop()) {
    const { token, depth } = entry
    if (token.type === 'document' && token.value) rest.push({ token: token.value, depth: 1 })
    if (!CST.isCollection(token)) continue
    if (depth > limits.nestingMax) return token.offset
    for (const { key, value } of token.items) {
      if (key) rest.push({ token: key, depth: depth + 1 })
      if (value) rest.push({ token: value, depth: depth + 1 })
    }
  }
  return undefined
}

/** Turns offsets into a text into `line:column`, both from 1. A line ends with a line feed; columns count UTF-16 units. */
export function lineFinder(text: string): (offset: number) => string {
  const counter = new LineCounter()
  counter.addNewLine(0)
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) counter.addNewLine(end + 1)
  return offset => {
    const { line, col } = counter.linePos(offset)
    return `${line}:${col}`
  }
}
