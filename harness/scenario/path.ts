import { InvalidValue } from '../invalidValue.ts'

/** The place of a value in a scenario: keys of mappings and indexes of lists, from the root. */
export type Path = readonly (string | number)[]

/** One thing that is wrong with a scenario, before its place in the file is looked up. */
export interface Issue {
  readonly path: Path
  /** Whether the key is wrong or its value. */
  readonly about: 'key' | 'value'
  /** What is wrong, without the path. */
  readonly message: string
  /** Its offset into the text, where that is not the offset of `path`. */
  readonly offset?: number
}

/**
 * Issues that are found outside of the text, such as in a file that a scenario names; a caller that has the text adds
 * their places.
 */
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

/** An issue with a value that cannot be combined with another one. */
export function conflict(path: Path, expected: string, got?: string): Issue {
  return issue(path, new InvalidValue(expected, got).message)
}

/** Whether `path` is `above` or below it. */
export function isWithin(path: Path, above: Path): boolean {
  return above.length <= path.length && above.every((key, index) => String(key) === String(path[index]))
}

/** A path for display: `loop[0].send.type`. */
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
