import { cellCount, clip, padEnd, printable } from './cells.ts'

/** A piece of text and its paint. Text is cut before it is painted, so that no escape sequence is ever cut. */
export interface Span {
  readonly text: string
  readonly paint?: (text: string) => string
}

/** One line of the screen. */
export type Row = readonly Span[]

/** A span with any text, made safe to print. */
export function span(text: string, paint?: (text: string) => string): Span {
  return paint ? { text: printable(text), paint } : { text: printable(text) }
}

/** The number of cells of a row. */
export function rowCells(row: Row): number {
  return row.reduce((sum, { text }) => sum + cellCount(text), 0)
}

/** Packs items three blanks apart into rows of at most `cells` cells; drops those beyond `rowsMax` rows. */
export function packRows(items: readonly Row[], cells: number, rowsMax: number): Row[] {
  const rows: Span[][] = []
  for (const item of items) {
    const last = rows.at(-1)
    if (last !== undefined && rowCells(last) + gap.text.length + rowCells(item) <= cells) last.push(gap, ...item)
    else rows.push([...item])
  }
  return rows.slice(0, rowsMax)
}

const gap: Span = { text: '   ' }

/** Joins two parts of a row, the right one starting at cell `column`; drops it if the left one is longer. */
export function beside(left: Row, right: Row, column: number): Row {
  const blanks = column - rowCells(left)
  return blanks < 0 ? left : [...left, { text: padEnd('', blanks) }, ...right]
}

/** Paints a row, cut to at most `cells` cells. */
export function paintRow(row: Row, cells: number): string {
  let room = cells
  let line = ''
  for (const { text, paint } of row) {
    const shown = clip(text, room)
    room -= cellCount(shown)
    line += paint && shown !== '' ? paint(shown) : shown
    if (shown !== text) break
  }
  return line.trimEnd()
}
