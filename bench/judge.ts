import { type FigureName, figureKinds } from './figures.ts'
import type { Bound, Row, SideRecord, Verdict } from './results.ts'
import { pairRatios, type Spread, spreadOf } from './statistics.ts'

interface Claim {
  readonly name: string
  readonly figure: FigureName
  /** A row without a bound is only for comparison. */
  readonly bound?: Bound
}

/** Judges the median of the ratios of volley's figure to a peer's, round by round. */
export function judgeRatio(claim: Claim, ours: SideRecord, theirs: SideRecord): Row {
  const { figure } = claim
  const spread = spreadOf(pairRatios(valuesOf(ours, figure), valuesOf(theirs, figure)))
  if (spread === undefined) return notMeasured(claim, reasonOf([ours, theirs], figure))
  return {
    ...claim,
    ours: { side: ours.name, value: ours.medians[figure]! },
    theirs: { side: theirs.name, value: theirs.medians[figure]! },
    spread,
    verdict: verdictOf(spread, claim.bound),
  }
}

/** Judges the median of a figure of volley. */
export function judgeValue(claim: Claim, ours: SideRecord): Row {
  const spread = spreadOf(valuesOf(ours, claim.figure).filter(value => value !== undefined))
  if (spread === undefined) return notMeasured(claim, reasonOf([ours], claim.figure))
  return {
    ...claim,
    ours: { side: ours.name, value: spread.median },
    spread,
    verdict: verdictOf(spread, claim.bound),
  }
}

/** The row of a figure that could not be measured, with the reason. */
export function notMeasured(claim: Claim, reason: string): Row {
  return { ...claim, verdict: 'not measured', reason }
}

/** The same for several rows. */
export function noneMeasured(claims: readonly Claim[], reason: string): Row[] {
  return claims.map(claim => notMeasured(claim, reason))
}

/** The values of a figure in each round. */
export function valuesOf(side: SideRecord, figure: FigureName): (number | undefined)[] {
  return side.rounds.map(round => round.figures[figure])
}

function verdictOf({ median }: Spread, bound: Bound | undefined): Verdict {
  if (bound === undefined) return 'for comparison'
  const holds = 'atMost' in bound ? median <= bound.atMost : median >= bound.atLeast
  return holds ? 'met' : 'missed'
}

/** Why a figure of some sides is missing. */
function reasonOf(sides: readonly SideRecord[], figure: FigureName): string {
  const errors = sides.flatMap(side => side.rounds.flatMap(({ error }) => (error ? [`${side.name}: ${error}`] : [])))
  return errors[0] ?? `no round gave a ${figureKinds[figure].name}`
}
