import { failureKinds } from '../../../failures.ts'
import { attemptedOf } from '../../../metrics/totals.ts'
import type { Colors } from '../../../terminal/cells.ts'
import { formatCount, formatPercent, plural } from '../../../units.ts'
import { formatAvailability } from '../../figures.ts'
import type { Report } from '../../record.ts'
import { quantileParts } from './latency.ts'
import { entry } from './layout.ts'

/** Deliveries: messages that no request asked for, and whether all of them arrived. */
export function deliveryLines({ deliveries }: Report, colors: Colors): string[] {
  if (deliveries === undefined) return []
  const { count, expected, inexact, perSecond, latencyMs } = deliveries
  const exact = count === expected ? 'all that were expected' : `${formatCount(expected)} expected`
  const comparison = inexact === undefined ? exact : `about ${formatCount(expected)} expected`
  return [
    ...entry(
      'deliveries',
      [`${formatCount(perSecond)}/s,`, `${formatCount(count)} in total:`, comparison],
      colors,
      ' ',
    ),
    ...(latencyMs.count > 0 ? entry('', quantileParts(latencyMs), colors) : []),
  ]
}

/**
 * What was attempted in the whole run and what became of it, in a sum that adds up, and the count of a reference
 * server. Attempts are requests, and failures of which no request is part, such as a refused connect.
 */
export function requestLines({ totals, server }: Report, colors: Colors): string[] {
  const { completed, inFlightAtEnd, failures, handshakes, heartbeats } = totals
  const kinds = failureKinds.filter(kind => failures[kind] !== undefined).sort((a, b) => failures[b]! - failures[a]!)
  const outcomes = [
    `${formatCount(completed)} completed`,
    ...(kinds.length === 0 ? ['0 failed'] : kinds.map(kind => colors.red(`${kind} ${formatCount(failures[kind]!)}`))),
    `${formatCount(inFlightAtEnd)} not yet answered`,
  ]
  const others = [
    ...(handshakes.sent > 0 ? [`${formatCount(handshakes.sent)} handshakes`] : []),
    ...(heartbeats.sent > 0 ? [`${formatCount(heartbeats.sent)} heartbeats`] : []),
  ]
  const sum = outcomes.map((outcome, index) => `${index === 0 ? '=' : '+'} ${outcome}`)
  return [
    ...entry('requests', [formatCount(attemptedOf(totals)), ...sum], colors, ' '),
    ...(others.length > 0 ? entry('', [`not included: ${others.join(' and ')}`], colors) : []),
    ...(server?.requests === undefined ? [] : serverCountLines(server.requests, totals, colors)),
  ]
}

/**
 * The server's own count, which should be at least the number of answered requests and at most the number of sent ones.
 */
function serverCountLines(counted: number, totals: Report['totals'], colors: Colors): string[] {
  const { handshakes, heartbeats } = totals
  const answered = totals.completed + handshakes.completed + heartbeats.completed
  const sent = totals.sent + handshakes.sent + heartbeats.sent
  const range = `${formatCount(answered)} answered, ${formatCount(sent)} sent`
  const isWrong = counted < answered || counted > sent
  const comparison = isWrong ? colors.red(`WRONG: ${range}`) : counted === sent ? 'all that was sent' : range
  return entry('', [`the server counted ${formatCount(counted)}:`, comparison], colors, ' ')
}

/** How long requests took to fail, and replies that came after their request had timed out. */
export function failureLines({ totals: { late = 0 }, latencyMs: { failed } }: Report, colors: Colors): string[] {
  return [
    ...(failed === undefined ? [] : entry('failed in', quantileParts(failed), colors)),
    ...(late === 0 ? [] : entry('late', [`${plural(late, 'reply')} to requests that had timed out`], colors)),
  ]
}

/** Connections that the server closed while they were idle, and the share of the time without a connection. */
export function connectionLines({ totals, availability, scenario }: Report, colors: Colors): string[] {
  const { idleCloses = 0 } = totals
  const were = idleCloses === 1 ? 'was' : 'were'
  const closed = `${plural(idleCloses, 'connection')} ${were} closed by the server while idle,`
  const then = scenario.reconnect.when === 'never' ? 'and not opened again' : 'which is no failure'
  return [
    ...(idleCloses === 0 ? [] : entry('idle', [closed, then], colors, ' ')),
    ...(availability === undefined || availability === 1
      ? []
      : entry('available', [`${formatAvailability(availability)} of the time:`, ...unavailable], colors, ' ')),
  ]
}

const unavailable = ['for the rest of it', 'connections were lost or refused']

/** Lost, duplicate and reordered datagrams; the share is of all requests that have ended. */
export function datagramLines({ datagrams, totals }: Report, colors: Colors): string[] {
  if (datagrams === undefined) return []
  const { lost, duplicates, reordered } = datagrams
  const ended = totals.completed + totals.failed + totals.handshakes.sent + totals.heartbeats.sent
  const share = lost > 0 ? ` (${formatPercent(lost / ended)})` : ''
  const parts = [`${formatCount(lost)} lost${share},`, `${formatCount(duplicates)} duplicates,`]
  return entry('datagrams', [...parts, `${formatCount(reordered)} reordered`], colors, ' ')
}
