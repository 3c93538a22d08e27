import { type Colors, cellCount, padEnd, printable, wrapWords } from '../../../terminal/cells.ts'

/** The width of the summary in cells. */
const columns = 80
const labelCells = 13

/** Text in as many lines as it needs, with `!` before the first. */
export function flagged(text: string, paint: (text: string) => string): string[] {
  return wrapWords(printable(text), columns - 4).map((line, index) => paint(`  ${index === 0 ? '!' : ' '} ${line}`))
}

/** A label and its parts, three blanks apart, in as many lines as they need. */
export function entry(label: string, parts: readonly string[], colors: Colors, separator = '   '): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    const longer = `${last}${separator}${part}`
    if (last !== undefined && labelCells + cellCount(longer) <= columns) lines[lines.length - 1] = longer
    else lines.push(part)
  }
  const hanging = ' '.repeat(labelCells)
  return lines.map((line, index) => (index === 0 ? colors.dim(padEnd(`  ${label}`, labelCells)) : hanging) + line)
}
