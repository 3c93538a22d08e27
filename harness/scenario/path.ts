import { InvalidValue } from '../invalidValue.ts'

export { valueAt } from '../mapping.ts'

/** Where a value stands in a scenario: keys of mappings and indexes of lists, from the root. */
export type Path = readonly (string | number)[]

/** One thing that is wrong with a value, before its place in the file is looked up. */
export interface Issue {
  readonly path: Path
  /** Whether the key is at fault or the value below it. */
  readonly about: 'key' | 'value'
  /** What is wrong, without the path. */
  readonly message: string
  /** Where the text has it, when that is not where `path` stands. */
  readonly offset?: number
}

/** What is wrong with a scenario that its text alone did not tell; who has the text says where. */
export class IssuesError extends Error {
  override readonly name = 'IssuesError'
  readonly issues: readonly Issue[]

  constructor(issues: readonly Issue[]) {
    super(issues.map(({ path, message }) => `${showPath(path)}: ${message}`).join('\n'))
    this.issues = issues
  }
}

/** An issue with a value. */
export function issue(path: Path, message: string): Issue {
  return { path, about: 'value', message }
}

/** An issue with a value that does not go with another one. */
export function conflict(path: Path, expected: string, got?: string): Issue {
  return issue(path, new InvalidValue(expected, got).message)
}

/** Whether `path` is `above` or lies below it. */
export function isWithin(path: Path, above: Path): boolean {
  return above.length <= path.length && above.every((key, index) => String(key) === String(path[index]))
}

/** A path as it is shown: `loop[0].send.type`. */
export function showPath(path: Path): string {
  let text = ''
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`
    else text += `${text === '' ? '' : '.'}${/^[\w-]+$/.test(key) ? key : JSON.stringify(key)}`
  }
  return text
}

/** A path as the key of a map. */
export function pathKey(path: Path): string {
  return path.join('\0')
}
