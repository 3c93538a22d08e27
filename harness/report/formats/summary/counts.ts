import { failureKinds } from '../../../failures.ts'
import { describeSample, sampleLabels } from '../../../metrics/sampleText.ts'
import { attemptedOf, messagesOf } from '../../../metrics/totals.ts'
import { printable } from '../../../terminal/cells.ts'
import { formatCount, formatPercent, plural } from '../../../units.ts'
import { formatAvailability } from '../../figures.ts'
import type { Report } from '../../record.ts'
import { quantileParts } from './latency.ts'
import { entry, type SummaryStyle } from './layout.ts'

/** Deliveries: messages that no request asked for, and whether all of them arrived. */
export function deliveryLines({ deliveries }: Report, style: SummaryStyle): string[] {
  if (deliveries === undefined) return []
  const { count, expected, inexact, perSecond, latencyMs } = deliveries
  const total = `${formatCount(count)} in total`
  const counted = expected === undefined ? [total] : [`${total}:`, comparisonOf(count, expected, inexact !== undefined)]
  return [
    ...entry('deliveries', [`${formatCount(perSecond)}/s,`, ...counted], style, ' '),
    ...(latencyMs.count > 0 ? entry('', quantileParts(latencyMs), style) : []),
  ]
}

function comparisonOf(count: number, expected: number, isAbout: boolean): string {
  if (isAbout) return `about ${formatCount(expected)} expected`
  return count === expected ? 'all that were expected' : `${formatCount(expected)} expected`
}

/**
 * What was attempted in the whole run and what became of it, in a sum that adds up, and the count of a reference
 * server. Attempts are requests, and failures of which no request is part, such as a refused connect.
 */
export function requestLines({ totals, server }: Report, style: SummaryStyle): string[] {
  const { completed, inFlightAtEnd, failures, handshakes, heartbeats, answers = 0, ignored = 0, oneWay = 0 } = totals
  const kinds = failureKinds.filter(kind => failures[kind] !== undefined).sort((a, b) => failures[b]! - failures[a]!)
  const outcomes = [
    `${formatCount(completed)} completed`,
    ...(kinds.length === 0 ? ['0 failed'] : kinds.map(kind => style.red(`${kind} ${formatCount(failures[kind]!)}`))),
    `${formatCount(inFlightAtEnd)} not yet ${oneWay > 0 && oneWay === completed ? 'sent' : 'answered'}`,
  ]
  const others = [
    ...(handshakes.sent > 0 ? [`${formatCount(handshakes.sent)} handshakes`] : []),
    ...(heartbeats.sent > 0 ? [`${formatCount(heartbeats.sent)} heartbeats`] : []),
    ...(answers > 0 ? [`${plural(answers, 'answer')} to messages of the server`] : []),
    ...(ignored > 0 ? [`${plural(ignored, 'message')} to be ignored`] : []),
  ]
  const sum = outcomes.map((outcome, index) => `${index === 0 ? '=' : '+'} ${outcome}`)
  return [
    ...entry('requests', [formatCount(attemptedOf(totals)), ...sum], style, ' '),
    ...(oneWay > 0 && oneWay < completed
      ? entry('', [`${formatCount(oneWay)} of them expect no reply`, 'and count once they are sent'], style, ' ')
      : []),
    ...(others.length > 0 ? entry('', [`not included: ${others.join(' and ')}`], style) : []),
    ...(server?.requests === undefined ? [] : serverCountLines(server.requests, totals, style)),
  ]
}

/**
 * The server's own count, which should be at least the number of answered requests and at most the number of sent ones.
 */
function serverCountLines(counted: number, totals: Report['totals'], style: SummaryStyle): string[] {
  const { answered, sent } = messagesOf(totals)
  const range = `${formatCount(answered)} answered, ${formatCount(sent)} sent`
  const isWrong = counted < answered || counted > sent
  const comparison = isWrong ? style.red(`WRONG: ${range}`) : counted === sent ? 'all that was sent' : range
  return entry('', [`the server counted ${formatCount(counted)}:`, comparison], style, ' ')
}

/** How long requests took to fail, and replies that came after their request had timed out. */
export function failureLines({ totals: { late = 0 }, latencyMs: { failed } }: Report, style: SummaryStyle): string[] {
  return [
    ...(failed === undefined ? [] : entry('failed in', quantileParts(failed), style)),
    ...(late === 0 ? [] : entry('late', [`${plural(late, 'reply')} to requests that had timed out`], style)),
  ]
}

