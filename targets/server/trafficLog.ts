import { reasonOf } from '../../harness/errors.ts'
import { tooLarge } from '../../harness/protocols/protocol.ts'
import type { LoggedEvent } from '../../harness/serverOptions.ts'
import { formatDuration, formatTimeOfDay, plural } from '../../harness/units.ts'
import { LimitedLines } from './limitedLines.ts'
import type { ReplySocket } from './replies.ts'
import type { Connection } from './service.ts'

/** Describes the message in `bytes[from, end)` in one line of bounded length. */
export type DescribeMessage = (bytes: Uint8Array, from: number, end: number) => string

export interface TrafficLogSettings {
  readonly events: readonly LoggedEvent[]
  readonly describe: DescribeMessage
  /** Over TCP messages are told with the read or the write that they were in; over UDP each is a datagram. */
  readonly isStream: boolean
  readonly print: (line: string) => void
  /** Whether each line begins with the time of day. */
  readonly isTimed: boolean
  readonly linesPerSecondMax?: number
}

/** What has passed over a connection. */
interface Traffic {
  /** The client's address, or a number where it has none. */
  readonly name: string
  readonly socket: ReplySocket
  readonly openedMs: number
  reads: number
  /** The read in which the next message begins. */
  beganInRead: number
  writes: number
  messagesIn: number
  messagesOut: number
  bytesIn: number
  bytesOut: number
}

/**
 * Prints a line for each connection of a server that opens and closes, and for each message that is read and written: what
 * came in one read is seen to have come together. A server without a log does nothing for it.
 */
export class TrafficLog {
  readonly #settings: TrafficLogSettings
  readonly #lines: LimitedLines
  readonly #byConnection = new Map<Connection, Traffic>()
  readonly #bySocket = new Map<ReplySocket, Traffic>()
  readonly #showsConnections: boolean
  readonly #showsMessages: boolean
  #opened = 0

  constructor(settings: TrafficLogSettings) {
    this.#settings = settings
    this.#lines = new LimitedLines(line => settings.print(`${this.#time()}${line}`), settings.linesPerSecondMax)
    this.#showsConnections = settings.events.includes('connections')
    this.#showsMessages = settings.events.includes('messages')
  }

  /** A connection is open; replies to it are written to `socket`. */
  opened(connection: Connection, socket: ReplySocket): void {
    this.#opened++
    // Over a unix socket a client has no address.
    const name = connection.remoteAddress || `client ${this.#opened}`
    const traffic: Traffic = {
      name,
      socket,
      openedMs: performance.now(),
      reads: 0,
      beganInRead: 0,
      writes: 0,
      messagesIn: 0,
      messagesOut: 0,
      bytesIn: 0,
      bytesOut: 0,
    }
    this.#byConnection.set(connection, traffic)
    this.#bySocket.set(socket, traffic)
    if (this.#showsConnections) this.#lines.print(() => `${name}  opened, ${openText(connection)}`)
  }

  /** A connection is closed, and no longer among the server's; `unfinishedBytes` came of a message without its end. */
  closed(connection: Connection, { error, unfinishedBytes = 0 }: Closing = {}): void {
    const traffic = this.#byConnection.get(connection)
    if (traffic === undefined) return
    this.#byConnection.delete(connection)
    this.#bySocket.delete(traffic.socket)
    if (!this.#showsConnections) return
    this.#lines.print(() => {
      const { name, openedMs, messagesIn, messagesOut, bytesIn, bytesOut } = traffic
      const lasted = formatDuration(performance.now() - openedMs)
      const ended = error !== undefined ? brokenText(error) : this.#settings.isStream ? 'closed' : 'forgotten'
      const parts = [
        `${name}  ${ended} after ${lasted}`,
        `in ${plural(messagesIn, 'message')}, ${plural(bytesIn, 'byte')}`,
        `out ${plural(messagesOut, 'message')}, ${plural(bytesOut, 'byte')}`,
        ...(unfinishedBytes > 0 ? [`${plural(unfinishedBytes, 'byte')} left of a message without its end`] : []),
      ]
      return `${parts.join('; ')}; ${openText(connection)}`
    })
  }

