import type { Interface } from 'node:readline'
import { type ExitCode, exitCode } from '../errors.ts'
import type { FailureKind } from '../failures.ts'
import { PartialFrames } from '../protocols/partialFrames.ts'
import { type Message, type Protocol, tooLarge } from '../protocols/protocol.ts'
import { finished, type Loop, type Transport, written } from '../transports/transport.ts'
import type { CommandIo } from './io.ts'

/** How long replies are waited for after the last message. */
const lastRepliesMs = 2000
/** How often it is looked whether all is said; being over wakes the loop at once. */
const wakeMs = 1000
const link = 0

const endings: Partial<Record<FailureKind, string>> = {
  'closed-early': 'the server closed the connection',
  reset: 'the server reset the connection',
  'connect-refused': 'nobody listens there any more',
}

export interface ConversationSettings {
  readonly transport: Transport
  readonly protocol: Protocol
  /** Of the messages, where the protocol has one. */
  readonly type: number | undefined
  /** For the protocol's own handshake. */
  readonly key: string | undefined
  /** Lines to be sent; prompted for where somebody types them. */
  readonly lines: Interface
  readonly isPrompting: boolean
  readonly io: Pick<CommandIo, 'stdout' | 'stderr'>
}

/** Lines sent over one connection as messages, and its replies shown. */
export class Conversation implements Loop {
  readonly #settings: ConversationSettings
  readonly #partialFrames = new PartialFrames()
  /** Messages of the handshake still to be answered; until then no line is read. */
  #handshakeLeft: number
  /** Lengths of the requests not yet answered: without framing that is how long a reply is. */
  readonly #waiting: number[] = []
  #isFinishing = false
  #isOver = false
  #code: ExitCode = exitCode.pass

  constructor(settings: ConversationSettings) {
    this.#settings = settings
    this.#handshakeLeft = settings.key === undefined ? 0 : 2
    settings.lines.pause()
    settings.lines.on('line', text => this.#say(text))
    settings.lines.on('close', () => this.#finish())
  }

  /** Connects, and talks until the lines are at their end or the connection is. */
  async run(): Promise<ExitCode> {
    const { transport } = this.#settings
    const ended = transport.run(this)
    transport.connect(link)
    await ended
    return this.#code
  }

  opened(): void {
    if (this.#handshakeLeft === 0) this.#begin()
    else this.#send({ type: this.#settings.protocol.keyHandshake!.helloType, body: new Uint8Array(0) })
  }

  received(_link: number, received: Uint8Array, from: number, to: number): void {
    const { protocol } = this.#settings
    this.#partialFrames.join(link, received, from, to)
    const { bytes } = this.#partialFrames
    let at = this.#partialFrames.from
    let end = 0
    while (at < this.#partialFrames.to && !this.#isOver) {
      end = protocol.frameEnd(bytes, at, this.#partialFrames.to, this.#waiting[0] ?? 0)
      if (end <= 0) break
      if (this.#handshakeLeft > 0) this.#shakeHands(bytes, at, end)
      else this.#show(bytes, at, end)
      at = end
    }
    if (end < 0) this.#leave(`the reply is ${end === tooLarge ? 'too large' : `no ${protocol.name} message`}`)
    else this.#partialFrames.keep(link, bytes, at, this.#partialFrames.to)
    if (this.#isFinishing && this.#waiting.length === 0) this.#leave()
  }

  closed(_link: number, cause: FailureKind): void {
    this.#leave(endings[cause] ?? `the connection broke: ${cause}`)
  }

  wake(now: number): number {
    return this.#isOver ? finished : now + wakeMs
  }

  #begin(): void {
    const { lines, isPrompting } = this.#settings
    if (isPrompting) lines.prompt()
    else lines.resume()
  }

  #say(text: string): void {
    const { lines, isPrompting, type } = this.#settings
    if (text === 'q') this.#leave()
    else if (text !== '') {
      try {
        this.#waiting.push(this.#send({ body: Buffer.from(text), ...(type !== undefined && { type }) }))
        return
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        this.#settings.io.stderr.write(`${error.message}\n`)
      }
    }
    if (isPrompting) lines.prompt()
  }

  /** Answers how many bytes that was. */
  #send(message: Message): number {
    const frame = this.#settings.protocol.encode(message)
    if (this.#settings.transport.write(link, frame, 0, frame.length) === written.refused) {
      this.#leave('the server does not read')
    }
    return frame.length
  }

  #show(bytes: Uint8Array, from: number, end: number): void {
    const { protocol, lines, isPrompting } = this.#settings
    if (protocol.delivery === undefined || protocol.delivery(bytes, from, end) < 0) this.#waiting.shift()
    this.#settings.io.stdout.write(`${describeMessage(protocol.decode(bytes, from, end))}\n`)
    if (isPrompting) lines.prompt()
  }

  #shakeHands(bytes: Uint8Array, from: number, end: number): void {
    const { protocol, key } = this.#settings
    const { challengeType, welcomeType, signatureType, sign } = protocol.keyHandshake!
    const { type, body } = protocol.decode(bytes, from, end)
    if (type !== (this.#handshakeLeft === 2 ? challengeType : welcomeType)) {
      const refused = protocol.isRefusal?.(bytes, from, end)
      this.#leave(refused ? `refused: ${Buffer.from(body)}` : 'the server does not do the handshake with a key')
      return
    }
    this.#handshakeLeft--
    if (this.#handshakeLeft === 1) this.#send({ type: signatureType, body: sign(key!, body) })
    else this.#begin()
  }

  /** Nothing more is said: what was asked is waited for. */
  #finish(): void {
    this.#isFinishing = true
    if (this.#waiting.length === 0) this.#leave()
    if (this.#isOver) return
    setTimeout(() => this.#leave('no reply to the last message'), lastRepliesMs).unref()
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

/** A message to be read: its fields, then its body as text, or as hex where it is none. */
function describeMessage({ type, body, id }: Message): string {
  const fields = [type === undefined ? '' : `type ${type}`, id === undefined ? '' : `id ${id}`].filter(Boolean)
  const text = Buffer.from(body).toString()
  const printable = !text.includes('\ufffd') && !/[\0-\x08\x0e-\x1f\x7f]/.test(text)
  return [...fields, printable ? text : `hex ${Buffer.from(body).toString('hex')}`].join('  ')
}