/** Connections that the server closed while they were idle, and the share of the time without a connection. */
export function connectionLines({ totals, availability, scenario }: Report, style: SummaryStyle): string[] {
  const { idleCloses = 0, givenUp = 0 } = totals
  const were = idleCloses === 1 ? 'was' : 'were'
  const closed = `${plural(idleCloses, 'connection')} ${were} closed by the server while idle,`
  const attempts = `${plural(scenario.reconnect.attempts ?? 0, 'failed attempt')} in a row`
  const then = scenario.reconnect.when === 'never' ? 'and not opened again' : 'which is no failure'
  return [
    ...(idleCloses === 0 ? [] : entry('idle', [closed, then], style, ' ')),
    ...(givenUp === 0
      ? []
      : entry(
          'given up',
          [`${formatCount(givenUp)} of ${plural(scenario.connections, 'connection')}:`, attempts],
          style,
          ' ',
        )),
    ...(availability === undefined || availability === 1
      ? []
      : entry('available', [`${formatAvailability(availability)} of the time:`, ...unavailable], style, ' ')),
  ]
}

const unavailable = ['for the rest of it', 'connections were lost or refused']

/** Samples that the summary shows; the report has all. */
const samplesShownMax = 5

/** What came back that was not as expected: `unexpected 32,455: HTTP 503, e.g. "busy"`; the reason for silence first. */
export function replyLines(report: Report, style: SummaryStyle): string[] {
  const { replies = [], silence } = report
  // A note of the audit shows the greeting.
  const samples = (report.samples ?? []).filter(({ kind }) => kind !== 'greeting')
  const shown = samples.slice(0, samplesShownMax)
  const lines = shown.map(
    sample => `${sampleLabels[sample.kind]} ${formatCount(sample.count)}: ${describeSample(sample)}`,
  )
  const more = samples.length - shown.length
  return [
    ...(silence === undefined ? [] : entry('no reply', words(silence), style, ' ')),
    ...replies.flatMap(({ step, ...reply }) => entry(printable(step!), words(describeSample(reply)), style, ' ')),
    ...statusLines(report, style),
    ...lines.flatMap((line, index) => entry(index === 0 ? 'came back' : '', words(line), style, ' ')),
    ...(more > 0 ? entry('', [`and ${formatCount(more)} more kinds, in the report`], style) : []),
  ]
}

/** HTTP statuses and RESP errors by count, unless there is but one status and it is no error; failures of several steps. */
function statusLines({ statusCodes = {}, errorReplies = {}, steps }: Report, style: SummaryStyle): string[] {
  const codes = Object.entries(statusCodes)
  const statuses = codes.map(([code, count]) => `${code === '0' ? 'requests' : code} ${formatCount(count)}`)
  const isPlain = codes.length < 2 && codes.every(([code]) => Number(code) >= 200 && Number(code) < 400)
  const errors = Object.entries(errorReplies).map(([word, count]) => `${printable(word)} ${formatCount(count)}`)
  const failed = steps.flatMap(({ name, failed = 0 }) =>
    failed > 0 ? [`${printable(name)} ${formatCount(failed)}`] : [],
  )
  return [
    ...(isPlain ? [] : entry('status', statuses, style)),
    ...entry('errors', errors, style),
    ...entry('failed at', failed, style),
  ]
}

/** A text as words, so that it wraps between them. */
function words(text: string): string[] {
  return printable(text).split(' ')
}

/** Lost, duplicate and reordered datagrams; the share is of all requests that have ended. */
export function datagramLines({ datagrams, totals }: Report, style: SummaryStyle): string[] {
  if (datagrams === undefined) return []
  const { lost, duplicates, reordered } = datagrams
  const ended = totals.completed + totals.failed + totals.handshakes.sent + totals.heartbeats.sent
  const share = lost > 0 ? ` (${formatPercent(lost / ended)})` : ''
  const parts = [`${formatCount(lost)} lost${share},`, `${formatCount(duplicates)} duplicates,`]
  return entry('datagrams', [...parts, `${formatCount(reordered)} reordered`], style, ' ')
}
