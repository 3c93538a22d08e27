import type { Interface } from 'node:readline'
import { type ExitCode, exitCode } from '../errors.ts'
import type { FailureKind } from '../failures.ts'
import { createKeyHandshakeClient, type KeyHandshakeClient } from '../protocols/keyHandshake.ts'
import { PartialFrames } from '../protocols/partialFrames.ts'
import { type Message, type Protocol, tooLarge } from '../protocols/protocol.ts'
import { isUnasked } from '../protocols/unasked.ts'
import { answerTo, type WebSocketUpgrade } from '../protocols/webSocketClient.ts'
import { plainOrQuoted, quoteShown, Secrets, showBytes } from '../shownBytes.ts'
import { finished, type Loop, type Transport, written } from '../transports/transport.ts'
import { formatSetting, plural } from '../units.ts'
import type { CommandIo } from './io.ts'

/** Of a pipe nothing more is read while so many of its messages have no reply. */
const unansweredMax = 1000
/** How often the loop wakes without an event; the end of the conversation wakes it at once. */
const wakeMs = 1000
const link = 0
/** In it each character of a line that was not typed is a byte of it. */
export const pipedEncoding = 'latin1'
/** Lines that leave the conversation. */
const leavingLines: readonly string[] = ['q', 'Q']
/** Of bytes that are no message, as many are shown. */
const shownBytesMax = 64
const shownCharactersMax = 240

const endings: Partial<Record<FailureKind, string>> = {
  'closed-early': 'the server closed the connection',
  reset: 'the server reset the connection',
  'connect-refused': 'nothing listens there any more',
}

export interface ConversationSettings {
  readonly transport: Transport
  readonly protocol: Protocol
  /** Type of the messages, if the protocol has types. */
  readonly type: number | undefined
  /** Key for the protocol's own handshake. */
  readonly key: string | undefined
  /** How its connections begin, where they are those of WebSocket. */
  readonly upgrade?: WebSocketUpgrade
  /** Lines to send, with a prompt if they are typed at a terminal. */
  readonly lines: Interface
  readonly isPrompting: boolean
  /** Each message waits for the reply to the one before. */
  readonly waits: boolean
  /** How long the next reply may take where it is waited for. */
  readonly replyMs: number
  readonly io: Pick<CommandIo, 'stdout' | 'stderr' | 'readerGone'>
}

/** Sends lines over one connection as messages and shows the replies. */
export class Conversation implements Loop {
  readonly #settings: ConversationSettings
  readonly #partialFrames = new PartialFrames()
  readonly #handshake: KeyHandshakeClient | undefined
  /** The handshake's reply that comes next; no line is read until it is over. */
  #awaited: 'upgrade' | 'challenge' | 'welcome' | undefined
  /** The unanswered requests: without framing, a reply is as long as its request. */
  readonly #waiting: Uint8Array[] = []
  /** Each message waits for the reply to the one before: it is wanted, or a reply may end the connection that others would be on. */
  readonly #isOneByOne: boolean
  /** Without a connection after a reply that has ended it: the next message opens another. */
  #connection: 'open' | 'opening' | 'ended' = 'opening'
  /** No more lines are taken: they have ended, or one of them leaves. */
  #isFinishing = false
  /** No lines are read until some of the messages are answered. */
  #isFull = false
  /** Runs out when the next reply takes too long. */
  #patience: NodeJS.Timeout | undefined
  #isOver = false
  #code: ExitCode = exitCode.pass

