import {
  formatByteRate,
  formatCount,
  formatDuration,
  formatSeconds,
  formatSize,
  formatTimeOfDay,
  plural,
} from '../../harness/units.ts'
import type { Timeline } from './timeline.ts'
import type { Way } from './way.ts'

/** Totals since the start, except `connections`, the number that is open now. `up` is from clients to the server. */
export interface RelayCounters {
  /** Connections, or over UDP clients that have sent something lately. */
  readonly connections: number
  /** Connections that could not be accepted, and datagrams of clients beyond the limit. */
  readonly rejected: number
  /** Connections that ended with a reset, by one side or by the relay. */
  readonly resets: number
  readonly bytesUp: number
  readonly bytesDown: number
  /** UDP: datagrams that came in, each of which is passed on, lost or on its way. */
  readonly datagramsIn: number
  readonly datagramsUp: number
  readonly datagramsDown: number
  readonly lost: number
  /** How often the relay passed on what was due, and by how many milliseconds that was late, all of it together. */
  readonly arrivals: number
  readonly lateMs: number
}

/** The counters of both ways together with those of the relay itself. */
export function relayCounters(
  { up, down }: { readonly up: Way; readonly down: Way },
  { fired, lateMs }: Pick<Timeline, 'fired' | 'lateMs'>,
  own: Pick<RelayCounters, 'connections' | 'rejected' | 'resets'>,
): RelayCounters {
  return {
    ...own,
    bytesUp: up.bytesPassed,
    bytesDown: down.bytesPassed,
    datagramsIn: up.datagramsIn + down.datagramsIn,
    datagramsUp: up.datagramsPassed,
    datagramsDown: down.datagramsPassed,
    lost: up.lost + down.lost,
    arrivals: fired,
    lateMs,
  }
}

/** What a relay prints about its counters. */
export const relayTexts = {
  line: relayLine,
  lastLine: lastRelayLine,
  total({ bytesUp, bytesDown, datagramsUp, datagramsDown, lost }: RelayCounters): string {
    const datagrams = datagramsUp + datagramsDown
    const counted = [
      `${plural(bytesUp, 'byte')} up, ${plural(bytesDown, 'byte')} down in all`,
      ...(datagrams + lost > 0 ? [`${plural(datagrams, 'datagram')} passed on, ${formatCount(lost)} lost`] : []),
    ]
    return counted.join(', ')
  },
}

/** Formats what a relay did in `seconds` seconds as one line with the time of day. */
export function relayLine(before: RelayCounters, after: RelayCounters, seconds: number, time: Date): string {
  const since = (name: keyof RelayCounters) => after[name] - before[name]
  const rate = (name: 'bytesUp' | 'bytesDown') => formatByteRate(since(name) / seconds)
  const arrivals = since('arrivals')
  const datagrams = since('datagramsUp') + since('datagramsDown')
  const parts = [
    `connections ${formatCount(after.connections)}`,
    `up ${rate('bytesUp')}`,
    `down ${rate('bytesDown')}`,
    ...(datagrams > 0 ? [`${formatCount(Math.round(datagrams / seconds))} datagrams/s`] : []),
    ...(arrivals > 0 ? [`late ${formatDuration(since('lateMs') / arrivals)}`] : []),
    ...incidents(before, after),
  ]
  return `${formatTimeOfDay(time)}  ${parts.join('   ')}`
}

/** The same as counts for the part of a second at the end, so that the lines add up to the total. */
function lastRelayLine(before: RelayCounters, after: RelayCounters, seconds: number, time: Date): string {
  const since = (name: keyof RelayCounters) => after[name] - before[name]
  const datagrams = since('datagramsUp') + since('datagramsDown')
  const parts = [
    `connections ${formatCount(after.connections)}`,
    `in the last ${formatSeconds(seconds)}`,
    `up ${formatSize(since('bytesUp'))}`,
    `down ${formatSize(since('bytesDown'))}`,
    ...(datagrams > 0 ? [plural(datagrams, 'datagram')] : []),
    ...incidents(before, after),
  ]
  return `${formatTimeOfDay(time)}  ${parts.join('   ')}`
}

function incidents(before: RelayCounters, after: RelayCounters): string[] {
  return (['lost', 'resets', 'rejected'] as const).flatMap(name => {
    const count = after[name] - before[name]
    return count > 0 ? [`${name} ${formatCount(count)}`] : []
  })
}
