import { messageOf } from '../harness/errors.ts'
import { type FigureName, type Figures, figureKinds, formatFigure } from './figures.ts'
import type { RoundRecord, SideRecord } from './results.ts'
import { median, round } from './statistics.ts'

/** A side that failed this often is not run again. */
const failuresMax = 2

/** One client with one set of arguments, which runs once in every round. */
export interface Side {
  readonly name: string
  /** Its command line. */
  readonly command: string
  run(): Promise<Figures>
}

/** How the rounds are run. */
export interface Interleaving {
  readonly rounds: number
  readonly log: (text: string) => void
  readonly signal: AbortSignal
}

/** Runs all sides in turn for a number of rounds: A B A B. A failure is the error of its round. */
export async function interleave(sides: readonly Side[], { rounds, log, signal }: Interleaving): Promise<SideRecord[]> {
  const records = sides.map((): RoundRecord[] => [])
  for (let turn = 1; turn <= rounds; turn++) {
    for (const [at, side] of sides.entries()) {
      signal.throwIfAborted()
      const record = records[at]!
      if (record.filter(({ error }) => error !== undefined).length >= failuresMax) {
        record.push({ figures: {}, error: record.at(-1)!.error! })
        continue
      }
      const outcome = await runOnce(side)
      signal.throwIfAborted()
      record.push(outcome)
      log(`round ${turn} of ${rounds}  ${side.name}  ${outcome.error ?? renderFigures(outcome.figures)}`)
    }
  }
  return sides.map(({ name, command }, at) => ({
    name,
    command,
    rounds: records[at]!,
    medians: mediansOf(records[at]!),
  }))
}

async function runOnce(side: Side): Promise<RoundRecord> {
  try {
    const figures = await side.run()
    return { figures: Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)])) }
  } catch (error) {
    return { figures: {}, error: messageOf(error) }
  }
}

function mediansOf(rounds: readonly RoundRecord[]): Figures {
  const names = Object.keys(figureKinds) as FigureName[]
  const medians = names.flatMap(name => {
    const values = rounds.map(({ figures }) => figures[name]).filter(value => value !== undefined)
    return values.length === 0 ? [] : [[name, round(median(values))]]
  })
  return Object.fromEntries(medians)
}

function renderFigures(figures: Figures): string {
  const names = Object.keys(figures) as FigureName[]
  return names.map(name => `${figureKinds[name].heading} ${formatFigure(name, figures[name]!)}`).join('  ')
}
