import { join } from 'node:path'
import type { Interval, Progress, RunTitle, Snapshot } from '../metrics/snapshot.ts'
import type { Totals } from '../metrics/totals.ts'
import { createJournal, type Journal } from '../report/journal.ts'
import type { ProbeRecord, RunFacts } from '../report/record.ts'

/** What is known about a run when its target answers and nothing has been sent. */
export interface RunStart {
  readonly facts: RunFacts
  readonly title: RunTitle
  /** Of a run that is a probe of a search. */
  readonly search?: SearchProgress
}

/** How far a search for the highest rate is before one of its probes, in requests per second. */
export interface SearchProgress {
  /** 1 for the first probe. */
  readonly probe: number
  readonly held?: number
  readonly failed?: number
  /** The lowest rate at which the client was at fault. */
  readonly clientLimitedAt?: number
  /** The probes before this one. */
  readonly probes: readonly ProbeRecord[]
  /** How many probes are to come, this one included; absent while the rate still doubles or halves. */
  readonly left?: { readonly least: number; readonly most: number }
}

/** The state of a run in progress. Snapshot and notes are made on demand: they take the main thread milliseconds. */
export interface RunView {
  readonly progress: Progress
  snapshot(): Snapshot
  /** Current doubts about the run, one line each. */
  notes(): readonly string[]
}

/** A second of the run, or the part of one with which it ends, and the totals at its end. */
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
  /** What is done after the last worker has ended, and before `ended`. */
  said?(text: string): void
  /** Once after `started`, however the run ended. */
  ended?(): void
  /** Why the observer cannot do its work, such as a full disk: the run goes on, and this is one of its notes. */
  problem?(): string | undefined
}

/** Starts each observer; where one throws, those before it are ended, and its error is thrown. */
export function startObservers(observers: readonly Observer[], start: RunStart): void {
  observers.forEach((observer, index) => {
    try {
      observer.started?.(start)
    } catch (error) {
      for (const earlier of observers.slice(0, index)) earlier.ended?.()
      throw error
    }
  })
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
