import { type Colors, cellCount, padEnd, printable, wrapWords } from '../../../terminal/cells.ts'

/** The width of the summary in cells, on a terminal that is at least as wide. */
const summaryColumns = 80
/** A narrower terminal wraps by itself. */
const columnsMin = 30
const labelCells = 13

/** Colours, and the cells that a line of the summary may take. */
export interface SummaryStyle extends Colors {
  readonly columns: number
}

/** The style for a terminal with so many columns; a wider one is not used in full. */
export function summaryStyle(colors: Colors, columns: number): SummaryStyle {
  return { ...colors, columns: Math.max(columnsMin, Math.min(summaryColumns, columns)) }
}

/** Text in as many lines as it needs, with `!` before the first. */
export function flagged(text: string, paint: (text: string) => string, { columns }: SummaryStyle): string[] {
  return wrapWords(printable(text), columns - 4).map((line, index) => paint(`  ${index === 0 ? '!' : ' '} ${line}`))
}

/** A label and its parts, three blanks apart, in as many lines as they need. */
export function entry(label: string, parts: readonly string[], style: SummaryStyle, separator = '   '): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    const longer = `${last}${separator}${part}`
    if (last !== undefined && labelCells + cellCount(longer) <= style.columns) lines[lines.length - 1] = longer
    else lines.push(part)
  }
  const hanging = ' '.repeat(labelCells)
  // A label that leaves no blank behind it, as a step of a group may, has a line of its own.
  if (cellCount(label) + 3 > labelCells) return [style.dim(`  ${label}`), ...lines.map(line => hanging + line)]
  return lines.map((line, index) => (index === 0 ? style.dim(padEnd(`  ${label}`, labelCells)) : hanging) + line)
}

/** A line of the summary in as many lines as a narrower terminal needs, broken between words and indented alike. */
export function wrapLine(line: string, columns: number): string[] {
  const cells = Math.max(columnsMin, columns)
  if (cellCount(line) <= cells) return [line]
  const margin = /^(?:\u001b\[\d+m)* */.exec(line)![0]
  const isFlagged = /^(?:\u001b\[\d+m)* {2}[! ] \S/.test(line)
  const indent = isFlagged ? 4 : cellCount(margin) > 0 ? labelCells : 2
  const [first = '', ...rest] = wrapWords(line.slice(margin.length), cells - cellCount(margin))
  const hanging = rest.length === 0 ? [] : wrapWords(rest.join(' ').trimStart(), cells - indent)
  return [margin + first, ...hanging.map(text => ' '.repeat(indent) + text.trimStart())].map(text => text.trimEnd())
}
