import type { Colors } from '../../terminal/cells.ts'
import type { Report } from '../record.ts'
import { renderSummary, type SummaryOptions } from './summary.ts'

/** What a format may use besides the report. */
export interface FormatOptions extends SummaryOptions {
  /** Path of the saved report, as shown to the reader. */
  readonly path: string
  readonly colors: Colors
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
    render: (report, { path, colors, ...options }) => renderSummary(report, path, colors, options),
  },
  json: { name: 'json', extension: 'json', render: report => `${JSON.stringify(report, null, 2)}\n` },
} as const satisfies Record<string, Format>
