import { type Document, isAlias, isMap, isScalar, isSeq, type Pair, type Scalar } from 'yaml'
import { show } from '../../invalidValue.ts'
import { emptyMapping, type Mapping } from '../../mapping.ts'
import { isKeyPath } from '../checks/keys.ts'
import { type Issue, type Path, pathKey } from '../path.ts'
import { limits } from '../scenario.ts'
import { lineFinder, nestingMessage, parseDocument, type TextFault } from './document.ts'
import { type Environment, interpolate } from './variables.ts'

/** The offsets into the text at which a key and its value begin. */
export interface Position {
  readonly key: number
  readonly value: number
}

/** A YAML text as plain data, with the position of every value. */
export interface Source {
  readonly data: unknown
  /** By `pathKey`. */
  readonly positions: ReadonlyMap<string, Position>
  /** Paths of the values that came from environment variables. */
  readonly secrets: readonly Path[]
  /** The values of the variables in them. */
  readonly secretValues: readonly string[]
  readonly issues: readonly Issue[]
}

/** Values in total, with aliases expanded: more is an alias bomb. */
const valuesMax = 100_000

/** Reads a YAML text as plain data with environment variables filled in, or returns the faults that prevent it. */
export function readSource(text: string, environment: Environment): Source | readonly TextFault[] {
  const document = parseDocument(text)
  if (!('contents' in document)) return document
  const { contents } = document
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return [{ offset: 0, message: 'expected a scenario, got an empty file' }]
  }
  if (!isMap(contents)) {
    const found = isSeq(contents) ? 'a list' : show(isScalar(contents) ? contents.value : undefined)
    const message = `expected a mapping of keys such as name, target and protocol, got ${found}`
    return [{ offset: contents.range[0], message }]
  }
  return readWith(document, text, environment)
}

/** The value of a setting such as `--set path=value`: a scalar, or a list or mapping in brackets, or else the text itself. */
export function readSetting(text: string): unknown {
  const document = parseDocument(text)
  if (!('contents' in document)) throw new SettingError(document[0]!.message)
  const { contents, comment } = document
  // On a command line `key: value`, `- item` and `word # more` are meant as text.
  const isBlock = (isMap(contents) || isSeq(contents)) && contents.flow !== true
  if (isBlock || comment !== null || contents?.comment != null || contents?.commentBefore != null) return text
  if (contents === null) return null
  const source = readWith(document, text, undefined)
  const fault = 'data' in source ? source.issues[0] : source[0]
  if (fault !== undefined) throw new SettingError(fault.message)
  return (source as Source).data
}

