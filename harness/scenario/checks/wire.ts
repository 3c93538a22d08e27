import { conflict, type Issue, issue } from '../path.ts'
import { isDatagramTarget } from '../resolve.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { targetsOf } from './targets.ts'

/** Settings that cannot be combined with split or coalesced writes. */
export function wireIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { wire, load } = settings
  if (wire === undefined) return []
  const issues: Issue[] = []
  const { coalesce } = wire
  if (coalesce !== undefined && load !== undefined && coalesce > load.pipeline) {
    const expected = `at most load.pipeline (${load.pipeline}): no more requests wait together`
    issues.push(conflict(['wire', 'coalesce'], expected, String(coalesce)))
  }
  if (targetsOf(settings).some(({ target }) => isDatagramTarget(target))) {
    issues.push(issue(['wire'], 'needs a stream: over UDP each write is a datagram'))
  }
  return issues
}