  /** A client was turned away because as many connections as the server may have are open. */
  turnedAway(name: string): void {
    if (!this.#showsConnections) return
    this.#lines.print(() => `${name || 'a client'}  turned away: as many connections as are allowed are open`)
  }

  /** Bytes came in with one read; `isFresh` says that they begin a message. */
  read(connection: Connection, bytes: number, isFresh: boolean): void {
    const traffic = this.#byConnection.get(connection)
    if (traffic === undefined) return
    traffic.reads++
    traffic.bytesIn += bytes
    if (isFresh) traffic.beganInRead = traffic.reads
  }

  /** A message is complete in `bytes[from, end)`. */
  message(connection: Connection, bytes: Uint8Array, from: number, end: number): void {
    const traffic = this.#byConnection.get(connection)
    if (traffic === undefined) return
    traffic.messagesIn++
    const { isStream, describe } = this.#settings
    if (!isStream) traffic.bytesIn += end - from
    const { name, beganInRead, reads } = traffic
    traffic.beganInRead = reads
    if (!this.#showsMessages) return
    this.#lines.print(() => {
      const place = isStream ? [readText(beganInRead, reads)] : []
      return [`${name}  in `, plural(end - from, 'byte'), ...place, describe(bytes, from, end)].join('  ')
    })
  }

  /** A message is malformed, or too long; `isSkipped` says that the connection lives on. */
  faulty(connection: Connection, fault: number, isSkipped: boolean): void {
    const traffic = this.#byConnection.get(connection)
    if (traffic === undefined || !this.#showsMessages) return
    const what = fault === tooLarge ? 'a message that is too long' : 'a message that is malformed'
    const then = isSkipped ? 'it is skipped' : 'the connection is closed'
    this.#lines.print(() => `${traffic.name}  in   ${what}: ${then}`)
  }

  /** Bytes were written to a socket: messages of these lengths, as far as they reach. */
  wrote(socket: ReplySocket, bytes: Uint8Array, lengths: number[]): void {
    const traffic = this.#bySocket.get(socket)
    if (traffic !== undefined) traffic.writes++
    let used = 0
    for (let from = 0; from < bytes.length; used++) {
      // Without a length the rest is one message.
      const end = Math.min(bytes.length, from + (lengths[used] ?? bytes.length))
      if (traffic !== undefined && end > from) this.#sent(traffic, bytes, from, end)
      from = end
    }
    lengths.splice(0, used)
  }

  /** A message that is no reply was written to a connection. */
  sent(connection: Connection, bytes: Uint8Array): void {
    const traffic = this.#byConnection.get(connection)
    if (traffic === undefined) return
    traffic.writes++
    this.#sent(traffic, bytes, 0, bytes.length)
  }

  /** Says how many lines were left out last. */
  end(): void {
    this.#lines.end()
  }

  #sent(traffic: Traffic, bytes: Uint8Array, from: number, end: number): void {
    traffic.messagesOut++
    traffic.bytesOut += end - from
    if (!this.#showsMessages) return
    const { isStream, describe } = this.#settings
    this.#lines.print(() => {
      const place = isStream ? [`write ${traffic.writes}`] : []
      return [`${traffic.name}  out`, plural(end - from, 'byte'), ...place, describe(bytes, from, end)].join('  ')
    })
  }

  #time(): string {
    if (!this.#settings.isTimed) return ''
    const now = new Date()
    return `${formatTimeOfDay(now)}.${String(now.getMilliseconds()).padStart(3, '0')}  `
  }
}

/** How a connection was closed. */
export interface Closing {
  readonly error?: Error | undefined
  readonly unfinishedBytes?: number
}

function openText({ connections }: Connection): string {
  return `${plural(connections.length, 'connection')} open`
}

/** Which reads a message came in. */
function readText(first: number, last: number): string {
  return first === last ? `read ${last}` : `reads ${first} to ${last}`
}

function brokenText(error: NodeJS.ErrnoException): string {
  return error.code === 'ECONNRESET' ? 'reset by the client' : `broken (${reasonOf(error)})`
}
