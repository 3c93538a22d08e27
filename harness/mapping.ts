/** A mapping of plain data. It should have no prototype, so that no key, such as `constructor`, is special. */
export type Mapping = Record<string, unknown>

/** Whether a value is a mapping: neither a list nor null. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An empty mapping without a prototype. */
export function emptyMapping(): Mapping {
  return Object.create(null) as Mapping
}

/** The value at a path of keys and indexes into plain data; undefined where there is none. */
export function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}
