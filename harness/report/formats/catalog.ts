import type { Colors } from '../../terminal/cells.ts'
import type { Report } from '../record.ts'
import { renderSummary } from './summary.ts'

/** What a format may use besides the report. */
export interface FormatOptions {
  /** Path of the saved report, as shown to the reader. */
  readonly path: string
  readonly colors: Colors
  /** The width of the terminal; 80 where it is not known. */
  readonly columns?: number | undefined
}

/** A way to render a report: a pure function and its file name extension. */
export interface Format {
  readonly name: string
  readonly extension: string
  /** The whole text; it ends with a line feed. */
  readonly render: (report: Report, options: FormatOptions) => string
}

/** The formats by name. */
export const formats = {
  summary: {
    name: 'summary',
    extension: 'txt',
    render: (report, { path, colors, columns }) => renderSummary(report, path, colors, columns || undefined),
  },
  json: { name: 'json', extension: 'json', render: report => `${JSON.stringify(report, null, 2)}\n` },
} as const satisfies Record<string, Format>
