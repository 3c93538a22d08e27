import { isAbsolute, join, relative } from 'node:path'
import { packageRoot } from '../built.ts'
import type { SummaryOptions } from '../report/formats/summary.ts'
import type { OutputStream } from './io.ts'

/** The size of the terminal that a command writes to, and the path of the page that explains findings. */
export function layoutOf({ columns, rows }: Pick<OutputStream, 'columns' | 'rows'>): Required<SummaryOptions> {
  return { columns, rows, docs: shownPath(join(packageRoot, 'docs', 'measurement.md')) }
}

/** A path as it works where the command was typed: relative where the file is below that folder. */
export function shownPath(path: string): string {
  const fromHere = relative(workingFolder(), path)
  return fromHere.startsWith('..') || isAbsolute(fromHere) ? path : fromHere
}

/** The working folder may have been removed. */
function workingFolder(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}
