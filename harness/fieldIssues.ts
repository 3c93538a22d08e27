import type { z } from 'zod'
import { show } from './invalidValue.ts'
import { valueAt } from './mapping.ts'

type ZodIssue = z.core.$ZodIssue

/** What is wrong with a value in plain data, or with a key. */
export interface FieldIssue {
  readonly path: readonly (string | number)[]
  readonly about: 'key' | 'value'
  /** What is wrong, without the path: `expected a size such as 64KiB, got "big"`. */
  readonly message: string
}

/** The issues, one a key or value, of a schema made of `fields.ts` that was applied to the value at `base` in `data`. */
export function fieldIssues(
  zodIssues: readonly ZodIssue[],
  data: unknown,
  base: FieldIssue['path'] = [],
): FieldIssue[] {
  return zodIssues.flatMap((zodIssue): FieldIssue[] => {
    const path = [...base, ...zodIssue.path] as FieldIssue['path']
    switch (zodIssue.code) {
      case 'unrecognized_keys': {
        // `mapping` writes one line for each key.
        const lines = zodIssue.message.split('\n')
        return zodIssue.keys.map((key, index) => ({ path: [...path, key], about: 'key', message: lines[index]! }))
      }
      case 'invalid_key':
        return [{ path, about: 'key', message: withGot(zodIssue.issues[0]?.message ?? zodIssue.message, path.at(-1)) }]
      case 'invalid_union': {
        const branch = zodIssue.errors.find(issues => !issues.some(isOtherKind))
        if (branch !== undefined) return fieldIssues(branch, data, path)
      }
    }
    return [{ path, about: 'value', message: withGot(zodIssue.message, valueAt(data, path)) }]
  })
}

/** Whether a branch of a union is not the one that was meant: the value is not even of its kind. */
function isOtherKind({ path, code }: ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')
}

/** Adds the value to an `expected ...` that does not show it itself. */
function withGot(message: string, value: unknown): string {
  if (!message.startsWith('expected ')) return message
  if (value === undefined) return `missing; ${message.replace(/, got nothing$/, '')}`
  return message.includes(', got ') ? message : `${message}, got ${show(value)}`
}
