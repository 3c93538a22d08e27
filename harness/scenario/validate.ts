import type { z } from 'zod'
import { fieldIssues } from '../fieldIssues.ts'
import { isMapping } from '../mapping.ts'
import { conflictIssues } from './checks/checks.ts'
import type { Issue } from './path.ts'
import type { Scenario } from './scenario.ts'
import { completeScenario, type ScenarioSettings, scenarioSchema, scenarioShape } from './schema/schema.ts'

/** The scenario in plain data, or everything that is wrong with it. */
export function validate(data: unknown): { readonly scenario?: Scenario; readonly issues: readonly Issue[] } {
  const result = scenarioSchema.safeParse(data)
  const settings = result.success ? result.data : parseParts(data)
  const schemaIssues = result.success ? [] : fieldIssues(result.error.issues, data)
  const issues = [...schemaIssues, ...conflictIssues(data, settings)]
  return result.success && issues.length === 0 ? { scenario: completeScenario(result.data), issues } : { issues }
}

/** The settings that are valid by themselves, for a scenario in which others are not. */
function parseParts(data: unknown): Partial<ScenarioSettings> {
  if (!isMapping(data)) return {}
  const parts = Object.entries(scenarioShape).flatMap(([key, schema]) => {
    const result = (schema as z.ZodType).safeParse(data[key])
    return result.success && result.data !== undefined ? [[key, result.data]] : []
  })
  return Object.fromEntries(parts) as Partial<ScenarioSettings>
}
