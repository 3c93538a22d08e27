import { isOnlyPass } from '../audit/evidence.ts'
import { attemptedOf, failedOf } from '../metrics/totals.ts'
import { clientGroups } from '../scenario/clients.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { plural } from '../units.ts'
import type { PassOutcome, Report } from './record.ts'

/** The requests of one pass on each connection: all of a loop, or one that is drawn of a mix. */
export function requestsOfPass(scenario: Scenario): number {
  return clientGroups(scenario).reduce((sum, { connections, loop, mix }) => {
    return sum + Number(connections) * (loop?.length ?? (mix === undefined ? 0 : 1))
  }, 0)
}

/** The outcome of a run in mode once; undefined for the other modes. */
export function passOutcome({ scenario, totals }: Pick<Report, 'scenario' | 'totals'>): PassOutcome | undefined {
  if (scenario.load.mode !== 'once') return undefined
  const { completed, failures, inFlightAtEnd, oneWay } = totals
  const wanted = requestsOfPass(scenario)
  // A number of connections that came out of the environment is not in the report.
  const steps = Number.isFinite(wanted) ? wanted : attemptedOf(totals)
  const isAsExpected = completed > 0 && completed === steps && failedOf(failures) === 0 && inFlightAtEnd === 0
  return { answered: completed, steps, ...(oneWay !== undefined && { oneWay }), isAsExpected }
}

/** Whether a run is a pass whose few requests measure nothing; one over many connections may be a load like any other. */
export function measuresNothing({ scenario, window }: Pick<Report, 'scenario' | 'window'>): boolean {
  const { completed, seconds } = window
  return isOnlyPass({ mode: scenario.load.mode, measuredMs: seconds * 1000, completed })
}

/** `2 of 3 steps answered as expected`; `2 of 2 steps as expected: 1 answered, 1 sent` where some expect no reply. */
export function describePass({ answered, steps, oneWay }: PassOutcome): string {
  if (oneWay !== undefined) {
    const parts = [...(answered > oneWay ? [`${answered - oneWay} answered`] : []), `${oneWay} sent`]
    return `${answered} of ${plural(steps, 'step')} as expected: ${parts.join(', ')}`
  }
  return `${answered} of ${plural(steps, 'step')} answered as expected`
}
