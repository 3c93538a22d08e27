import { failureKinds } from '../failures.ts'
import type { Snapshot } from '../metrics/snapshot.ts'
import { failedOf } from '../metrics/totals.ts'
import type { SearchProgress } from '../run/observer.ts'
import { formatByteRate, formatCount, formatDuration, formatElapsed, formatTimeOfDay } from '../units.ts'

/**
 * One second of a run as a line, for output that is not a terminal: `09:30:13 1s 131,022/s p50 70us p99 224us ...`,
 * with the bytes per second and the open connections.
 */
export function renderLine(snapshot: Snapshot, wallClock: Date): string {
  const { phase, elapsedMs, requestsPerSecond, bytesPerSecond, deliveriesPerSecond, response } = snapshot
  const { completed, failures, connections } = snapshot
  const time = formatTimeOfDay(wallClock)
  if (phase === 'opening') {
    const open = `${formatCount(connections.open)} of ${formatCount(connections.wanted)} connections`
    return [time, `opening ${open}`, ...failuresPart(snapshot)].join('  ')
  }
  const open =
    connections.open < connections.wanted
      ? `${formatCount(connections.open)} of ${formatCount(connections.wanted)}`
      : formatCount(connections.open)
  return [
    time,
    formatElapsed(elapsedMs),
    `${formatCount(requestsPerSecond)}/s`,
    ...(deliveriesPerSecond === undefined ? [] : [`deliveries ${formatCount(deliveriesPerSecond)}/s`]),
    `p50 ${short(response.p50)} p99 ${short(response.p99)}`,
    `ok ${formatCount(completed)} failed ${formatCount(failedOf(failures))}`,
    `out ${rate(bytesPerSecond.sent)} in ${rate(bytesPerSecond.received)}`,
    `connections ${open}`,
    ...failuresPart(snapshot),
    ...(phase === 'measuring' ? [] : [phase]),
  ].join('  ')
}

function failuresPart({ failures }: Snapshot): string[] {
  const kinds = failureKinds.filter(kind => (failures[kind] ?? 0) > 0)
  return kinds.length === 0 ? [] : [kinds.map(kind => `${kind} ${formatCount(failures[kind]!)}`).join(', ')]
}

function rate(bytesPerSecond: number): string {
  return formatByteRate(bytesPerSecond).replace(' ', '')
}

function short(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '-' : formatDuration(milliseconds).replace(' ', '')
}

/** `probe 5 of a search, 400/s passed, 800/s failed` */
export function describeSearch({ probe, held, failed }: SearchProgress): string {
  return [
    `probe ${probe} of a search`,
    ...(held === undefined ? [] : [`${formatCount(held)}/s passed`]),
    ...(failed === undefined ? [] : [`${formatCount(failed)}/s failed`]),
  ].join(', ')
}
