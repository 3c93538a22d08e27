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

/** The checks that are tripped both in simulated time and by real runs: what trips each of them, and its finding. */
export const bothWays = {
  censoring: {
    check: 2,
    code: 'censoring',
    severity: 'suspect',
    by: 'a server that stops answering',
    says: /only lower bounds are known for .*p90, p95, p99/,
    shows: /^ {2}response .* p99 > \d/m,
  },
  littlesLaw: {
    check: 8,
    code: 'littles-law',
    severity: 'suspect',
    by: 'a server that ends half of the connections, which stay closed',
    says: /only [\d.]+ % of the requests that may be in flight were/,
  },
  warmUp: {
    check: 9,
    code: 'warm-up',
    severity: 'suspect',
    by: 'a slow start and no warm-up',
    says: /of the measured part differs from the rest, and (raises|lowers) the/,
  },
  stationarity: {
    check: 10,
    code: 'stationarity',
    severity: 'suspect',
    by: 'a server that gets slower',
    says: /the (throughput fell|mean response time rose) from \S+ ?\S+ to \S+ ?\S+ over/,
  },
  overloaded: {
    check: 10,
    code: 'overloaded',
    severity: 'suspect',
    by: 'twice as many requests as the server can answer',
    says: /no steady latency exists/,
  },
  quantileInterval: {
    check: 11,
    code: 'quantile-ci',
    severity: 'suspect',
    by: 'a second half that is three times slower',
    says: /the 95 % interval of p50 is/,
  },
  balance: {
    check: 13,
    code: 'balance',
    severity: 'suspect',
    by: 'a server that answers some connections at once and the others after 50 ms',
    says: /some connections were served far more often than others/,
  },
} as const satisfies Record<string, Omit<Check, 'trips' | 'healthy'>>

/** Makes a test of each check, on both sides of its limit. */
export function testChecks(test: Pick<TestAPI, 'each'>, checks: readonly Check[]): void {
  test.each(checks)('finds $check $code by $by', async ({ code, severity, says, shows = /./, trips, healthy }) => {
    const [tripped, sound] = await Promise.all([trips(), healthy()])
    expect(findingsOf(tripped.report, code)).toContainEqual(
      expect.stringMatching(new RegExp(`^${severity}: .*${says.source}`)),
    )
    expect(tripped.code).toBe(severity === 'note' ? 0 : 4)
    // What another finding explains is in the line below that.
    const shown = severity === 'note' ? '^ {2}note ' : `^ {2}! ${code} {3}|^ {4}also: [^!]*\\b${code}\\b`
    expect(tripped.stdout).toMatch(new RegExp(shown, 'm'))
    expect(tripped.stdout).toMatch(shows)
    expect(findingsOf(sound.report, code)).toEqual([])
    expect(sound.code).toBe(0)
  })
}

function findingsOf({ findings }: Report, code: string): string[] {
  return findings.filter(finding => finding.code === code).map(({ severity, message }) => `${severity}: ${message}`)
}
