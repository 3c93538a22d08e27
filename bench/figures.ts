import { formatCount, formatSize } from '../harness/units.ts'

interface FigureKind {
  /** Heading of its column, with the unit. */
  readonly heading: string
  /** Name within a sentence. */
  readonly name: string
  readonly format: (value: number) => string
}

/** Every figure that a round may have, in the order of the columns. */
export const figureKinds = {
  requestsPerSecond: { heading: 'requests/s', name: 'requests/s', format: formatCount },
  clientCores: { heading: 'cores', name: 'client cores in use', format: value => value.toFixed(2) },
  cpuMicros: { heading: 'us/request', name: 'client CPU per request', format: value => `${significant(value)} us` },
  requestsPerCore: { heading: 'per core', name: 'requests/s per client core', format: formatCount },
  p50Micros: { heading: 'p50', name: 'p50 round trip', format: value => `${significant(value)} us` },
  p99Micros: { heading: 'p99', name: 'p99 round trip', format: value => `${significant(value)} us` },
  lagMicros: { heading: 'p99 lag', name: 'p99 client lag', format: value => `${significant(value)} us` },
  connections: { heading: 'connections', name: 'connections at once', format: formatCount },
  failures: { heading: 'failures', name: 'failures', format: formatCount },
  rssBytes: { heading: 'resident', name: 'resident memory', format: formatSize },
  connectionBytes: { heading: 'per conn.', name: 'memory per connection', format: formatKilobytes },
  firstRequestMs: {
    heading: 'start',
    name: 'start to first request',
    format: value => `${Math.round(value)} ms`,
  },
  openMs: { heading: 'opens in', name: 'opening of a report', format: value => `${Math.round(value)} ms` },
  reportBytes: { heading: 'report', name: 'report of one hour', format: formatKilobytes },
  frameNanos: { heading: 'ns/frame', name: 'time for the end of a frame', format: value => `${significant(value)} ns` },
  /** Measured by the client itself, where the other CPU figures are read from outside. */
  ownCpuMicros: {
    heading: 'own us',
    name: 'CPU per request by its own count',
    format: value => `${significant(value)} us`,
  },
} as const satisfies Readonly<Record<string, FigureKind>>

export type FigureName = keyof typeof figureKinds

/** The figures of one round of one side. */
export type Figures = Readonly<Partial<Record<FigureName, number>>>

/** A figure as text, with its unit. */
export function formatFigure(name: FigureName, value: number): string {
  return figureKinds[name].format(value)
}

/** The figures of a client that used `cores` cores at `requestsPerSecond`. */
export function loadFigures(requestsPerSecond: number, cores: number): Figures {
  return {
    requestsPerSecond,
    clientCores: cores,
    ...(cores > 0 &&
      requestsPerSecond > 0 && {
        cpuMicros: (cores * 1e6) / requestsPerSecond,
        requestsPerCore: requestsPerSecond / cores,
      }),
  }
}

/** Three significant digits, without an exponent. */
function significant(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3)
}

/** Bounds of memory and sizes are in KB and MB of 1000. */
function formatKilobytes(bytes: number): string {
  return bytes < 1e6 ? `${significant(bytes / 1e3)} KB` : `${significant(bytes / 1e6)} MB`
}
