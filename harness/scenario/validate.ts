import { distance } from 'fastest-levenshtein'
import type { z } from 'zod'
import { list, show } from '../invalidValue.ts'
import { conflictIssues } from './checks/checks.ts'
import { laterIssues } from './checks/unsupported.ts'
import { type Issue, isMapping, isWithin, type Path, valueAt } from './path.ts'
import type { Scenario } from './scenario.ts'
import { completeScenario, type ScenarioSettings, scenarioSchema, scenarioShape } from './schema/schema.ts'

type ZodIssue = z.core.$ZodIssue

/** The scenario out of plain data, or everything that is wrong with it. */
export function validate(data: unknown): { readonly scenario?: Scenario; readonly issues: readonly Issue[] } {
  const later = laterIssues(data)
  const result = scenarioSchema.safeParse(data, { error: issue => defaultMessage(issue) })
  const settings = result.success ? result.data : parseParts(data)
  const schemaIssues = result.success ? [] : toIssues(result.error.issues, data, [])
  const all = [...schemaIssues, ...conflictIssues(data, settings)]
  const issues = [...later, ...all.filter(issue => !later.some(({ path }) => isWithin(issue.path, path)))]
  return result.success && issues.length === 0 ? { scenario: completeScenario(result.data), issues } : { issues }
}

/** The settings that are in order by themselves, where some are not. */
function parseParts(data: unknown): Partial<ScenarioSettings> {
  if (!isMapping(data)) return {}
  const parts = Object.entries(scenarioShape).flatMap(([key, schema]) => {
    const result = (schema as z.ZodType).safeParse(data[key])
    return result.success && result.data !== undefined ? [[key, result.data]] : []
  })
  return Object.fromEntries(parts) as Partial<ScenarioSettings>
}

function toIssues(zodIssues: readonly ZodIssue[], data: unknown, base: Path): Issue[] {
  return zodIssues.flatMap((zodIssue): Issue[] => {
    const path = [...base, ...zodIssue.path] as Path
    switch (zodIssue.code) {
      case 'unrecognized_keys':
        return zodIssue.keys.map(key => ({
          path: [...path, key],
          about: 'key',
          message: zodIssue.message.startsWith('unknown key') ? zodIssue.message : unknownKey(key, zodIssue.message),
        }))
      case 'invalid_key':
        return [{ path, about: 'key', message: withGot(zodIssue.issues[0]?.message ?? zodIssue.message, path.at(-1)) }]
      case 'invalid_union': {
        const branch = zodIssue.errors.find(issues => !issues.some(isOtherKind))
        if (branch !== undefined) return toIssues(branch, data, path)
      }
    }
    return [{ path, about: 'value', message: withGot(zodIssue.message, valueAt(data, path)) }]
  })
}

/** Whether a branch of a union is not the one that was meant: the value is not even of its kind. */
function isOtherKind({ path, code }: ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')
}

function withGot(message: string, value: unknown): string {
  if (!message.startsWith('expected ')) return message
  if (value === undefined) return `missing; ${message.replace(/, got nothing$/, '')}`
  return message.includes(', got ') ? message : `${message}, got ${show(value)}`
}

/** Of an unknown key the message has the known ones: the issue itself does not tell them. */
const separator = ', '

function defaultMessage({ code, inst }: z.core.$ZodRawIssue): string | undefined {
  if (code !== 'unrecognized_keys') return undefined
  const { shape } = (inst as z.ZodObject)._zod.def
  return Object.keys(shape).join(separator)
}

function unknownKey(key: string, knownKeys: string): string {
  const known = knownKeys.split(separator)
  const [nearest] = known
    .map(candidate => ({
      candidate,
      edits: distance(key.slice(0, keyLengthMax).toLowerCase(), candidate.toLowerCase()),
    }))
    .sort((a, b) => a.edits - b.edits)
  const isNear = nearest !== undefined && nearest.edits <= Math.ceil(Math.min(key.length, nearest.candidate.length) / 3)
  const advice = isNear ? `did you mean ${show(nearest.candidate)}?` : `known here: ${list(known)}`
  return `unknown key ${show(key)}; ${advice}`
}

/** Longer keys are near to none of ours. */
const keyLengthMax = 40
