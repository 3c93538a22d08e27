import { join } from 'node:path'
import type { Interval, Progress, RunTitle, Snapshot } from '../metrics/snapshot.ts'
import type { Totals } from '../metrics/totals.ts'
import { createJournal, type Journal } from '../report/journal.ts'
import type { RunFacts } from '../report/record.ts'

/** What is known about a run when its target answers and nothing has been sent. */
export interface RunStart {
  readonly facts: RunFacts
  readonly title: RunTitle
}

/** The state of a run in progress. Snapshot and notes are made on demand: they take the main thread milliseconds. */
export interface RunView {
  readonly progress: Progress
  snapshot(): Snapshot
  /** Current doubts about the run, one line each. */
  notes(): readonly string[]
}

/** A second of the run, and the totals at its end. */
export interface RunSecond {
  readonly interval: Interval
  readonly totals: Totals
}

/** Follows a run: a screen, the journal, an exporter. All calls come on the main thread, and none may block. */
export interface Observer {
  /** Once for each run, before its first connect; an error that it throws ends the run. */
  started?(start: RunStart): void
  /** Ten times a second, from the first connect to the end of the last worker. */
  progressed?(view: RunView): void
  second?(second: RunSecond): void
  /** Once after `started`, however the run ended. */
  ended?(): void
  /** Why the observer cannot do its work, such as a full disk: the run goes on, and this is one of its notes. */
  problem?(): string | undefined
}

/** Writes the journal of a run into its folder. */
export function createJournalObserver(folder: string): Observer {
  let journal: Journal | undefined
  return {
    started({ facts }) {
      journal = createJournal(join(folder, 'journal.ndjson'), facts)
    },
    second: ({ interval, totals }) => journal?.append({ ...interval, totals }),
    ended: () => journal?.close(),
    problem: () => journal?.error(),
  }
}