  constructor(settings: ConversationSettings) {
    this.#settings = settings
    this.#isOneByOne = settings.waits || settings.protocol.endsConnection !== undefined
    if (settings.key !== undefined) {
      this.#handshake = createKeyHandshakeClient(settings.protocol, settings.key)
      this.#awaited = 'challenge'
    }
    settings.lines.pause()
    settings.lines.on('line', text => this.#sendLine(text))
    settings.lines.on('close', () => this.#finish())
  }

  /** Connects and runs until the lines end or the connection closes. */
  async run(): Promise<ExitCode> {
    const { transport, io } = this.#settings
    io.readerGone?.addEventListener('abort', () => this.#leave())
    const ended = transport.run(this)
    transport.connect(link)
    await ended
    return this.#code
  }

  opened(): void {
    const { upgrade } = this.#settings
    if (upgrade !== undefined) {
      this.#awaited = 'upgrade'
      this.#write(upgrade.request)
    } else if (this.#handshake === undefined) this.#begin()
    else this.#write(this.#handshake.helloFrame())
  }

  received(_link: number, received: Uint8Array, from: number, to: number): void {
    const { protocol } = this.#settings
    this.#partialFrames.join(link, received, from, to)
    const { bytes } = this.#partialFrames
    let at = this.#partialFrames.from
    const waiting = this.#waiting.length
    let end = 0
    let isEnded = false
    while (at < this.#partialFrames.to && !this.#isOver && !isEnded) {
      end = this.#format.frameEnd(bytes, at, this.#partialFrames.to, this.#waiting[0]?.length ?? 0)
      if (end <= 0) break
      if (this.#awaited === 'upgrade') this.#upgraded(bytes, at, end)
      else if (this.#awaited !== undefined) this.#continueHandshake(bytes, at, end)
      else this.#show(bytes, at, end)
      isEnded = protocol.endsConnection?.(bytes, at, end) === true
      at = end
    }
    if (end < 0) {
      const fault = end === tooLarge ? 'too large' : `not a ${protocol.name} message`
      this.#leave(`the reply is ${fault}: ${this.#describe(bytes, at, this.#partialFrames.to)}`)
    } else if (isEnded) this.#endConnection()
    else {
      this.#partialFrames.keep(link, bytes, at, this.#partialFrames.to)
      if (this.#waiting.length < waiting) this.#writeFirst()
    }
    if (this.#waiting.length < waiting) this.#answered()
  }

  closed(_link: number, cause: FailureKind): void {
    this.#partialFrames.show(link)
    const { bytes, from, to } = this.#partialFrames
    const end = cause === 'closed-early' ? (this.#settings.protocol.endAtClose?.(bytes, from, to) ?? 0) : 0
    if (end <= 0) {
      this.#leave(`${endings[cause] ?? `the connection broke: ${cause}`}${this.#unfinished()}${this.#unsent()}`)
      return
    }
    this.#show(bytes, from, end)
    this.#endConnection()
    this.#answered()
  }

  wake(now: number): number {
    return this.#isOver ? finished : now + wakeMs
  }

  #begin(): void {
    const { lines, isPrompting } = this.#settings
    this.#connection = 'open'
    this.#writeFirst()
    if (isPrompting && this.#waiting.length === 0) lines.prompt()
    else if (!isPrompting) lines.resume()
  }

  /** Writes the message that is next to be answered, where messages go one by one. */
  #writeFirst(): void {
    if (this.#isOneByOne && this.#waiting.length > 0) this.#write(this.#waiting[0]!)
  }

  /** A reply has ended its connection: messages that are still to be answered go over another. */
  #endConnection(): void {
    this.#settings.transport.close(link)
    this.#partialFrames.drop(link)
    this.#connection = 'ended'
    if (this.#waiting.length > 0 && !this.#isOver) this.#reopen()
  }

  #reopen(): void {
    this.#connection = 'opening'
    this.#settings.transport.connect(link)
  }

  #sendLine(text: string): void {
    const { protocol, lines, isPrompting, type } = this.#settings
    // Lines that were read together with the one that leaves.
    if (this.#isFinishing) return
    if (leavingLines.includes(text)) {
      if (isPrompting) this.#leave()
      else this.#finish()
      return
    }
    if (text !== '') {
      try {
        const body = Buffer.from(text, isPrompting ? 'utf8' : pipedEncoding)
        const frame = protocol.encode({ body, ...(type !== undefined && { type }), ...this.#sender() })
        this.#waiting.push(frame)
        if (this.#connection === 'open' && (!this.#isOneByOne || this.#waiting.length === 1)) this.#write(frame)
        else if (this.#connection === 'ended') this.#reopen()
        this.#pauseIfFull()
        if (this.#waiting.length === 1) this.#watch()
        return
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        this.#settings.io.stderr.write(`${error.message}\n`)
      }
    }
    if (isPrompting) lines.prompt()
  }

  /** By which address we name ourselves, where a server goes by that. */
  #sender(): { clientIp?: string } {
    const { protocol, transport } = this.#settings
    const address = protocol.needsLocalAddress ? transport.localAddress?.(link) : undefined
    return address === undefined ? {} : { clientIp: address }
  }

  #write(frame: Uint8Array): void {
    if (this.#settings.transport.write(link, frame, 0, frame.length) === written.refused) {
      this.#leave('the server does not read')
    }
  }

  /** The format of what comes next. */
  get #format(): Protocol {
    const { protocol, upgrade } = this.#settings
    return this.#awaited === 'upgrade' ? upgrade!.format : protocol
  }

  #upgraded(bytes: Uint8Array, from: number, end: number): void {
    if (!this.#settings.upgrade!.isTaken(bytes, from, end)) {
      this.#leave(`the server does not upgrade the connection: ${this.#describe(bytes, from, end)}`)
      return
    }
    this.#awaited = undefined
    this.#begin()
  }

  #show(bytes: Uint8Array, from: number, end: number): void {
    const { protocol, lines, isPrompting } = this.#settings
    const answer = answerTo(protocol, bytes, from, end)
    if (answer !== undefined) {
      this.#write(answer)
      return
    }
    if (!isUnasked(protocol, bytes, from, end)) this.#waiting.shift()
    this.#settings.io.stdout.write(`${describeMessage(protocol.decode(bytes, from, end))}\n`)
    if (isPrompting) lines.prompt()
  }

  #continueHandshake(bytes: Uint8Array, from: number, end: number): void {
    const handshake = this.#handshake!
    const kind = handshake.kindOf(bytes, from, end)
    if (kind !== this.#awaited) {
      const { body } = this.#settings.protocol.decode(bytes, from, end)
      this.#leave(
        kind === 'refusal' ? `refused: ${plainOrQuoted(body)}` : 'the server does not do the handshake with a key',
      )
    } else if (kind === 'challenge') {
      this.#awaited = 'welcome'
      this.#write(handshake.signatureFrame(bytes, from, end))
    } else {
      this.#awaited = undefined
      this.#begin()
    }
  }

  /** No more lines are taken: only outstanding replies are waited for. */
  #finish(): void {
    if (this.#isFinishing || this.#isOver) return
    this.#isFinishing = true
    this.#settings.lines.close()
    if (this.#waiting.length === 0) this.#leave()
    else this.#watch()
  }

  /** Messages were answered: goes on with the others, or leaves after the last of them. */
  #answered(): void {
    if (this.#isFinishing && this.#waiting.length === 0) this.#leave()
    if (this.#isOver) return
    if (this.#isFull && this.#waiting.length <= unansweredMax / 2) {
      this.#isFull = false
      this.#settings.lines.resume()
    }
    this.#watch()
  }

  #pauseIfFull(): void {
    if (this.#isFull || this.#settings.isPrompting || this.#waiting.length < unansweredMax) return
    this.#isFull = true
    this.#settings.lines.pause()
    this.#watch()
  }

  /** Gives the next reply its time, where it is waited for. */
  #watch(): void {
    clearTimeout(this.#patience)
    const isAwaited = this.#settings.waits || this.#isFinishing || this.#isFull
    if (!isAwaited || this.#waiting.length === 0) return
    this.#patience = setTimeout(() => this.#leave(this.#overdue()), this.#settings.replyMs).unref()
  }

  /** Which message has no reply, for how long, and what can be done. */
  #overdue(): string {
    const { replyMs, waits, protocol } = this.#settings
    const frame = this.#waiting[0]!
    const { body } = (protocol.sent ?? protocol).decode(frame, 0, frame.length)
    // A request such as GET / has no body.
    const content = body.length > 0 ? body : frame
    const isCut = content.length > shownBytesMax
    const message = quoteShown(showBytes(content.subarray(0, shownBytesMax), new Secrets(), isCut))
    const flags = waits ? '--timeout waits longer, --no-wait sends all lines at once' : '--timeout waits longer'
    return `no reply to ${message} within ${formatSetting(replyMs)}${this.#unfinished()}${this.#unsent()} (${flags})`
  }

  /** What was left of several messages, as the end of a sentence. */
  #unsent(): string {
    const messages = this.#waiting.length
    if (messages < 2) return ''
    return this.#isOneByOne
      ? '; the lines after it were not sent'
      : `; ${plural(messages, 'message')} in all have no reply`
  }

  /** What has come of a frame that is not whole, as the end of a sentence. */
  #unfinished(): string {
    const frames = this.#partialFrames
    frames.show(link)
    if (frames.from === frames.to) return ''
    return `; ${plural(frames.to - frames.from, 'byte')} came that are no whole message: ${this.#describe(frames.bytes, frames.from, frames.to)}`
  }

  /** Bytes as text or hex, and what is wrong with them where the protocol can say. */
  #describe(bytes: Uint8Array, from: number, to: number): string {
    const shown = bytes.subarray(from, Math.min(to, from + shownBytesMax))
    const why = this.#format.explain?.(bytes, from, to)
    const text = quoteShown(showBytes(shown, new Secrets(), from + shownBytesMax < to), shownCharactersMax)
    return why === undefined ? text : `${text} (${why})`
  }

  #leave(reason?: string): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#patience)
    if (reason !== undefined) {
      this.#settings.io.stderr.write(`${reason}\n`)
      this.#code = exitCode.couldNotRun
    }
    const { lines, transport } = this.#settings
    lines.close()
    transport.wakeAt(transport.now())
  }
}

/** A message for people: its fields, then its body as text, or as hex if it is not text. */
function describeMessage({ type, body, id }: Message): string {
  const fields = [type === undefined ? '' : `type ${type}`, id === undefined ? '' : `id ${id}`].filter(Boolean)
  return [...fields, plainOrQuoted(body)].join('  ')
}
