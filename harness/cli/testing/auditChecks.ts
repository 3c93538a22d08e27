import { expect, type TestAPI } from 'vitest'
import type { Finding } from '../../audit/finding.ts'
import type { Report } from '../../report/record.ts'
import type { Ran } from './volley.ts'

/** A check of the audit, with a run that trips it and one that does not. */
export interface Check {
  /** The number in docs/measurement.md, section 2. */
  readonly check: number
  readonly code: string
  readonly severity: Finding['severity']
  /** What trips it, and the message of the finding. */
  readonly by: string
  readonly says: RegExp
  /** Another line that the summary shows then. */
  readonly shows?: RegExp
  /** With `--strict` where the finding alone does not fail a run. */
  readonly trips: () => Promise<Ran>
  /** A run of the same kind in which the check finds nothing. */
  readonly healthy: () => Promise<Ran>
}

/** Makes a test of each check, on both sides of its limit. */
export function testChecks(test: Pick<TestAPI, 'each'>, checks: readonly Check[]): void {
  test.each(checks)('finds $check $code by $by', async ({ code, severity, says, shows = /./, trips, healthy }) => {
    const [tripped, sound] = await Promise.all([trips(), healthy()])
    expect(findingsOf(tripped.report, code)).toContainEqual(
      expect.stringMatching(new RegExp(`^${severity}: .*${says.source}`)),
    )
    expect(tripped.code).toBe(severity === 'note' ? 0 : 4)
    // What another finding explains is in the line below that.
    const shown = severity === 'note' ? '^ {2}note ' : `^ {2}! ${code} {3}|^ {4}also: .*\\b${code}\\b`
    expect(tripped.stdout).toMatch(new RegExp(shown, 'm'))
    expect(tripped.stdout).toMatch(shows)
    expect(findingsOf(sound.report, code)).toEqual([])
    expect(sound.code).toBe(0)
  })
}

function findingsOf({ findings }: Report, code: string): string[] {
  return findings.filter(finding => finding.code === code).map(({ severity, message }) => `${severity}: ${message}`)
}