/** Why the value of a setting cannot be read. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
}

function readWith(
  document: Document.Parsed,
  text: string,
  environment: Environment | undefined,
): Source | readonly TextFault[] {
  try {
    return new Reader(document, text, environment).read()
  } catch (error) {
    if (error instanceof Overflow) return [error.fault]
    throw error
  }
}

class Overflow extends Error {
  readonly fault: TextFault

  constructor(fault: TextFault) {
    super(fault.message)
    this.fault = fault
  }
}

type Tag = Document['schema']['tags'][number]

class Reader {
  readonly #document: Document.Parsed
  readonly #lineAndColumn: (offset: number) => string
  readonly #environment: Environment | undefined
  readonly #positions = new Map<string, Position>()
  readonly #secrets: Path[] = []
  readonly #secretValues = new Set<string>()
  readonly #issues: Issue[] = []
  readonly #anchors = new Map<string, unknown>()
  #values = 0
  #aliasDepth = 0

  constructor(document: Document.Parsed, text: string, environment: Environment | undefined) {
    this.#document = document
    this.#lineAndColumn = lineFinder(text)
    this.#environment = environment
  }

  read(): Source {
    const { contents } = this.#document
    const start = contents?.range[0] ?? 0
    const data = this.#value(contents, [], { key: start, value: start }, 1)
    return {
      data,
      positions: this.#positions,
      secrets: this.#secrets,
      secretValues: [...this.#secretValues],
      issues: this.#issues,
    }
  }

  #value(node: unknown, path: Path, place: Position, depth: number): unknown {
    if (++this.#values > valuesMax) {
      throw new Overflow({
        offset: place.value,
        message: `expected at most ${valuesMax} values, got more through aliases`,
      })
    }
    if (depth > limits.nestingMax + 1) throw new Overflow({ offset: place.value, message: nestingMessage })
    this.#positions.set(pathKey(path), place)
    if (isAlias(node)) return this.#alias(node.source, path, place, depth)
    if (isScalar(node)) {
      this.#remember(node)
      return this.#scalar(node, path, place)
    }
    if (isMap(node)) {
      this.#remember(node)
      return this.#mapping(node.items as Pair[], path, place, depth)
    }
    if (isSeq(node)) {
      this.#remember(node)
      return node.items.map((item, index) => {
        const offset = offsetOf(item) ?? place.value
        return this.#value(item, [...path, index], { key: offset, value: offset }, depth + 1)
      })
    }
    return null
  }

  #mapping(pairs: readonly Pair[], path: Path, place: Position, depth: number): Mapping {
    const data = emptyMapping()
    for (const { key, value } of pairs) {
      const offset = offsetOf(key) ?? offsetOf(value) ?? place.value
      const name = isScalar(key) ? key.value : key
      if (isScalar(key)) this.#remember(key)
      if (typeof name !== 'string') {
        const found = isScalar(key) || key === null ? show(name) : 'a collection or an alias'
        const message = `expected a key that is text, got ${found}`
        this.#issues.push({ path, about: 'value', message, offset })
        continue
      }
      const inside = [...path, name]
      if (name === '__proto__') {
        // A record of the schema cannot have this key, so it would be dropped silently.
        this.#issues.push({ path: inside, about: 'key', message: 'unknown key "__proto__"', offset })
        continue
      }
      const first = this.#positions.get(pathKey(inside))
      if (Object.hasOwn(data, name)) {
        const message = `duplicate key ${show(name)}; the first is at ${this.#lineAndColumn(first!.key)}`
        this.#issues.push({ path: inside, about: 'key', message, offset })
        continue
      }
      const start = offsetOf(value) ?? offset
      data[name] = this.#value(value, inside, { key: offset, value: start }, depth + 1)
    }
    return data
  }

  #alias(name: string, path: Path, place: Position, depth: number): unknown {
    const target = this.#anchors.get(name)
    if (target === undefined) {
      this.#issues.push({
        path,
        about: 'value',
        message: `no earlier value has the anchor &${name}`,
        offset: place.value,
      })
      return undefined
    }
    this.#aliasDepth++
    const value = this.#value(target, path, place, depth + 1)
    this.#aliasDepth--
    return value
  }

  /** An alias refers to the last anchor of its name before it. Anchors inside an expanded alias do not count again. */
  #remember(node: { readonly anchor?: string }): void {
    if (node.anchor !== undefined && this.#aliasDepth === 0) this.#anchors.set(node.anchor, node)
  }

  #scalar(node: Scalar, path: Path, place: Position): unknown {
    const { value } = node
    // A key of digits is text, not a number.
    if (isKeyPath(path) && typeof value !== 'string' && value !== null && node.source !== undefined) return node.source
    if (typeof value !== 'string' || this.#environment === undefined) return value
    const { text, secret, values, whole, faults } = interpolate(value, this.#environment)
    if (secret) this.#secrets.push(path)
    for (const secretValue of values) this.#secretValues.add(secretValue)
    for (const message of faults) this.#issues.push({ path, about: 'value', message, offset: place.value })
    if (faults.length > 0) return undefined
    return whole && node.type === 'PLAIN' && !isKeyPath(path) ? this.#resolvePlain(text) : text
  }

  /** The value of a plain scalar in YAML: `10` is a number, `true` a boolean. */
  #resolvePlain(text: string): unknown {
    const tag = this.#document.schema.tags.find((tag: Tag) => tag.default === true && tag.test?.test(text))
    return tag === undefined || tag.collection ? text : tag.resolve(text, () => {}, {})
  }
}

function offsetOf(node: unknown): number | undefined {
  return isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? node.range?.[0] : undefined
}
