import type { Interface } from 'node:readline'
import { type ExitCode, exitCode } from '../errors.ts'
import type { FailureKind } from '../failures.ts'
import { createKeyHandshakeClient, type KeyHandshakeClient } from '../protocols/keyHandshake.ts'
import { PartialFrames } from '../protocols/partialFrames.ts'
import { type Message, type Protocol, tooLarge } from '../protocols/protocol.ts'
import { quoteShown, Secrets, showBytes } from '../shownBytes.ts'
import { finished, type Loop, type Transport, written } from '../transports/transport.ts'
import { plural } from '../units.ts'
import type { CommandIo } from './io.ts'

/** How long to wait for the next reply after the last message. */
const lastRepliesMs = 2000
/** How often the loop wakes without an event; the end of the conversation wakes it at once. */
const wakeMs = 1000
const link = 0
/** In it each character of a line that was not typed is a byte of it. */
export const pipedEncoding = 'latin1'
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
  /** Lines to send, with a prompt if they are typed at a terminal. */
  readonly lines: Interface
  readonly isPrompting: boolean
  readonly io: Pick<CommandIo, 'stdout' | 'stderr' | 'readerGone'>
}

/** Sends lines over one connection as messages and shows the replies. */
export class Conversation implements Loop {
  readonly #settings: ConversationSettings
  readonly #partialFrames = new PartialFrames()
  readonly #handshake: KeyHandshakeClient | undefined
  /** The handshake's reply that comes next; no line is read until it is over. */
  #awaited: 'challenge' | 'welcome' | undefined
  /** The unanswered requests: without framing, a reply is as long as its request. */
  readonly #waiting: Uint8Array[] = []
  /** A reply may end the connection, and a server need not read what was sent before that: messages go one by one. */
  readonly #isOneByOne: boolean
  /** Without a connection after a reply that has ended it: the next message opens another. */
  #connection: 'open' | 'opening' | 'ended' = 'opening'
  #isFinishing = false
  /** Once the lines have ended: runs out when no reply comes any more. */
  #lastReply: NodeJS.Timeout | undefined
  #isOver = false
  #code: ExitCode = exitCode.pass

  constructor(settings: ConversationSettings) {
    this.#settings = settings
    this.#isOneByOne = settings.protocol.endsConnection !== undefined
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
    if (this.#handshake === undefined) this.#begin()
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
      end = protocol.frameEnd(bytes, at, this.#partialFrames.to, this.#waiting[0]?.length ?? 0)
      if (end <= 0) break
      if (this.#awaited !== undefined) this.#continueHandshake(bytes, at, end)
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
    if (this.#isFinishing && this.#waiting.length === 0) this.#leave()
  }

  closed(_link: number, cause: FailureKind): void {
    this.#partialFrames.show(link)
    const { bytes, from, to } = this.#partialFrames
    const end = cause === 'closed-early' ? (this.#settings.protocol.endAtClose?.(bytes, from, to) ?? 0) : 0
    if (end <= 0) {
      this.#leave(`${endings[cause] ?? `the connection broke: ${cause}`}${this.#unfinished()}`)
      return
    }
    this.#show(bytes, from, end)
    this.#endConnection()
    if (this.#isFinishing && this.#waiting.length === 0) this.#leave()
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
    if (text === 'q') this.#leave()
    else if (text !== '') {
      try {
        const body = Buffer.from(text, isPrompting ? 'utf8' : pipedEncoding)
        const frame = protocol.encode({ body, ...(type !== undefined && { type }), ...this.#sender() })
        this.#waiting.push(frame)
        if (this.#connection === 'open' && (!this.#isOneByOne || this.#waiting.length === 1)) this.#write(frame)
        else if (this.#connection === 'ended') this.#reopen()
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

  #show(bytes: Uint8Array, from: number, end: number): void {
    const { protocol, lines, isPrompting } = this.#settings
    if (protocol.delivery === undefined || protocol.delivery(bytes, from, end) < 0) this.#waiting.shift()
    this.#lastReply?.refresh()
    this.#settings.io.stdout.write(`${describeMessage(protocol.decode(bytes, from, end))}\n`)
    if (isPrompting) lines.prompt()
  }

  #continueHandshake(bytes: Uint8Array, from: number, end: number): void {
    const handshake = this.#handshake!
    const kind = handshake.kindOf(bytes, from, end)
    if (kind !== this.#awaited) {
      const { body } = this.#settings.protocol.decode(bytes, from, end)
      this.#leave(
        kind === 'refusal' ? `refused: ${Buffer.from(body)}` : 'the server does not do the handshake with a key',
      )
    } else if (kind === 'challenge') {
      this.#awaited = 'welcome'
      this.#write(handshake.signatureFrame(bytes, from, end))
    } else {
      this.#awaited = undefined
      this.#begin()
    }
  }

  /** The lines have ended: only outstanding replies are waited for. */
  #finish(): void {
    this.#isFinishing = true
    if (this.#waiting.length === 0) this.#leave()
    if (this.#isOver) return
    const giveUp = () => this.#leave(`no reply to the last message${this.#unfinished()}`)
    this.#lastReply = setTimeout(giveUp, lastRepliesMs).unref()
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
    const why = this.#settings.protocol.explain?.(bytes, from, to)
    const text = quoteShown(showBytes(shown, new Secrets(), from + shownBytesMax < to), shownCharactersMax)
    return why === undefined ? text : `${text} (${why})`
  }

  #leave(reason?: string): void {
    if (this.#isOver) return
    this.#isOver = true
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
  const text = Buffer.from(body).toString()
  const printable = !text.includes('\ufffd') && !/[\0-\x08\x0e-\x1f\x7f]/.test(text)
  return [...fields, printable ? text : `hex ${Buffer.from(body).toString('hex')}`].join('  ')
}
