import { cellCount, clip, padEnd, printable } from './cells.ts'

/** A piece of text and what paints it. Cutting happens before painting, so that no escape sequence is ever cut. */
export interface Span {
  readonly text: string
  readonly paint?: (text: string) => string
}

/** One line of the screen. */
export type Row = readonly Span[]

/** A span that is safe to show whatever its text. */
export function span(text: string, paint?: (text: string) => string): Span {
  return paint ? { text: printable(text), paint } : { text: printable(text) }
}

/** The cells that a row takes. */
export function rowCells(row: Row): number {
  return row.reduce((sum, { text }) => sum + cellCount(text), 0)
}

/** Rows with as many of the items in each as fit into `cells`, three blanks apart; at most `rowsMax` rows. */
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

/** A row's left part and, where there is room for it, its right part beginning at cell `column`. */
export function beside(left: Row, right: Row, column: number): Row {
  const blanks = column - rowCells(left)
  return blanks < 0 ? left : [...left, { text: padEnd('', blanks) }, ...right]
}

/** The row as text of at most `cells` cells, painted. */
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
