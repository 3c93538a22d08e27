import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { messageOf, UserError } from '../errors.ts'
import type { Totals } from '../metrics/totals.ts'
import type { Interval, Report } from './record.ts'

export const journalSchema = 'volley.journal/1'
/** Bounds on reading a journal. It has a line a second, so this is more than a week. */
const journalLinesMax = 1_000_000
const journalBytesMax = 400 * 1024 * 1024

/** The part of a report that is known before the first request. */
export type JournalHeader = Pick<
  Report,
  'tool' | 'scenario' | 'target' | 'seed' | 'startedAt' | 'transport' | 'workers'
>

/** One second of the run, and the totals at its end. */
export interface JournalEntry extends Interval {
  readonly totals: Totals
}

/** A record of the run that grows by a line a second. */
export interface Journal {
  append(entry: JournalEntry): void
  close(): void
  /** Why the journal could not be kept to its end, such as a full disk; the run goes on without it. */
  error(): string | undefined
}

/**
 * Starts the journal of a run; throws a UserError when the file cannot be written. Each line is passed to the kernel
 * within the call, so that it survives this process: a killed run loses no more than its last second.
 */
export function createJournal(path: string, header: JournalHeader): Journal {
  let file: number | undefined
  let failure: string | undefined

  function write(line: unknown): void {
    if (file === undefined) return
    try {
      const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
      for (let from = 0; from < bytes.length; ) from += writeSync(file, bytes, from)
    } catch (error) {
      failure = messageOf(error)
      close()
    }
  }

  function close(): void {
    if (file !== undefined) closeSync(file)
    file = undefined
  }

  try {
    file = openSync(path, 'w')
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${messageOf(error)}`, 'name another folder with --out')
  }
  write({ schema: journalSchema, ...header })
  return { append: write, close, error: () => failure }
}

/** A journal as read back. */
export interface JournalRecord {
  readonly header: JournalHeader
  readonly entries: readonly JournalEntry[]
  /** Whether the last line is incomplete, as in the journal of a killed run. */
  readonly cut: boolean
}

/**
 * Reads a journal, even of a run that was killed; throws a UserError when the file is not a journal, or is broken
 * before its last line.
 */
export async function readJournal(path: string): Promise<JournalRecord> {
  const entries: JournalEntry[] = []
  let header: JournalHeader | undefined
  let brokenLine = 0
  let line = 0
  try {
    const input = createReadStream(path, { encoding: 'utf8', end: journalBytesMax })
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      line++
      if (brokenLine > 0) throw fault(path, brokenLine, 'expected one JSON object a line')
      if (line > journalLinesMax) throw fault(path, line, `expected at most ${journalLinesMax} lines`)
      const value = parseLine(text)
      if (value === undefined) brokenLine = line
      else if (line === 1) header = headerOf(value, path)
      else if (isEntry(value)) entries.push(value)
      else throw fault(path, line, 'expected a second of a run, with its totals')
    }
  } catch (error) {
    throw error instanceof UserError ? error : fault(path, undefined, messageOf(error))
  }
  if (header === undefined) throw fault(path, 1, `expected a header with schema "${journalSchema}"`)
  return { header, entries, cut: brokenLine > 0 }
}

function parseLine(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function headerOf(value: object, path: string): JournalHeader {
  const { schema, ...header } = value as { schema?: unknown }
  if (schema !== journalSchema || !('scenario' in header) || !('startedAt' in header)) {
    throw fault(path, 1, `expected a header with schema "${journalSchema}"`)
  }
  return header as unknown as JournalHeader
}

function isEntry(value: object): value is JournalEntry {
  return 'second' in value && typeof value.second === 'number' && 'totals' in value
}

function fault(path: string, line: number | undefined, message: string): UserError {
  return new UserError([{ place: line === undefined ? path : `${path}:${line}`, message }])
}
