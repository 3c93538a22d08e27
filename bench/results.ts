import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, UserError } from '../harness/errors.ts'
import type { Environment } from '../harness/host/processes.ts'
import type { FigureName, Figures } from './figures.ts'
import type { Spread } from './statistics.ts'

export const resultsSchema = 'volley.bench/1'

/** Everything that one bench measured: the content of `bench/results/*.json` and the source of the tables. */
export interface BenchResults {
  readonly schema: typeof resultsSchema
  readonly startedAt: string
  readonly endedAt: string
  readonly volley: string
  readonly machine: Environment
  readonly settings: Settings
  /** The cores that clients and servers were pinned to; absent if they were not pinned. */
  readonly pinned?: { readonly client: string; readonly server: string }
  readonly peers: readonly PeerRecord[]
  readonly goals: readonly GoalRecord[]
}

export interface Settings {
  readonly rounds: number
  readonly seconds: number
}

/** A program that the bench knows. */
export interface PeerRecord {
  readonly name: string
  /** Absent if the program is not installed. */
  readonly version?: string
}

export interface GoalRecord {
  readonly id: string
  readonly title: string
  readonly groups: readonly Group[]
  readonly rows: readonly Row[]
  readonly notes: readonly string[]
}

/** Sides that took turns on one server. */
export interface Group {
  readonly name: string
  /** The command line of the server. */
  readonly server: string
  readonly sides: readonly SideRecord[]
}

/** One client with one set of arguments, over all rounds. */
export interface SideRecord {
  readonly name: string
  readonly command: string
  /** In order; a failed round has an error. */
  readonly rounds: readonly RoundRecord[]
  readonly medians: Figures
}

export interface RoundRecord {
  readonly figures: Figures
  readonly error?: string
}

export type Verdict = 'met' | 'missed' | 'not measured' | 'for comparison'

export type Bound = { readonly atMost: number } | { readonly atLeast: number }

/** A figure of volley, by itself or as a ratio to a peer's, compared with the bound of a goal. */
export interface Row {
  /** Which of the goal's rows: `node`, `epoll`, `frames, epoll`. */
  readonly name: string
  readonly figure: FigureName
  readonly ours?: Subject
  readonly theirs?: Subject
  /** Of the ratios round by round if there is a peer, else of the figure. */
  readonly spread?: Spread
  readonly bound?: Bound
  readonly verdict: Verdict
  /** Why nothing was measured, or a remark. */
  readonly reason?: string
}

/** A side and the median of its figure. */
export interface Subject {
  readonly side: string
  readonly value: number
}

/** Writes results into an existing folder, named after their start time; returns the file's path. */
export async function saveResults(results: BenchResults, folder: string): Promise<string> {
  const time = results.startedAt.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-')
  const path = join(folder, `${time}.json`)
  try {
    await writeFile(path, `${JSON.stringify(results, undefined, 2)}\n`)
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${messageOf(error)}`, 'choose another folder with --out')
  }
  return path
}

/** Reads results; throws a UserError if the file cannot be read or has no results. */
export async function readResults(path: string): Promise<BenchResults> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new UserError(
      [{ place: path, message: `cannot be read: ${messageOf(error)}` }],
      'give a file that "npm run bench" has saved in bench/results',
    )
  }
  const { schema, goals } = (value ?? {}) as Partial<BenchResults>
  if (schema !== resultsSchema || !Array.isArray(goals)) {
    throw new UserError([{ place: path, message: `expected results with schema "${resultsSchema}", got ${schema}` }])
  }
  return value as BenchResults
}
