/** The size of the terminal that a text is written to; what is not known, as of a pipe, is undefined or 0. */
export interface TerminalSize {
  readonly columns?: number | undefined
  readonly rows?: number | undefined
}

const usualColumns = 80
const usualRows = 24
/** The prompt, and the line that the command was typed in. */
const promptRows = 2

/** The columns of a terminal, or 80. */
export function columnsOf({ columns }: TerminalSize): number {
  return columns || usualColumns
}

/** Whether the first of so many lines has left the screen when the last is written. */
export function leavesScreen(lines: number, { rows }: TerminalSize): boolean {
  return lines > (rows || usualRows) - promptRows
}
